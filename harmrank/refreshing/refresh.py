"""The main job: land new extracts, build and test, publish. This module puts the steps in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from harmrank import __version__
from harmrank.building.project import code_version
from harmrank.building.run_dbt import BuildResult
from harmrank.errors import HarmrankError, UsageError
from harmrank.expectations import checks
from harmrank.home import compaction, ledger, warehouse
from harmrank.home.folder import Home
from harmrank.landing.land import extract_folders, land
from harmrank.landing.outcome import Arrival, LandingResult, Refusal
from harmrank.publishing import current_build, door_out, history, publish
from harmrank.refreshing import engines, known_at, request, warnings
from harmrank.refreshing.request import Options, Request
from harmrank.refreshing.run import Run

_SLOWEST = 20
"""Number of models and tests whose seconds the log names."""


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh did. `home` holds the list; `publication` is None if there was nothing new to publish."""

    landing: LandingResult
    home: Home
    list_date: date | None
    publication: publish.Publication | None


def refresh(options: Options, run: Run) -> RefreshResult:
    """Lands, builds, tests and publishes. With nothing new, publishes nothing unless the options ask for a full build.

    Raises GateFailed if a model, a test or a check fails (the published build stays current), HomeBusy if another process
    works in the home, UsageError if there is nothing to build from.
    """
    method, home = request.method_row(options.method), options.home
    extract_folders(options.extracts, home)
    if options.known_at is not None:
        return _refresh_as_known(options, options.known_at, method, run)
    if options.out is not None:
        raise UsageError("--out needs --known-at: a refresh publishes in its home")
    with home.lock(), run.journal_of(home, "landing"):
        _begin(options, run)
        _prepare(home, options, run)
        engine = engines.of(home, options.engine)
        landed = _land(options, engine, run)
        with warehouse.connect(home) as connection:
            asked = request.make(connection, options, method, landed)
            if asked is None or _is_current(home, asked, options, run):
                return _nothing_new(home, landed, asked, run)
            history.record(connection, home, run.remark)
            asked.record(connection)
            only_changes = not options.full and ledger.tables_are_trusted(connection, asked.rules)
        built = _build(engine, asked, only_changes, run)
        publication = _publish(home, engine, built, asked, options, run)
        _compact(home, run)
        return RefreshResult(landed, home, asked.list_date, publication)


def _refresh_as_known(options: Options, day: date, method: dict[str, str], run: Run) -> RefreshResult:
    """Makes the list as it was known that day, in a home of its own. Lands only extracts up to that day."""
    home = options.home
    past = known_at.place(home, day, options.out, options.extracts)
    with home.lock():
        _begin(options, run)
        engine = engines.of(home, options.engine)
        if engine.name != engines.DuckDB.name:
            raise UsageError(
                f"--known-at does not work with {engine.name} yet: land the extracts in a home with DuckDB and use that one"
            )
        landed = _land(options, engine, run)
        with warehouse.connect(home, read_only=True) as connection:
            asked = request.make(connection, options, method, landed)
            late = known_at.out_of_order(connection, day)
        if asked is None:
            return RefreshResult(landed, past, None, None)
        with known_at.opened(home, past, day), run.journal_of(past, "copying"):
            _prepare(past, options, run)
            if _is_current(past, asked, options, run):
                return _nothing_new(past, landed, asked, run)
            run.begin("copying")
            with warehouse.connect(past) as connection:
                known_at.copy(home, connection, asked.extracts)
                asked.record(connection)
            run.end("copying", "copied", known_at=str(day), extracts=len(asked.extracts))
            engine = engines.DuckDB(past)
            built = _build(engine, asked, False, run)
            return RefreshResult(
                landed, past, asked.list_date, _publish(past, engine, built, asked, options, run, late)
            )


def _begin(options: Options, run: Run) -> None:
    """Writes the first line of the log: even a killed refresh leaves this one."""
    run.note(
        "begin",
        "begun",
        version=__version__,
        home=str(options.home.root),
        extracts=str(options.extracts),
        full=options.full,
        known_at=options.known_at,
    )


def _prepare(home: Home, options: Options, run: Run) -> None:
    """Prepares the folder `published` for a build."""
    current_build.refuse_foreign(home)
    publish.share(home, options.published_mode, options.operational_mode)
    for remark in publish.tidy(home, options.keep_builds):
        run.remark(remark)


def _land(options: Options, engine: engines.Engine, run: Run) -> LandingResult:
    """Lands new extracts, up to the day of a past list. Writes a line to the log for each extract and one for all."""
    run.begin("landing")
    run.begin("extract")

    def settled(extract: Arrival | Refusal) -> None:
        if isinstance(extract, Arrival):
            rows = {"rows_landed": extract.rows_landed, "rows_quarantined": extract.rows_quarantined}
            run.end("extract", "landed", extract_id=extract.extract_id, rows_read=sum(rows.values()), **rows)
        else:
            run.end("extract", "refused", extract_id=extract.extract_id, message=extract.message)
        run.begin("extract")

    landed = land(
        options.extracts, options.home, run.say, options.max_bad_share, options.known_at, settled, engine.rows()
    )
    run.drop("extract")
    run.landed(landed)
    return landed


def _is_current(home: Home, asked: Request, options: Options, run: Run) -> bool:
    """Returns whether the current build is the one asked for and undamaged; False with `full`."""
    if options.full:
        return False
    faults = current_build.faults(home)
    if faults:
        run.remark(f"{faults[0]}: rebuilding it")
        return False
    manifest = current_build.read_manifest(home)
    return manifest is not None and manifest.get("inputs_sha256") == asked.inputs_sha256


def _nothing_new(home: Home, landed: LandingResult, asked: Request | None, run: Run) -> RefreshResult:
    run.nothing_new(asked)
    return RefreshResult(landed, home, asked.list_date if asked else None, None)


def _build(engine: engines.Engine, asked: Request, only_changes: bool, run: Run) -> BuildResult:
    """Builds and tests every model, or only what new extracts touch. Raises GateFailed if one fails."""
    run.begin_building(asked)
    what = "the changed part of the list" if only_changes else "the list"
    when = f" as known on {asked.known_at}" if asked.known_at else ""
    run.say(f"building and testing {what} for {asked.list_date}{when}")
    built = engine.build(run.progress, checks.preload, only_changes)
    run.end(
        "building",
        "failed" if built.failures else "built",
        only_changes=only_changes,
        models=built.models,
        tests=built.tests,
        warnings=len(built.warnings),
        failures=len(built.failures),
        slowest=_slowest(built),
        details=[*built.failures, *built.warnings],
    )
    if built.failures:
        raise run.gate_failed(built.failures)
    if code_version() != asked.code:
        raise HarmrankError("harmrank's code changed during the build; nothing was published. Run it again.")
    return built


def _slowest(built: BuildResult) -> dict[str, float]:
    """Returns the seconds of the slowest models and tests. Two run at a time: their sum is more than the step took."""
    longest = sorted(built.seconds.items(), key=lambda item: -item[1])[:_SLOWEST]
    return {name: round(seconds, 3) for name, seconds in longest}


def _publish(
    home: Home,
    engine: engines.Engine,
    built: BuildResult,
    asked: Request,
    options: Options,
    run: Run,
    late: Sequence[str] = (),
) -> publish.Publication:
    """Checks the build and makes it the current one. Raises GateFailed if a check fails."""
    warned = f", {len(built.warnings)} gave a warning" if built.warnings else ""
    run.say(f"{built.models} models built, {built.tests - len(built.warnings)} tests passed{warned}; publishing")
    run.begin("publishing")
    facts = asked.manifest(warnings.collect(home, asked, late, built.warnings))
    prepared = publish.prepare(
        home, asked.build_id, facts, _audit(home, run), engine.marts(built), built.keys, options.operational_mode
    )
    # Only after the checks: the next build must not rely on tables that fail them.
    for remark in ledger.mark_tables_trusted(home, asked.rules, asked.extracts, built.relations):
        run.remark(remark)
    publication = publish.switch(home, prepared, options.keep_builds)
    run.published(publication)
    return publication


def _audit(home: Home, run: Run) -> publish.Audit:
    """Returns the function that runs the checks of the door out on a prepared build."""

    def audit(folder: Path, manifest: dict[str, Any]) -> list[str]:
        run.begin("checking")
        # A damaged build cannot be compared with, and is a reason to publish, not to stop.
        current = None if current_build.faults(home) else current_build.read_manifest(home)
        checked = door_out.check(home, folder, manifest, current)
        findings = [f for f in checked if not f.passed]
        sentences = [f"{f.expectation.table}: {f.message}. {f.expectation.mend}" for f in findings]
        fatal = [line for line, f in zip(sentences, findings, strict=True) if f.is_fatal]
        counts = {"expectations": len(checked), "warnings": len(sentences) - len(fatal), "failures": len(fatal)}
        run.end("checking", "failed" if fatal else "checked", **counts, details=sentences)
        if fatal:
            raise run.gate_failed(fatal)
        return sentences

    return audit


def _compact(home: Home, run: Run) -> None:
    """Compacts the warehouse if that is worth it. The list is already published: a signal now ends only this step."""
    done: list[str] = []

    def say(line: str) -> None:
        done.append(line)
        run.say(line)

    run.begin("compacting")
    try:
        failures = compaction.compact(home, say)
    except KeyboardInterrupt:
        failures = ["the warehouse was not compacted: stopped by a signal; a later refresh tries again"]
    for failure in failures:
        run.say(failure)
    if done or failures:
        run.end("compacting", "failed" if failures else "compacted", details=[*done, *failures])
