"""Reads the published build, and nothing else, for `top`, `explain` and `status`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from harmrank import duck, warehouse
from harmrank.errors import HomeBusy, UsageError
from harmrank.home import Home
from harmrank.publish import MART_FILE, read_manifest

Row = dict[str, Any]

GATE_FAILED = "gate failed"
"""The outcome of a refresh whose build was not fit to be published."""


@dataclass(frozen=True)
class Explanation:
    """Everything a score rests on: the offender's row, the allegations behind it, the records, the build."""

    offender: Row
    listing: Row | None
    evidence: list[Row]
    records: list[Row]
    unclassified: list[Row]
    build: Row


def top(home: Home, places: int) -> tuple[Row, list[Row]]:
    """The build and the first `places` rows of the published list."""
    with _mart(home) as connection:
        build = _rows(connection, "select * from mart.build_info")[0]
        return build, _rows(connection, "select * from mart.top_100 order by harm_rank limit ?", [places])


def explain(home: Home, offender_key: str) -> Explanation:
    """Where every day of one offender's score comes from. Raises UsageError for a key with no score."""
    with _mart(home) as connection:
        build = _rows(connection, "select * from mart.build_info")[0]
        offenders = _rows(connection, "select * from mart.offender_harm where offender_key = ?", [offender_key])
        if not offenders:
            raise UsageError(_unknown_key(connection, offender_key, build["list_date"]))
        listing = _rows(connection, "select * from mart.top_100 where offender_key = ?", [offender_key])
        evidence = _rows(
            connection,
            "select * from mart.offender_evidence where offender_key = ? "
            "order by harm_days desc nulls last, reported_on, force, crime_ref",
            [offender_key],
        )
        records = _rows(
            connection,
            "select force, person_ref, is_surviving_record from mart.offender_people where offender_key = ? "
            "order by is_surviving_record desc, person_ref",
            [offender_key],
        )
        unclassified = _unclassified(connection, offender_key)
        return Explanation(offenders[0], listing[0] if listing else None, evidence, records, unclassified, build)


def status(home: Home) -> Row:
    """What is landed, what is published, and whether the one lags behind the other."""
    manifest = read_manifest(home)
    landed = _landed(home)
    last = _last_refresh(home)
    published = manifest and {
        "build_id": manifest["build_id"],
        "built_at": manifest["built_at"],
        "list_date": manifest["list_date"],
        "method": manifest["method"],
        "extracts": len(manifest["extracts"]),
        "newest_extract": max(manifest["extracts"]),
        "rows": {name: table["rows"] for name, table in manifest["tables"].items()},
        "warnings": manifest["warnings"],
        "folder": str(home.published / "current"),
    }
    return {
        "home": str(home.root),
        "landed": landed,
        "published": published,
        "last_refresh": last,
        "stale_because": _stale_because(landed, manifest, last),
    }


def _stale_because(landed: Row | None, manifest: Row | None, last: Row | None) -> list[str]:
    if manifest is None:
        return ["nothing has been published yet: run harmrank refresh"]
    reasons = []
    if last and last["outcome"] == GATE_FAILED:
        reasons.append(
            f"the last refresh ({last['build_id']}) did not pass its tests: mend what it names, refresh again"
        )
    if landed and landed["extract_ids"] and not set(landed["extract_ids"]) <= set(manifest["extracts"]):
        missing = sorted(set(landed["extract_ids"]) - set(manifest["extracts"]))
        reasons.append(f"landed but not in the published list: {', '.join(missing)}")
    newest = max(landed["extract_ids"], default="")[:10] if landed else ""
    if newest > manifest["list_date"]:
        reasons.append(
            f"the list is for {manifest['list_date']}, the newest extract is of {newest}: refresh without --list-date"
        )
    age = (datetime.now(UTC).date() - date.fromisoformat(manifest["list_date"])).days
    if age < 0:
        reasons.append("the list date is in the future: is the id of the newest extract right?")
    elif age > 35 and newest <= manifest["list_date"]:
        reasons.append(f"the list date is {age:,} days ago: has the newest monthly extract arrived?")
    return reasons


def _landed(home: Home) -> Row | None:
    if not home.warehouse.exists():
        return None
    try:
        with warehouse.connect(home, read_only=True) as connection:
            extracts = _rows(connection, "select extract_id, landed_at from raw.extracts order by extract_id")
            refused = _rows(
                connection,
                "select extract_id, message from raw.refused_extracts "
                "qualify row_number() over (partition by extract_id order by refused_at desc) = 1 "
                "and extract_id not in (select extract_id from raw.extracts) order by extract_id",
            )
            (quarantined,) = connection.execute("select count(*) from raw.quarantine").fetchone() or (0,)
    except HomeBusy as busy:
        return {"extract_ids": [], "in_use": str(busy), "refused": [], "rows_quarantined": None}
    return {
        "extract_ids": [row["extract_id"] for row in extracts],
        "in_use": None,
        "refused": refused,
        "rows_quarantined": quarantined,
    }


def _last_refresh(home: Home) -> Row | None:
    path = home.logs / "last_refresh.json"
    if not path.exists():
        return None
    last: Row = json.loads(path.read_text(encoding="utf-8"))
    return last


@contextmanager
def _mart(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    path = home.published / "current" / MART_FILE
    if not path.exists():
        raise UsageError(f"nothing has been published in {home.root}: run harmrank refresh EXTRACTS --home {home.root}")
    # The resolved path names one build, so a publication in the meantime cannot mix two.
    with duck.open_database(path.resolve(), read_only=True) as connection:
        yield connection


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any] | None = None) -> list[Row]:
    cursor = connection.execute(query, values or [])
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _unclassified(connection: duckdb.DuckDBPyConnection, offender_key: str) -> list[Row]:
    query = "select * from mart.unclassified_allegations where offender_key = ? order by reported_on, force, crime_ref"
    return _rows(connection, query, [offender_key])


def _unknown_key(connection: duckdb.DuckDBPyConnection, offender_key: str, list_date: date) -> str:
    merged = _rows(
        connection, "select offender_key from mart.offender_people where force || '|' || person_ref = ?", [offender_key]
    )
    if merged and merged[0]["offender_key"] != offender_key:
        return f"{offender_key} was merged into {merged[0]['offender_key']}: explain that key"
    unclassified = _unclassified(connection, offender_key)
    if unclassified:
        crimes = ", ".join(f"{row['crime_ref']} ({row['offence_code']})" for row in unclassified)
        return (
            f"{offender_key} has no allegation that counts on {list_date}, but {len(unclassified)} under an offence "
            f"code that no table knows: {crimes}. Add the code to seeds/offences.csv, or have it corrected"
        )
    return (
        f"{offender_key} has no allegation that counts on {list_date}. "
        "Keys are force|person_ref, as in `harmrank top`; quote them, since | is special to the shell"
    )
