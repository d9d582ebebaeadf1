"""The main job: land new extracts, build and test, publish. This module puts the steps in order."""

from __future__ import annotations

import json
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
from harmrank.publishing.current_build import Build
from harmrank.refreshing import engines, known_at, request, warnings
from harmrank.refreshing.request import Options, Request
from harmrank.refreshing.run import Run

_SLOWEST = 20
"""Number of models and tests whose seconds the log names."""


_ON_PURPOSE = "published on purpose (--accept-list): the warnings of the list name what it would have waited for"


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh did. `home` holds the list; `publication` is None if there was nothing new to publish.

    `waiting` is the build that was made or found, and must be published on purpose.
    """

    landing: LandingResult
    home: Home
    list_date: date | None
    publication: publish.Publication | None
    waiting: Build | None = None


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
            made = _made_before(home, asked, options, run) if asked else None
            if asked is None or made:
                return _without_a_build(landed, asked, made, options, run)
            history.record(connection, home, run.remark)
            asked.record(connection)
            only_changes = not options.full and ledger.tables_are_trusted(connection, asked.rules)
        built = _build(engine, asked, only_changes, run)
        result = _publish(landed, home, engine, built, asked, options, run)
        _compact(home, run)
        return result


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
            if _made_before(past, asked, options, run):
                run.nothing_new(asked.name)
                return RefreshResult(landed, past, asked.list_date, None)
            run.begin("copying")
            with warehouse.connect(past) as connection:
                known_at.copy(home, connection, asked.extracts)
                asked.record(connection)
            run.end("copying", "copied", known_at=str(day), extracts=len(asked.extracts))
            engine = engines.DuckDB(past)
            built = _build(engine, asked, False, run)
            return _publish(landed, past, engine, built, asked, options, run, late)


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
    for remark in landed.remarks:
        run.remark(remark)
    return landed


def _made_before(home: Home, asked: Request, options: Options, run: Run) -> Build | None:
    """Returns the build that answers this request without building: it is current, or waits, or was rolled back.

    Returns None if there is none, if the current build is damaged, and with `full`.
    """
    if options.full:
        return None
    faults = current_build.faults(home)
    if faults:
        run.remark(f"{faults[0]}: rebuilding it")
        return None
    kept, taken_back = current_build.builds(home), current_build.rolled_back_from(home)
    waiting = [build for build in kept if build.state == current_build.WAITING]
    made = [
        build
        for build in kept
        if build.state in (current_build.CURRENT, current_build.WAITING) or build == taken_back
        if build.manifest.get("inputs_sha256") == asked.inputs_sha256
        and not current_build.file_faults(build.folder, build.manifest)
    ]
    # A list that waits, even for another date, waits for an answer; otherwise the current one comes before a later one.
    return [*made[:1], *waiting][-1] if made else None


def _without_a_build(
    landed: LandingResult, asked: Request | None, made: Build | None, options: Options, run: Run
) -> RefreshResult:
    """Ends a refresh with nothing to build: says if a list waits or was rolled back, or publishes the one that waits."""
    home = options.home
    if made and made.state == current_build.WAITING:
        if not options.accept_list:
            run.withheld(made)
            return RefreshResult(landed, home, made.list_date, None, made)
        damaged = current_build.file_faults(made.folder, made.manifest, thoroughly=True)
        if damaged:
            raise HarmrankError(f"{damaged[0]}: nothing was published; refresh with --full to build it again")
        run.begin_publishing(made)
        publication = publish.accept(home, made, options.keep_builds)
        run.published(publication)
        run.remark(_ON_PURPOSE)
        return RefreshResult(landed, home, made.list_date, publication)
    current = current_build.manifest_if_whole(home)
    if made and current and made.state == current_build.ROLLED_BACK:
        run.remark(
            f"the list of these extracts (build {made.build_id}) was rolled back{_when(made)}, so nothing was built. The next "
            f"new extract publishes a list again; harmrank rollback {made.build_id} --home {home.root} returns to this one"
        )
    name = asked.name if asked else {}
    if made and current:
        name = {"build_id": current["build_id"], "list_date": current["list_date"]}
    run.nothing_new(name)
    return RefreshResult(landed, home, date.fromisoformat(name["list_date"]) if name else None, None)


def _when(build: Build) -> str:
    mark = build.manifest.get("rolled_back")
    return f" to build {mark['to']} at {mark['at']}" if mark else ""


def _build(engine: engines.Engine, asked: Request, only_changes: bool, run: Run) -> BuildResult:
    """Builds and tests every model, or only what new extracts touch. Raises GateFailed if one fails."""
    run.begin_building(asked)
    what = "the changed part of the list" if only_changes else "the list"
    when = f" as known on {asked.known_at}" if asked.known_at else ""
    run.say(f"building and testing {what} for {asked.list_date}{when}")
    built = engine.build(run.progress, only_changes)
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
    landed: LandingResult,
    home: Home,
    engine: engines.Engine,
    built: BuildResult,
    asked: Request,
    options: Options,
    run: Run,
    late: Sequence[str] = (),
) -> RefreshResult:
    """Checks the build and makes it the current one, or keeps it until it is published on purpose.

    Raises GateFailed if a check fails.
    """
    warned = f", {len(built.warnings)} gave a warning" if built.warnings else ""
    run.say(f"{built.models} models built, {built.tests - len(built.warnings)} tests passed{warned}; publishing")
    run.begin("publishing")
    silent = warnings.silent(home, asked)
    facts = asked.manifest([*silent, *warnings.collect(home, asked, late, built.warnings)], silent)
    prepared = publish.prepare(
        home,
        asked.build_id,
        facts,
        _audit(home, asked, options, run),
        engine.marts(built),
        built.keys,
        options.operational_mode,
    )
    # Only after the checks: the next build must not rely on tables that fail them.
    for remark in ledger.mark_tables_trusted(home, asked.rules, asked.extracts, built.relations):
        run.remark(remark)
    replaced = current_build.rolled_back_from(home)
    manifest = json.loads((prepared / current_build.MANIFEST_FILE).read_text(encoding="utf-8"))
    if "withheld" in manifest:
        waiting = publish.keep(home, prepared, manifest)
        run.withheld(waiting)
        return RefreshResult(landed, home, asked.list_date, None, waiting)
    publication = publish.switch(home, prepared, options.keep_builds)
    run.published(publication)
    if "accepted" in manifest:
        run.remark(_ON_PURPOSE)
    if replaced:
        run.remark(
            f"this list replaces the one that was made current instead of build {replaced.build_id}{_when(replaced)}"
        )
    return RefreshResult(landed, home, asked.list_date, publication)


def _audit(home: Home, asked: Request, options: Options, run: Run) -> publish.Audit:
    """Returns the function that runs the checks of the door out on a prepared build."""

    def audit(folder: Path, manifest: dict[str, Any]) -> list[str]:
        run.begin("checking")
        before = current_build.to_compare_with(home, manifest)
        checked = door_out.check(home, folder, manifest, before)
        findings = [f for f in checked if f.failed]
        fatal = [_sentence(f) for f in findings if f.is_fatal and not f.expectation.can_be_accepted]
        to_accept = [
            *warnings.to_withhold(home, asked, before is not None),
            *(_sentence(f) for f in findings if f.is_fatal and f.expectation.can_be_accepted),
        ]
        warned = [_sentence(f) for f in findings if not f.is_fatal]
        counts = {"expectations": len(checked), "warnings": len(warned), "failures": len(fatal) + len(to_accept)}
        outcome = "failed" if fatal else "withheld" if to_accept and not asked.known_at else "checked"
        run.end("checking", outcome, **counts, details=[*fatal, *to_accept, *warned])
        if fatal:
            raise run.gate_failed(fatal)
        # A past list replaces no other.
        if asked.known_at:
            return [*to_accept, *warned]
        if to_accept and options.accept_list:
            manifest["accepted"] = to_accept
            return [*to_accept, *warned]
        if to_accept:
            manifest["withheld"] = {"because": to_accept, "accept_with": options.accept_command}
        return warned

    return audit


def _sentence(finding: checks.Finding) -> str:
    return f"{finding.expectation.table}: {finding.message}. {finding.expectation.mend}"


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
