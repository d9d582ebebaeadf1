"""The commands that change something: they write a feed, land, build, publish, test and load weights."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harmrank.cli.options import (
    BAD_SHARE_OPTION,
    ENGINE_OPTION,
    EXTRACTS_ARGUMENT,
    HOME_OPTION,
    JSON_OPTION,
    MEMORY_OPTION,
    day,
    existing_home,
    home_folder,
    hook,
    mode,
    span,
)
from harmrank.cli.terminal import node_progress, print_json, say
from harmrank.errors import GateFailed, HarmrankError, SilentExit
from harmrank.home.folder import Home
from harmrank.publishing.current_build import KEPT_BUILDS, POSTGRES_SCHEMA
from harmrank.text.printable import printable

if TYPE_CHECKING:
    from harmrank.landing.outcome import LandingResult
    from harmrank.refreshing.refresh import RefreshResult
    from harmrank.refreshing.run import Run


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; must be new or empty.")
@click.option("--crimes", type=click.IntRange(min=1), help="Number of crimes. Default: a force of London's size.")
@click.option(
    "--months", type=click.IntRange(1, 600), default=24, show_default=True, help="Number of monthly extracts."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Seed of the random numbers: the same seed writes the same files.",
)
@click.option(
    "--shape",
    type=click.Choice(["usual", "dense"]),
    default="usual",
    show_default=True,
    help="What the crimes are: usual, as published; dense, about three times as many ranked people a crime, with more suspects "
    "and witnesses in each of their crimes.",
)
def sample(out: Path, crimes: int | None, months: int, seed: int, shape: str) -> None:
    """Write a synthetic feed of monthly extracts. Its people are invented.

    \b
    Example:
      harmrank sample --out extracts --crimes 100000 --months 12 --seed 7
    """
    from harmrank.sample import DEFAULT_CRIMES, write_sample

    started = time.monotonic()
    summary = write_sample(out, crimes=crimes or DEFAULT_CRIMES, months=months, seed=seed, shape=shape, report=say)
    say(f"{summary} in {time.monotonic() - started:.0f} s")


@click.command()
@EXTRACTS_ARGUMENT
@HOME_OPTION
@click.option(
    "--list-date",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=day,
    help="Date of the list. Default: the date of the newest extract.",
)
@click.option(
    "--method",
    help="Ranking method to publish: a row of seeds/ranking_methods.csv. Default: the one marked there (v100).",
)
@click.option("--full", is_flag=True, help="Rebuild every table from everything landed, even if nothing is new.")
@click.option(
    "--known-at",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=day,
    help="Make the list as it was known on that day: only extracts taken up to that day count. The published list does not "
    "change. The new list goes to a folder of its own, HOME/known-at/DATE; pass that folder to other commands as --home.",
)
@click.option(
    "--out",
    callback=home_folder,
    metavar="FOLDER",
    help="With --known-at: another folder for that list. It must be new or empty.",
)
@click.option(
    "--accept-list",
    is_flag=True,
    help="Publish a list that would wait (docs/operations.md has the reasons: it is empty, half of its people are gone, it ranks "
    "half as many or fewer, its date is after the newest extract or in the future, or nothing is there to compare it with). "
    "Publishes the list that waits without building it again. Look at it first; never schedule this.",
)
@BAD_SHARE_OPTION
@ENGINE_OPTION
@MEMORY_OPTION
@click.option(
    "--keep-builds",
    type=click.IntRange(min=1),
    default=KEPT_BUILDS,
    show_default=True,
    help="Number of earlier builds to keep.",
)
@click.option(
    "--published-mode",
    metavar="MODE",
    callback=mode,
    envvar="HARMRANK_PUBLISHED_MODE",
    help="Who may read the published lists without names, as a file mode: 750 lets the group of HOME/published read them. "
    "Default: unchanged; in a new home, only the owner. Also read from HARMRANK_PUBLISHED_MODE.",
)
@click.option(
    "--operational-mode",
    metavar="MODE",
    callback=mode,
    envvar="HARMRANK_OPERATIONAL_MODE",
    help="Who may read the names, as a file mode: 750 lets the group of HOME/published/current/operational read them, if it may "
    "also read HOME/published. Default: unchanged; in a new home, only the owner. Also read from HARMRANK_OPERATIONAL_MODE.",
)
@click.option(
    "--on-publish",
    metavar="COMMAND",
    callback=hook,
    envvar="HARMRANK_ON_PUBLISH",
    help="Command to run after a list was published: a program with its arguments, without a shell. It gets "
    "HARMRANK_BUILD_ID, HARMRANK_LIST_DATE and more as environment variables, and JSON on its standard input. "
    "Also read from HARMRANK_ON_PUBLISH.",
)
@click.option(
    "--on-failure",
    metavar="COMMAND",
    callback=hook,
    envvar="HARMRANK_ON_FAILURE",
    help="Command to run if the exit code is not 0. It also gets HARMRANK_EXIT_CODE and HARMRANK_MESSAGE. "
    "Also read from HARMRANK_ON_FAILURE.",
)
@click.option(
    "--hook-timeout",
    metavar="SPAN",
    callback=span,
    default="10m",
    show_default=True,
    help="Time limit for each of these commands, such as 90s or 1h.",
)
@click.option(
    "--log-json",
    is_flag=True,
    envvar="HARMRANK_LOG_JSON",
    help="Write the lines of HOME/logs/refresh.jsonl to stderr, instead of lines for people. "
    "Also read from HARMRANK_LOG_JSON.",
)
@JSON_OPTION
def refresh(
    root: Path,
    on_publish: tuple[str, ...] | None,
    on_failure: tuple[str, ...] | None,
    hook_timeout: timedelta,
    log_json: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Land new extracts, build and test the list, publish it. Run this from a scheduler.

    \b
    Example:
      harmrank refresh extracts --home home
      harmrank refresh extracts --home home --list-date 2026-09-30
      harmrank refresh extracts --home home --on-failure '/usr/local/bin/page-us --quietly'

    \b
    A past list, as it was known then:
      harmrank refresh extracts --home home --known-at 2026-09-30
      harmrank top --home home/known-at/2026-09-30

    With --list-date alone, everything known today counts for the list of that day. With --known-at, nothing from later
    extracts counts: no late report, no change of status, no merge, no deletion. The rules are always today's. For the
    rules of that day, use the version of harmrank that the manifest of the old list names, with its seeds and imported
    weights.
    """
    from harmrank.cli import summary
    from harmrank.refreshing.attempt import Attempt
    from harmrank.refreshing.hooks import Hooks
    from harmrank.refreshing.request import Options
    from harmrank.refreshing.run import Run

    options, hooks = Options(home=Home(root), **asked), Hooks(on_publish, on_failure, hook_timeout)
    if log_json:
        run = Run(options.home, copy_line=lambda line: click.echo(line, err=True))
        ending = Attempt(options, hooks, run).execute()
    else:
        with node_progress() as progress:
            run = Run(options.home, say, progress)
            ending = Attempt(options, hooks, run).execute()
        summary.show(summary.lines(ending, run, options.known_at))
    if as_json and ending.result:
        print_json(_refreshed(ending.result, run, options.known_at))
    if ending.error and log_json:
        # The last line of the log says what the error is.
        raise SilentExit(ending.exit_code) from ending.error
    if ending.error:
        raise ending.error


def _refreshed(result: RefreshResult, run: Run, known_at: date | None) -> dict[str, Any]:
    """Returns the result of a refresh for `--json`."""
    return {
        **_landed(result.landing),
        "list_date": result.list_date,
        "known_at": known_at,
        "home": str(result.home.root),
        "build_id": result.publication and result.publication.build_id,
        "waiting": result.waiting and {"build_id": result.waiting.build_id, **result.waiting.manifest["withheld"]},
        "rows": result.publication and result.publication.rows,
        "warnings": result.publication.warnings if result.publication else [],
        "seconds": round(run.seconds["refresh"], 3),
        "log": str(run.log.path),
    }


def _landed(landing: LandingResult) -> dict[str, Any]:
    return {
        "landed": landing.landed,
        "unchanged": landing.unchanged,
        "refused": [{"extract_id": r.extract_id, "message": r.message} for r in landing.refused],
    }


@click.command()
@EXTRACTS_ARGUMENT
@HOME_OPTION
@BAD_SHARE_OPTION
@ENGINE_OPTION
@MEMORY_OPTION
@JSON_OPTION
def land(extracts: Path, root: Path, max_bad_share: float, engine: str | None, as_json: bool) -> None:
    """Check new extracts and load them into the warehouse.

    Makes no list: run harmrank refresh for that. Each extract gets a report in HOME/reports. EXTRACTS holds a folder for each
    extract, such as EXTRACTS/2026-10-31/crimes.csv.

    \b
    Example:
      harmrank land extracts --home home
    """
    from harmrank.landing.land import extract_folders
    from harmrank.landing.land import land as run
    from harmrank.landing.outcome import refusal_error
    from harmrank.refreshing import engines

    home = Home(root)
    extract_folders(extracts, home)
    with home.lock():
        result = run(extracts, home, say, max_bad_share, rows=engines.of(home, engine).rows())
    for warning in (*result.remarks, *result.warnings):
        say(f"warning: {warning}")
    say(f"{len(result.landed)} landed, {len(result.unchanged)} unchanged, {len(result.refused)} refused")
    if as_json:
        print_json({**_landed(result), "warnings": [*result.remarks, *result.warnings]})
    error = refusal_error(home, result.refused)
    if error:
        raise error


@click.command()
@HOME_OPTION
@click.option("--all", "everything", is_flag=True, help="Run every test over every row. This is also the default.")
@JSON_OPTION
def check(root: Path, everything: bool, as_json: bool) -> None:
    """Run every data test over every row of the warehouse. Changes nothing.

    A refresh tests only the rows that it rebuilds; it tested the other rows when it built them. This command tests all
    rows again, to catch disk errors, manual changes in the warehouse and errors in choosing what to rebuild.

    \b
    Example:
      harmrank check --home home --all
    """
    from harmrank.home import warehouse
    from harmrank.refreshing import engines

    home = existing_home(root)
    warehouse.refuse_missing(home)
    with home.lock(), node_progress() as progress:
        # A warehouse that another harmrank made is no fault of the tables: report it first.
        warehouse.connect(home).close()
        result = engines.of(home).test(progress)
    if as_json:
        print_json({"tests": result.tests, "failures": result.failures, "warnings": result.warnings})
    for line in (*result.failures, *(f"warning: {warning}" for warning in result.warnings)):
        say(line)
    passed = result.tests - len(result.failures) - len(result.warnings)
    say(f"{passed} of {result.tests} tests passed")
    if result.failures:
        raise GateFailed("the tables fail the tests named above: rebuild them with harmrank refresh --full")


@click.command()
@click.option(
    "--postgres",
    "address",
    metavar="URL",
    envvar="HARMRANK_POSTGRES",
    required=True,
    help="The database, as postgresql://USER@HOST/DATABASE or service=NAME. Put the password in PGPASSWORD or .pgpass: "
    "other users of this machine can see the command line. Also read from HARMRANK_POSTGRES.",
)
@HOME_OPTION
@click.option(
    "--schema", default=POSTGRES_SCHEMA, show_default=True, help="The schema for the list. Only harmrank may use it."
)
@click.option(
    "--operational", is_flag=True, help="Also copy the table offender_people. PERSONAL DATA: names, dates of birth."
)
@click.option(
    "--grant",
    "readers",
    metavar="ROLE",
    multiple=True,
    help="A role that may read all tables except offender_people. May be repeated.",
)
@click.option(
    "--grant-operational",
    "operational_readers",
    metavar="ROLE",
    multiple=True,
    help="With --operational: a role that may also read offender_people. May be repeated.",
)
@JSON_OPTION
def publish(
    address: str,
    root: Path,
    schema: str,
    operational: bool,
    readers: tuple[str, ...],
    operational_readers: tuple[str, ...],
    as_json: bool,
) -> None:
    """Copy the published list to PostgreSQL.

    For tools that cannot read DuckDB. The copy is one transaction: readers see the old list or the new one, and never
    wait. If the schema already holds this build, nothing changes. Views and grants on the tables are kept.

    \b
    Example:
      harmrank publish --postgres postgresql://harmrank@db/police --home home
      harmrank publish --postgres service=police --home home --grant analysts
    """
    try:
        from harmrank.publishing.postgres import copy
    except ImportError:
        raise HarmrankError(
            "publishing to PostgreSQL needs psycopg, which is not installed: pip install 'harmrank[postgres]'"
        ) from None
    started = time.monotonic()
    target = copy.Target(schema, operational, readers, operational_readers)
    with node_progress() as progress:
        done = copy.publish(existing_home(root), address, target, progress)
    for remark in done.remarks:
        say(remark)
    where = f"schema {done.schema} of {done.place}"
    if done.changed:
        names = ", names included" if operational else ""
        say(
            f"published the list for {done.list_date} into {where}: {len(done.rows)} tables, {sum(done.rows.values()):,} "
            f"rows{names}, build {done.build_id}, {time.monotonic() - started:.1f} s"
        )
    else:
        say(f"nothing new: {where} already holds the list for {done.list_date}, build {done.build_id}")
    if as_json:
        print_json(asdict(done))


@click.command()
@click.argument("build_id", metavar="BUILD")
@HOME_OPTION
def rollback(build_id: str, root: Path) -> None:
    """Make an earlier build the current list again.

    It refuses if a file of that build has changed. The list stays until new extracts come: a refresh without new extracts does
    not return to the build that was rolled back. If BUILD is the current build, this removes a list that waits.

    \b
    Example:
      harmrank builds --home home
      harmrank rollback 20261031T020000000000Z-1a2b3c4d --home home
    """
    from harmrank.refreshing.rollback import roll_back
    from harmrank.refreshing.run import Run

    home = existing_home(root)
    build, before = roll_back(home, build_id, Run(home, say))
    if before is None:
        say(f"nothing else to do: build {build.build_id}, the list for {build.list_date}, is the current one")
        return
    say(
        f"rolled back: the list for {build.list_date} (build {build.build_id}) is current again, instead of that for {before}"
    )
    say(
        "hooks did not run. A copy in PostgreSQL still holds the other build: copy the list again with harmrank publish"
    )


@click.group()
def weights() -> None:
    """Load additional harm weights.

    \b
    Example:
      harmrank weights import CCHI_2026.xlsx --name cchi_2026 --home home
    """


@weights.command("import")
@click.argument("workbook", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", "index_name", required=True, help="Name of the new harm index, such as cchi_2026.")
@click.option(
    "--sheet",
    metavar="NAME",
    help="The sheet to read: needed if several sheets could be the index, or if the right one is hidden.",
)
@click.option(
    "--score-column",
    metavar="COLUMN",
    help="The column of scores, by its letter or title: needed if several columns could be it.",
)
@click.option(
    "--accept-differences",
    is_flag=True,
    help="Import the weights even if they differ from the index in use by more than a new edition would (docs/seeds.md).",
)
@HOME_OPTION
@JSON_OPTION
def weights_import(workbook: Path, root: Path, as_json: bool, **asked: Any) -> None:
    """Load a Cambridge Crime Harm Index as a new harm index.

    The workbook (.xlsx) may be of any year. What is read, what is left out and what differs from the index in use is
    printed. A workbook that can be read in two ways is refused, and the home stays as it is.

    \b
    Example:
      harmrank weights import CCHI_2026.xlsx --name cchi_2026 --home home
      harmrank weights import CCHI_2026.xlsx --name cchi_2026 --home home --sheet 'CCHI 2026' --score-column D
    """
    from harmrank.weights import importing

    report = importing.import_workbook(workbook, home=Home(root), **asked)
    if as_json:
        print_json(asdict(report))
    else:
        for line in importing.lines(report):
            click.echo(printable(line))
    if report.result == "refused":
        raise report.refusal()


COMMANDS = (sample, refresh, land, check, publish, rollback, weights)
