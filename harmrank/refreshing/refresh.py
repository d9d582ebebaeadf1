"""The main job: land what is new, build and test, publish. Each step stands alone; this module puts them in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from harmrank import __version__
from harmrank.building.project import code_version, seed_rows
from harmrank.building.run_dbt import BuildResult
from harmrank.contract import MAX_BAD_SHARE
from harmrank.errors import GateFailed, HarmrankError, UsageError
from harmrank.expectations import checks
from harmrank.home import compaction, journal, ledger, warehouse
from harmrank.home.folder import Home
from harmrank.landing.land import extract_folders, land
from harmrank.landing.outcome import Arrival, LandingResult, Refusal
from harmrank.machine import duck, signals
from harmrank.machine.clock import utc_now
from harmrank.publishing import current_build, door_out, history, publish
from harmrank.refreshing import engines, known_at
from harmrank.refreshing.logbook import Logbook

_SLOWEST = 20
"""Models and tests whose seconds the log names."""


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh did. `publication` is None where there was nothing new to publish; `home` is where the list is."""

    landing: LandingResult
    home: Home
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
    known_at: date | None


@dataclass(frozen=True)
class Wanted:
    """What a user asks of a refresh. `method` is a row of the seed; with `known_at` the list is made again as it was known."""

    list_date: date | None
    method: dict[str, str]
    full: bool
    max_bad_share: float
    kept_builds: int
    published_mode: int | None
    known_at: date | None
    engine: str | None
    say: Callable[[str], None]
    progress: Callable[[str, int, int], None]
    log: Logbook

    def remark(self, line: str) -> None:
        """Say what nobody asked for and somebody may have to see to; the log keeps it."""
        self.say(line)
        self.log.say("remark", "said", message=line)


def refresh(
    extracts: Path,
    home: Home,
    *,
    list_date: date | None = None,
    method: str | None = None,
    full: bool = False,
    max_bad_share: float = MAX_BAD_SHARE,
    kept_builds: int = current_build.KEPT_BUILDS,
    published_mode: int | None = None,
    as_known_at: date | None = None,
    out: Path | None = None,
    engine: str | None = None,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
    log: Logbook | None = None,
) -> RefreshResult:
    """Land, build, test and publish; do nothing where nothing is new, unless `full` asks for it.

    `kept_builds` (at least 1) earlier builds stay beside the current one. `published_mode` sets the permissions of the
    published folder; without it they stay as they are. With `as_known_at` the list is made again from the extracts
    taken up to that day, in a home of its own: `out`, or a folder in `home`; the list that stands stays. `engine` is
    duckdb or spark; a home stays with what has landed its extracts. `log` (of this home, unless another is given) gets a
    line a step.

    Raises GateFailed when a model or a test fails (the last published build still stands), HomeBusy when another
    refresh holds the home, UsageError when there is nothing to build from.
    """
    rules, log = _method(method), log or Logbook(home)
    wanted = Wanted(
        list_date, rules, full, max_bad_share, kept_builds, published_mode, as_known_at, engine, say, progress, log
    )
    extract_folders(extracts, home)
    if as_known_at is not None:
        return _remake(extracts, home, known_at.place(home, as_known_at, out, extracts), as_known_at, wanted)
    if out is not None:
        raise UsageError("--out goes with --known-at: a refresh publishes in its home")
    with home.lock(), journal.keep(home) as entry:
        _begin(extracts, home, wanted)
        _make_ready(home, wanted)
        worker = engines.of(home, engine)
        landed = _land(extracts, home, worker, wanted)
        with warehouse.connect(home) as connection:
            request = _request(connection, wanted, landed)
            if request is None or _stands(home, request, wanted):
                return _nothing_new(home, landed, request, entry, wanted.log)
            history.record(connection, home, wanted.remark)
            _record(connection, request)
            only_changes = not full and ledger.tables_are_trusted(connection, request.rules)
        done = _build_and_publish(home, worker, request, only_changes, landed, entry, wanted)
        _compact(home, wanted)
        return done


def _remake(extracts: Path, home: Home, made: Home, day: date, wanted: Wanted) -> RefreshResult:
    """Make the list as it was known that day in the home `made`; `home` lands what it lacks up to then, and no more."""
    with home.lock():
        _begin(extracts, home, wanted)
        worker = engines.of(home, wanted.engine)
        if worker.name != engines.DuckDB.name:
            raise UsageError(
                f"--known-at is not there on {worker.name} yet: land the extracts in a home of DuckDB's, and ask there"
            )
        landed = _land(extracts, home, worker, wanted)
        with warehouse.connect(home, read_only=True) as connection:
            request = _request(connection, wanted, landed)
            late = known_at.out_of_order(connection, day)
        if request is None:
            return RefreshResult(landed, made, None, None)
        with known_at.worked_at(home, made, day), journal.keep(made, "copying") as entry:
            _make_ready(made, wanted)
            if _stands(made, request, wanted):
                return _nothing_new(made, landed, request, entry, wanted.log)
            wanted.log.begin("copying")
            with warehouse.connect(made) as connection:
                known_at.copy(home, connection, request.extracts)
                _record(connection, request)
            wanted.log.end("copying", "copied", known_at=str(day), extracts=len(request.extracts))
            return _build_and_publish(made, engines.DuckDB(made), request, False, landed, entry, wanted, late)


def _begin(extracts: Path, home: Home, wanted: Wanted) -> None:
    """The first line of the log: a refresh that is killed leaves that much at least."""
    asked = {"full": wanted.full, "known_at": wanted.known_at}
    wanted.log.say("begin", "begun", version=__version__, home=str(home.root), extracts=str(extracts), **asked)


def _land(extracts: Path, home: Home, worker: engines.Engine, wanted: Wanted) -> LandingResult:
    """Land what is new, up to the day of a list as it was known; the log gets a line an extract and one for all."""
    log = wanted.log
    log.begin("landing")
    log.begin("extract")

    def settled(extract: Arrival | Refusal) -> None:
        if isinstance(extract, Arrival):
            rows = {"rows_landed": extract.rows_landed, "rows_quarantined": extract.rows_quarantined}
            log.end("extract", "landed", extract_id=extract.extract_id, rows_read=sum(rows.values()), **rows)
        else:
            log.end("extract", "refused", extract_id=extract.extract_id, message=extract.message)
        log.begin("extract")

    landed = land(extracts, home, wanted.say, wanted.max_bad_share, wanted.known_at, settled, worker.rows())
    log.landing = landed
    counts = {"landed": len(landed.landed), "unchanged": len(landed.unchanged), "refused": len(landed.refused)}
    log.forget("extract")
    log.end("landing", "done", **counts, warnings=len(landed.warnings), details=landed.warnings)
    return landed


def _compact(home: Home, wanted: Wanted) -> None:
    """Compact the warehouse where that pays. The list is out: who says stop now stops this alone."""
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        wanted.say(line)

    wanted.log.begin("compacting")
    try:
        failures = compaction.compact(home, say)
    except KeyboardInterrupt:
        failures = ["the warehouse was not compacted: told to stop; a later refresh tries again"]
    for failure in failures:
        wanted.say(failure)
    if said or failures:
        wanted.log.end("compacting", "failed" if failures else "compacted", details=[*said, *failures])


def _make_ready(home: Home, wanted: Wanted) -> None:
    """What is done in any home before anything is made in it."""
    current_build.refuse_foreign(home)
    if wanted.published_mode is not None:
        publish.share(home, wanted.published_mode)
    for remark in publish.tidy(home, wanted.kept_builds):
        wanted.remark(remark)


def _nothing_new(
    home: Home, landed: LandingResult, request: Request | None, entry: journal.Journal, log: Logbook
) -> RefreshResult:
    entry.end(journal.NOTHING_NEW, [], **_named(request))
    list_date = request.list_date if request else None
    # The build that was asked for is not made.
    log.build["list_date"] = list_date and str(list_date)
    return RefreshResult(landed, home, list_date, None)


def _method(asked: str | None) -> dict[str, str]:
    """The row of the method asked for, or of the default one. Raises UsageError for one that cannot be published."""
    methods = seed_rows("ranking_methods")
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
    known = {row["harm_index"] for row in seed_rows("harm_indices")}
    known |= {name for (name,) in connection.execute("select distinct harm_index from raw.imported_weights").fetchall()}
    index = method["harm_index"]
    if index not in known:
        raise UsageError(
            f"method {method['method']} ranks by the harm index {index}, which this home does not have: "
            f"harmrank weights import WORKBOOK --name {index}"
        )


def _build_and_publish(
    home: Home,
    worker: engines.Engine,
    request: Request,
    only_changes: bool,
    landed: LandingResult,
    entry: journal.Journal,
    wanted: Wanted,
    out_of_order: Sequence[str] = (),
) -> RefreshResult:
    say, log = wanted.say, wanted.log
    entry.step("building", **_named(request))
    log.build = {"build_id": request.build_id, "list_date": str(request.list_date)}
    log.begin("building")
    what = "what has changed of the list" if only_changes else "the list"
    when = f" as known on {request.known_at}" if request.known_at else ""
    say(f"building and testing {what} for {request.list_date}{when}")
    result = worker.build(wanted.progress, checks.preload, only_changes)
    tally = {"models": result.models, "tests": result.tests, "warnings": len(result.warnings)}
    log.end(
        "building",
        "failed" if result.failures else "built",
        only_changes=only_changes,
        **tally,
        failures=len(result.failures),
        slowest=_slowest(result),
        details=[*result.failures, *result.warnings],
    )
    if result.failures:
        raise _gate_failed(entry, result.failures)
    if code_version() != request.code:
        raise HarmrankError("harmrank was changed while it built, so that nothing was published: run this again")
    passed = result.tests - len(result.warnings)
    said = f" and {len(result.warnings)} with a warning" if result.warnings else ""
    say(f"{result.models} models built, {passed} tests passed{said}; publishing")
    entry.step("publishing")
    log.begin("publishing")
    warnings = [*_doubts(request), *_late(out_of_order), *_remarks_of_extracts(home), *result.warnings]
    audit, marts = _audit(home, entry, log), worker.marts(result)
    prepared = publish.prepare(home, request.build_id, _facts(request, warnings), audit, result.keys, marts)
    # Not before the checks at the door out: tables that they object to are not built on.
    ledger.mark_tables_trusted(home, request.rules, request.extracts)
    publication = publish.switch(home, prepared, wanted.kept_builds)
    entry.end(journal.PUBLISHED, publication.warnings)
    log.publication = publication
    log.end(
        "publishing",
        "published",
        places=publication.rows["top_100"],
        ranked=publication.rows["offender_harm"],
        warnings=len(publication.warnings),
        details=publication.warnings,
    )
    for remark in publication.remarks:
        wanted.remark(remark)
    return RefreshResult(landed, home, request.list_date, publication, publication.warnings, result.tests)


def _slowest(built: BuildResult) -> dict[str, float]:
    """Seconds of the models and tests that took longest: two run at a time, so that all together are more than the step's."""
    longest = sorted(built.seconds.items(), key=lambda item: -item[1])[:_SLOWEST]
    return {name: round(seconds, 3) for name, seconds in longest}


def _gate_failed(entry: journal.Journal, failures: list[str]) -> GateFailed:
    # What was interrupted fails too, and says nothing about the data.
    signals.refuse_to_go_on()
    entry.end(journal.GATE_FAILED, failures)
    listed = "; ".join(failures[:3])
    more = f" (and {len(failures) - 3} more)" if len(failures) > 3 else ""
    return GateFailed(f"nothing was published, the last good list still stands. {listed}{more}")


def _audit(home: Home, entry: journal.Journal, log: Logbook) -> publish.Audit:
    """The checks at the door out."""

    def audit(folder: Path, manifest: dict[str, Any]) -> list[str]:
        log.begin("checking")
        # Where what stands is damaged there is nothing to compare with, and the more reason to publish.
        standing = None if current_build.faults(home) else current_build.read_manifest(home)
        checked = door_out.check(home, folder, manifest, standing)
        findings = [f for f in checked if not f.passed]
        said = [f"{f.expectation.table}: {f.said}. {f.expectation.mend}" for f in findings]
        fatal = [line for line, f in zip(said, findings, strict=True) if f.is_fatal]
        counts = {"expectations": len(checked), "warnings": len(said) - len(fatal), "failures": len(fatal)}
        log.end("checking", "failed" if fatal else "checked", **counts, details=said)
        if fatal:
            raise _gate_failed(entry, fatal)
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
    """What is odd about the dates of the list; it is made all the same."""
    newest, today = max(request.extracts)[:10], utc_now().date()
    doubts = []
    if request.list_date > today:
        doubts.append(
            f"the list date {request.list_date} is in the future: is it right, and the id of the newest extract?"
        )
    elif str(request.list_date) > newest:
        doubts.append(
            f"the list date {request.list_date} is later than the newest extract ({newest}): reports may be missing"
        )
    if request.known_at and request.known_at >= today:
        doubts.append(
            f"{request.known_at} is not over: more may be known by its end, and this list would be another then"
        )
    return doubts


def _late(extracts: Sequence[str]) -> list[str]:
    """Why a list that is made again is none that was published here before."""
    if not extracts:
        return []
    listed = ", ".join(extracts[:3]) + (f" and {len(extracts) - 3} more" if len(extracts) > 3 else "")
    return [f"{listed} landed here after later extracts: what was published here at that time did not have it"]


def _request(connection: duckdb.DuckDBPyConnection, wanted: Wanted, landed: LandingResult) -> Request | None:
    """The build to be made; None where every extract was refused. Raises UsageError where it cannot be made."""
    _refuse_unknown_index(connection, wanted.method)
    rows = connection.execute(
        "select extract_id, content_sha256, extract_on from raw.extracts where extract_on <= ? order by extract_id",
        [wanted.known_at or date.max],
    ).fetchall()
    if not rows:
        if landed.refused:
            return None
        raise UsageError(_nothing_to_build_from(connection, wanted.known_at))
    chosen, method = wanted.list_date or max(row[2] for row in rows), wanted.method["method"]
    code = code_version()
    weights = connection.execute("select * from raw.imported_weights order by all").fetchall()
    rules = _digest(method, code, duckdb.__version__, version("dbt-core"), version("dbt-duckdb"), str(weights))
    inputs = _digest(rules, str(chosen), str(wanted.known_at), *(text for row in rows for text in row[:2]))
    now = utc_now()
    build_id = f"{now:%Y%m%dT%H%M%S%f}Z-{inputs[:8]}"
    extracts = [row[0] for row in rows]
    return Request(build_id, now, chosen, wanted.list_date, method, code, rules, inputs, extracts, wanted.known_at)


def _nothing_to_build_from(connection: duckdb.DuckDBPyConnection, known_at: date | None) -> str:
    first = duck.one_value(connection, "select min(extract_on) from raw.extracts")
    if known_at is None or first is None:
        by_then = f" that was taken by {known_at}" if known_at else ""
        return f"no extract{by_then} has been landed yet and the folder holds none: nothing to build from"
    return f"nothing was known on {known_at}: the first extract was taken on {first}"


def _digest(*facts: str) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _stands(home: Home, request: Request, wanted: Wanted) -> bool:
    """Whether the list that stands is the one asked for, and whole; never where it is to be made in full."""
    if wanted.full:
        return False
    faults = current_build.faults(home)
    if faults:
        wanted.remark(f"{faults[0]}: building it again")
        return False
    manifest = current_build.read_manifest(home)
    return manifest is not None and manifest.get("inputs_sha256") == request.inputs_sha256


def _record(connection: duckdb.DuckDBPyConnection, request: Request) -> None:
    connection.execute("begin")
    connection.execute("delete from raw.build_request")
    connection.execute(
        "insert into raw.build_request (build_id, requested_at, list_date, method, code_version, duckdb_version, "
        "dbt_version, known_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            request.build_id,
            request.requested_at,
            request.asked_list_date,
            request.method,
            request.code,
            duckdb.__version__,
            version("dbt-core"),
            request.known_at,
        ],
    )
    connection.execute("commit")


def _facts(request: Request, warnings: list[str]) -> dict[str, Any]:
    return {
        "built_at": request.requested_at.isoformat() + "Z",
        "list_date": str(request.list_date),
        "known_at": request.known_at and str(request.known_at),
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
