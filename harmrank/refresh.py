"""The main job: land what is new, build and test, publish. Each step stands alone; this module puts them in order."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from harmrank import checks, compaction, door_out, journal, publications, publish, published, standing, warehouse
from harmrank.contract import MAX_BAD_SHARE
from harmrank.errors import GateFailed, HarmrankError, UsageError
from harmrank.home import Home
from harmrank.landing import LandingResult, extract_folders, land
from harmrank.project import code_version, project_root


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh did. `publication` is None where there was nothing new to publish."""

    landing: LandingResult
    list_date: date | None
    publication: publish.Publication | None
    warnings: list[str] = field(default_factory=list)
    tests: int = 0


@dataclass(frozen=True)
class Request:
    """One build asked for: what identifies its inputs, and the facts the manifest carries.

    `rules` is a digest of all that the tables follow from but the extracts and the list date.
    """

    build_id: str
    requested_at: datetime
    list_date: date
    asked_list_date: date | None
    method: str
    code: str
    rules: str
    inputs_sha256: str
    extracts: list[str]


def refresh(
    extracts: Path,
    home: Home,
    *,
    list_date: date | None = None,
    method: str | None = None,
    full: bool = False,
    max_bad_share: float = MAX_BAD_SHARE,
    kept_builds: int = published.KEPT_BUILDS,
    published_mode: int | None = None,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
) -> RefreshResult:
    """Land, build, test and publish; do nothing where nothing is new, unless `full` asks for it.

    `kept_builds` (at least 1) earlier builds stay beside the current one. `published_mode` sets the permissions of the
    published folder; without it they stay as they are.

    Raises GateFailed when a model or a test fails (the last published build still stands), HomeBusy when another
    refresh holds the home, UsageError when there is nothing to build from.
    """
    chosen_method = _method(method)
    extract_folders(extracts, home)
    with home.lock(), journal.keep(home) as entry:
        published.refuse_foreign(home)
        if published_mode is not None:
            publish.share(home, published_mode)
        for remark in publish.tidy(home, kept_builds):
            say(remark)
        landed = land(extracts, home, say, max_bad_share)
        with warehouse.connect(home) as connection:
            _refuse_unknown_index(connection, chosen_method)
            request = _request(connection, list_date, chosen_method["method"], landed)
            if request is None or (not full and _stands(home, request, say)):
                entry.end(journal.NOTHING_NEW, [], **_named(request))
                return RefreshResult(landed, request.list_date if request else None, None)
            publications.record(connection, home, say)
            _record(connection, request)
            only_changes = not full and standing.can_be_built_on(connection, request.rules)
        return _build_and_publish(home, request, only_changes, landed, entry, kept_builds, say, progress)


def _seed(name: str) -> list[dict[str, str]]:
    with (project_root() / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _method(asked: str | None) -> dict[str, str]:
    """The row of the method asked for, or of the default one. Raises UsageError for one that cannot be published."""
    methods = _seed("ranking_methods")
    known = ", ".join(row["method"] for row in methods if row["is_illustrative"] == "false")
    for row in methods:
        if row["method"] == asked or (asked is None and row["is_default"] == "true"):
            if row["is_illustrative"] != "false":
                raise UsageError(
                    f"{row['method']} is illustrative: it is compared and never published; ask for {known}"
                )
            return row
    raise UsageError(f"{asked} is no method of seeds/ranking_methods.csv; it has {known}")


def _refuse_unknown_index(connection: duckdb.DuckDBPyConnection, method: dict[str, str]) -> None:
    known = {row["harm_index"] for row in _seed("harm_indices")}
    known |= {name for (name,) in connection.execute("select distinct harm_index from raw.imported_weights").fetchall()}
    index = method["harm_index"]
    if index not in known:
        raise UsageError(
            f"method {method['method']} ranks by the harm index {index}, which this home does not have: "
            f"harmrank weights import WORKBOOK --name {index}"
        )


def _build_and_publish(
    home: Home,
    request: Request,
    only_changes: bool,
    landed: LandingResult,
    entry: journal.Journal,
    kept_builds: int,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
) -> RefreshResult:
    from harmrank.build import build

    entry.step("building", **_named(request))
    what = "what has changed of the list" if only_changes else "the list"
    say(f"building and testing {what} for {request.list_date}")
    result = build(home, progress, meanwhile=checks.preload, only_changes=only_changes)
    if result.failures:
        raise _gate_failed(entry, result.failures)
    if code_version() != request.code:
        raise HarmrankError("harmrank was changed while it built, so that nothing was published: run this again")
    passed = result.tests - len(result.warnings)
    said = f" and {len(result.warnings)} with a warning" if result.warnings else ""
    say(f"{result.models} models built, {passed} tests passed{said}; publishing")
    entry.step("publishing")
    warnings = [*_doubts(request), *_remarks_of_extracts(home), *result.warnings]
    prepared = publish.prepare(home, request.build_id, _facts(request, warnings), _audit(home, entry))
    # Not before the checks at the door out: tables that they object to are not built on.
    standing.remember(home, request.rules, request.extracts)
    publication = publish.switch(home, prepared, kept_builds)
    entry.end(journal.PUBLISHED, publication.warnings)
    for remark in [*publication.remarks, *compaction.compact(home, say)]:
        say(remark)
    return RefreshResult(landed, request.list_date, publication, publication.warnings, result.tests)


def _gate_failed(entry: journal.Journal, failures: list[str]) -> GateFailed:
    entry.end(journal.GATE_FAILED, failures)
    listed = "; ".join(failures[:3])
    more = f" (and {len(failures) - 3} more)" if len(failures) > 3 else ""
    return GateFailed(f"nothing was published, the last good list still stands. {listed}{more}")


def _audit(home: Home, entry: journal.Journal) -> publish.Audit:
    """The checks at the door out."""

    def audit(folder: Path, manifest: dict[str, Any]) -> list[str]:
        # Where what stands is damaged there is nothing to compare with, and the more reason to publish.
        standing = None if published.faults(home) else published.read_manifest(home)
        findings = [f for f in door_out.check(home, folder, manifest, standing) if not f.passed]
        said = [f"{f.expectation.table}: {f.said}. {f.expectation.mend}" for f in findings]
        if any(finding.is_fatal for finding in findings):
            raise _gate_failed(entry, [line for line, f in zip(said, findings, strict=True) if f.is_fatal])
        return said

    return audit


_REMARKED_DAYS = 31
"""For how long what was found of an extract goes with every list: a month; after that it stands in data_defects alone."""


def _remarks_of_extracts(home: Home) -> list[str]:
    """What the door in found of the extracts of the last month: a sentence a check, about the newest extract."""
    with warehouse.connect(home, read_only=True) as connection:
        rows = connection.execute(
            "select table_name, sentence, max(extract_id), count(*), arg_max(rows_unexpected, extract_id), "
            "arg_max(rows_checked, extract_id) from raw.extract_checks inner join raw.extracts using (extract_id) "
            "where not passed and extract_on > (select max(extract_on) from raw.extracts) - ?::integer "
            "group by table_name, sentence order by 1, 2",
            [_REMARKED_DAYS],
        ).fetchall()
    remarks = []
    for table, sentence, newest, extracts, unexpected, checked in rows:
        share = f"{unexpected:,} of {checked:,} rows of " if unexpected else ""
        others = f" (and {extracts - 1} before)" if extracts > 1 else ""
        remarks.append(f"{table}: {sentence}: not so in {share}extract {newest}{others}")
    return remarks


def _doubts(request: Request) -> list[str]:
    """What is odd about the date of the list; it is made all the same."""
    newest = max(request.extracts)[:10]
    if request.list_date > datetime.now(UTC).date():
        return [f"the list date {request.list_date} is in the future: is it right, and the id of the newest extract?"]
    if str(request.list_date) > newest:
        return [
            f"the list date {request.list_date} is later than the newest extract ({newest}): reports may be missing"
        ]
    return []


def _request(
    connection: duckdb.DuckDBPyConnection, list_date: date | None, method: str, landed: LandingResult
) -> Request | None:
    rows = connection.execute(
        "select extract_id, content_sha256, extract_on from raw.extracts order by extract_id"
    ).fetchall()
    if not rows:
        if landed.refused:
            return None
        raise UsageError("no extract has been landed yet and the folder holds none: nothing to build from")
    chosen = list_date or max(row[2] for row in rows)
    code = code_version()
    weights = connection.execute("select * from raw.imported_weights order by all").fetchall()
    rules = _digest(method, code, duckdb.__version__, version("dbt-core"), version("dbt-duckdb"), str(weights))
    inputs = _digest(rules, str(chosen), *(text for row in rows for text in row[:2]))
    now = datetime.now(UTC).replace(tzinfo=None)
    build_id = f"{now:%Y%m%dT%H%M%S%f}Z-{inputs[:8]}"
    return Request(build_id, now, chosen, list_date, method, code, rules, inputs, [row[0] for row in rows])


def _digest(*facts: str) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _stands(home: Home, request: Request, say: Callable[[str], None]) -> bool:
    faults = published.faults(home)
    if faults:
        say(f"{faults[0]}: building it again")
        return False
    manifest = published.read_manifest(home)
    return manifest is not None and manifest.get("inputs_sha256") == request.inputs_sha256


def _record(connection: duckdb.DuckDBPyConnection, request: Request) -> None:
    connection.execute("begin")
    connection.execute("delete from raw.build_request")
    connection.execute(
        "insert into raw.build_request (build_id, requested_at, list_date, method, code_version, duckdb_version, "
        "dbt_version) values (?, ?, ?, ?, ?, ?, ?)",
        [
            request.build_id,
            request.requested_at,
            request.asked_list_date,
            request.method,
            request.code,
            duckdb.__version__,
            version("dbt-core"),
        ],
    )
    connection.execute("commit")


def _facts(request: Request, warnings: list[str]) -> dict[str, Any]:
    return {
        "built_at": request.requested_at.isoformat() + "Z",
        "list_date": str(request.list_date),
        "method": request.method,
        "code_version": request.code,
        "duckdb_version": duckdb.__version__,
        "inputs_sha256": request.inputs_sha256,
        "extracts": request.extracts,
        "warnings": warnings,
    }


def _named(request: Request | None) -> dict[str, str]:
    """What the journal says of a build."""
    if request is None:
        return {}
    return {
        "build_id": request.build_id,
        "requested_at": request.requested_at.isoformat() + "Z",
        "list_date": str(request.list_date),
    }
