"""Reads the published build for `top`, `explain` and `status`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from harmrank.errors import HarmrankError, HomeBusy, UsageError
from harmrank.home import journal, warehouse
from harmrank.home.folder import Home
from harmrank.machine import duck, system_errors
from harmrank.machine.clock import utc_now
from harmrank.publishing import current_build
from harmrank.publishing.current_build import (
    MART_FILE,
    NAMES_ARE_CLOSED,
    NAMES_FILE,
    OPERATIONAL,
    advice,
    faults,
    manifest_if_whole,
    may_read_names,
)
from harmrank.reading import quarantine
from harmrank.text import quoting

Row = dict[str, Any]


PUBLISHED_BY_AN_OLDER = (
    "the list was published by an older harmrank and lacks data for this: run harmrank refresh EXTRACTS --home HOME"
)


@dataclass(frozen=True)
class Explanation:
    """Everything behind one score: the offender's row, its allegations and records, and the build; then how firm the place is,
    what changed since the previous list, under which methods and changed rules the person is listed, and corrections of
    published lists. `records` is None if this process may not read the table with names, which has them."""

    offender: Row
    listing: Row | None
    evidence: list[Row]
    records: list[Row] | None
    unclassified: list[Row]
    certainty: Row | None
    movement: Row | None
    methods: list[Row]
    turned_rules: list[Row]
    corrections: list[Row]
    build: Row


_RECORDS = """
    select force, person_ref, is_surviving_record
    from operational.mart.offender_people
    where offender_key = ?
    order by is_surviving_record desc, person_ref
"""
_MERGED_INTO = "select offender_key from operational.mart.offender_people where force || '|' || person_ref = ?"
_CERTAINTY = "select * from mart.rank_uncertainty where offender_key = ?"
_MOVEMENT = "select * from mart.list_movements where offender_key = ? and list_date = ?"
_METHODS = """
    select method, title, is_published, is_illustrative, method_rank, score, score_unit
    from mart.method_comparison
    left join (select method, method_rank, score from mart.method_lists where offender_key = ?) using (method)
    order by is_published desc, method_rank, method
"""
_TURNED_RULES = """
    select turned_rule, turned_from, turned_to, title, is_entering, harm_rank_turned
    from mart.rule_effect_people
    join mart.rule_effect using (turned_rule, turned_to)
    where offender_key = ?
    order by turned_rule, turned_to
"""
_CHURN = """
    select previous_list_date, entered, people_left
    from mart.list_churn join mart.build_info using (list_date)
"""
_CORRECTIONS = "select * from mart.list_corrections where offender_key = ? order by list_date desc"


def top(home: Home, places: int) -> tuple[Row, list[Row]]:
    """Returns the build and the first `places` rows of the published list."""
    with open_mart(home) as connection:
        build = select(connection, "select * from mart.build_info")[0]
        return build, select(connection, "select * from mart.top_100 order by harm_rank limit ?", [places])


def movement(home: Home) -> Row | None:
    """Returns how many entered and left since the previous monthly list; None for the first list."""
    with open_mart(home) as connection:
        rows = select(connection, _CHURN)
        return dict(rows[0]) if rows else None


def explain(home: Home, offender_key: str) -> Explanation:
    """Returns everything behind one offender's score. Raises UsageError for a key without a score."""
    with open_mart(home) as connection:
        build = select(connection, "select * from mart.build_info")[0]
        has_names = attach_names(home, connection)
        offenders = select(connection, "select * from mart.offender_harm where offender_key = ?", [offender_key])
        if not offenders:
            raise UsageError(_unknown_key(connection, offender_key, build["list_date"], has_names))
        listing = select(connection, "select * from mart.top_100 where offender_key = ?", [offender_key])
        evidence = select(
            connection,
            "select * from mart.offender_evidence where offender_key = ? "
            "order by harm_days desc nulls last, reported_on, force, crime_ref",
            [offender_key],
        )
        records = select(connection, _RECORDS, [offender_key]) if has_names else None
        unclassified = _unclassified(connection, offender_key)
        certainty = select(connection, _CERTAINTY, [offender_key])
        movement = select(connection, _MOVEMENT, [offender_key, build["list_date"]])
        return Explanation(
            offender=offenders[0],
            listing=listing[0] if listing else None,
            evidence=evidence,
            records=records,
            unclassified=unclassified,
            certainty=certainty[0] if certainty else None,
            movement=movement[0] if movement else None,
            methods=select(connection, _METHODS, [offender_key]),
            turned_rules=select(connection, _TURNED_RULES, [offender_key]),
            corrections=select(connection, _CORRECTIONS, [offender_key]),
            build=build,
        )


def status(home: Home, thoroughly: bool = False) -> Row:
    """Returns what has landed, what is published and undamaged, which process is at work, and why the list is stale.

    `thoroughly` compares the SHA-256 of every published file with the manifest, otherwise only its size.
    """
    damaged = faults(home, thoroughly)
    manifest, past_list = manifest_if_whole(home), home.past_list
    waiting = current_build.waiting(home)
    with home.looked_at() as at_work:
        landed = _in_use(f"{home.root} is in use by {at_work}") if at_work else None if past_list else _landed(home)
        last = journal.read(home)
    published = manifest and {
        "build_id": manifest["build_id"],
        "built_at": manifest["built_at"],
        "list_date": manifest["list_date"],
        "known_at": manifest.get("known_at"),
        "method": manifest["method"],
        "extracts": len(manifest["extracts"]),
        "newest_extract": max(manifest["extracts"]),
        "rows": {name: table["rows"] for name, table in manifest["tables"].items()},
        "warnings": manifest["warnings"],
        "folder": str(home.published / "current"),
    }
    return {
        "home": str(home.root),
        "remade": past_list and asdict(past_list),
        "lists_as_known": [made.root.name for made in home.lists_as_known()],
        "landed": landed,
        "published": published,
        "waiting": waiting and {"build_id": waiting.build_id, **waiting.manifest["withheld"]},
        "rolled_back": _rolled_back(home),
        "damaged": [advice(home, fault) for fault in damaged],
        "last_refresh": last,
        "at_work": journal.at_work(at_work, last),
        "stale_because": ([waiting.waits_because] if waiting else [])
        + journal.unfinished(at_work, manifest["build_id"] if manifest else None, last)
        # A past list does not age.
        + ([] if past_list and manifest else _stale_because(landed, manifest, bool(damaged or waiting))),
    }


def kept_builds(home: Home) -> list[Row]:
    """Returns the builds that the home keeps, newest first, each with its state and `because`, what is to be said about it."""
    return [
        {
            "build_id": build.build_id,
            "list_date": build.manifest.get("list_date"),
            "built_at": build.manifest.get("built_at"),
            "state": build.state,
            "because": _because(build),
            "extracts": len(build.manifest["extracts"]) if build.manifest else None,
            "newest_extract": max(build.manifest["extracts"]) if build.manifest else None,
            "bytes": sum(path.stat().st_size for path in build.folder.rglob("*") if path.is_file()),
        }
        for build in reversed(current_build.builds(home))
    ]


def _because(build: current_build.Build) -> str | None:
    mark = build.manifest.get("rolled_back")
    if build.state == current_build.WAITING:
        return build.waits_because
    if build.state == current_build.ROLLED_BACK and mark:
        return f"rolled back to build {mark['to']} on {mark['at']}"
    if build.state == current_build.DAMAGED:
        return "its manifest is missing or damaged"
    accepted = build.manifest.get("accepted")
    return f"published on purpose although: {'; '.join(accepted)}" if accepted else None


def _rolled_back(home: Home) -> str | None:
    """Returns from which build the current list was rolled back, when, and how to return to it."""
    later = current_build.rolled_back_from(home)
    if later is None:
        return None
    when = later.manifest.get("rolled_back", {}).get("at")
    return (
        f"from build {later.build_id} (list date {later.manifest['list_date']}){f' on {when}' if when else ''}: "
        f"harmrank rollback {later.build_id} --home {home.root} returns to it"
    )


def _stale_because(landed: Row | None, manifest: Row | None, is_explained: bool) -> list[str]:
    if manifest is None:
        return [] if is_explained else ["nothing has been published yet: run harmrank refresh"]
    reasons = list(manifest.get("silent", []))
    if landed and landed["extract_ids"] and not set(landed["extract_ids"]) <= set(manifest["extracts"]):
        missing = sorted(set(landed["extract_ids"]) - set(manifest["extracts"]))
        reasons.append(f"landed but not in the published list: {', '.join(missing)}")
    newest = max(landed["extract_ids"], default="")[:10] if landed else ""
    if newest > manifest["list_date"]:
        reasons.append(
            f"the list is for {manifest['list_date']} but the newest extract is of {newest}: refresh without --list-date"
        )
    age = (utc_now().date() - date.fromisoformat(manifest["list_date"])).days
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
            extracts = select(connection, "select extract_id, landed_at from raw.extracts order by extract_id")
            refused = [
                {"extract_id": extract.extract_id, "message": extract.message}
                for extract in quarantine.refused_extracts(connection)
                if extract.cleared_by is None
            ]
            quarantined = duck.one_value(connection, "select count(*) from raw.quarantine")
    except HomeBusy as busy:
        return _in_use(str(busy))
    return {
        "extract_ids": [row["extract_id"] for row in extracts],
        "in_use": None,
        "refused": refused,
        "rows_quarantined": quarantined,
    }


def _in_use(said: str) -> Row:
    return {"extract_ids": [], "in_use": said, "refused": [], "rows_quarantined": None}


@contextmanager
def open_mart(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens the published DuckDB file for the block.

    Raises UsageError if nothing has been published. Raises HarmrankError, with the command that repairs it, if the file is
    damaged, or if the block reads a table or column that the harmrank that published it did not have yet.
    """
    link = home.published / "current"
    if not link.exists() and not link.is_symlink():
        waiting = current_build.waiting(home)
        why = waiting.waits_because if waiting else f"run {home.refresh_command}"
        raise UsageError(f"nothing has been published in {home.root}: {why}")
    # The resolved path names one build, so a list published meanwhile cannot be mixed in.
    path = link.resolve() / MART_FILE
    if not path.exists():
        raise HarmrankError(advice(home, f"{path} is missing"))
    try:
        with duck.open_database(path, read_only=True) as connection:
            yield connection
    except (duckdb.CatalogException, duckdb.BinderException):
        raise HarmrankError(PUBLISHED_BY_AN_OLDER) from None
    except duckdb.Error as error:
        raise system_errors.cause(error) or HarmrankError(advice(home, f"{path} is damaged")) from None


def attach_names(home: Home, connection: duckdb.DuckDBPyConnection) -> bool:
    """Attaches the table with names of the build that `open_mart` has opened, as `operational.mart.offender_people`.

    Returns False if this process may not read it. Raises HarmrankError if the file is damaged, or if an older harmrank
    published the build.
    """
    opened = "select path from duckdb_databases() where database_name = current_database()"
    build = Path(duck.one_value(connection, opened)).parent
    if not (build / OPERATIONAL).exists():
        raise HarmrankError(PUBLISHED_BY_AN_OLDER)
    if not may_read_names(build):
        return False
    path = build / NAMES_FILE
    try:
        connection.execute(f"attach {quoting.text(str(path))} as {OPERATIONAL} (read_only)")
    except duckdb.Error as error:
        raise system_errors.cause(error) or HarmrankError(advice(home, f"{path} is damaged")) from None
    return True


class _SelectedRow(dict[str, Any]):
    """A row of a build. A column that its harmrank did not have yet raises HarmrankError."""

    def __missing__(self, column: str) -> Any:
        raise HarmrankError(PUBLISHED_BY_AN_OLDER)


def select(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any] | None = None) -> list[Row]:
    """Returns the rows of a query. A row raises HarmrankError for a column that it lacks: an older harmrank published it."""
    cursor = connection.execute(query, values or [])
    names = [column[0] for column in cursor.description or []]
    return [_SelectedRow(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _unclassified(connection: duckdb.DuckDBPyConnection, offender_key: str) -> list[Row]:
    query = "select * from mart.unclassified_allegations where offender_key = ? order by reported_on, force, crime_ref"
    return select(connection, query, [offender_key])


def _unknown_key(connection: duckdb.DuckDBPyConnection, offender_key: str, list_date: date, has_names: bool) -> str:
    merged = select(connection, _MERGED_INTO, [offender_key]) if has_names else []
    if merged and merged[0]["offender_key"] != offender_key:
        return f"{offender_key} was merged into {merged[0]['offender_key']}: explain that key"
    unclassified = _unclassified(connection, offender_key)
    if unclassified:
        crimes = ", ".join(f"{row['crime_ref']} ({row['offence_code']})" for row in unclassified)
        return (
            f"{offender_key} has no allegation that counts on {list_date}, but {len(unclassified)} with an unknown offence code: "
            f"{crimes}. Add the code to seeds/offences.csv, or have it corrected"
        )
    return (
        f"{offender_key} has no allegation that counts on {list_date}. "
        "Keys are force|person_ref, as in `harmrank top`. Quote them: | is special to the shell"
        + ("" if has_names else f". Whether it was merged into another key is unknown: {NAMES_ARE_CLOSED}")
    )
