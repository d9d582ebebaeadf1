"""The command. Parses, calls, prints; exit codes: 0 done, 2 wrong use, 3 refused extract, 4 gate failed, 5 busy, 1 else."""

from __future__ import annotations

import atexit
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click

from harmrank import __version__
from harmrank.contract import MAX_BAD_SHARE, TABLES
from harmrank.errors import GateFailed, HarmrankError, SilentExit, UsageError
from harmrank.home.folder import Home
from harmrank.publishing.current_build import KEPT_BUILDS, POSTGRES_SCHEMA
from harmrank.text.printable import printable, printable_json, printable_rows


def _mode(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """The mode of a folder that its owner can use and nobody else can write in, from octal."""
    if value is None:
        return None
    if not re.fullmatch("0?7[015]{2}", value, re.ASCII):
        raise click.BadParameter("use a mode such as 750: 7 for the owner, then 0, 1 or 5 for the group and for others")
    return int(value, 8)


def _span(context: click.Context, option: click.Parameter, value: str | None) -> timedelta | None:
    """A span of time such as 26h."""
    from harmrank.text import durations

    if value is None:
        return None
    try:
        return durations.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _hook(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """The program and arguments of a hook; told before anything begins where there is no such program."""
    from harmrank.refreshing import hooks

    if value is None:
        return None
    try:
        return hooks.split(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _set_memory(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Make the amount the setting, which dbt's profile reads too; told before anything begins where it is none."""
    from harmrank.machine import duck, system_errors

    if value is not None:
        if not duck.is_amount(value):
            raise click.BadParameter(f"{value} is no amount of memory: write 4GB")
        os.environ[system_errors.MEMORY_SETTING] = value
    duck.memory_limit()


STALE = 1
"""Exit code of `status --max-age` where a home is stale: 2 to 5 mean something else, and 1 is what monitors take for a warning."""

HOME_OPTION = click.option(
    "--home",
    "root",
    type=click.Path(path_type=Path, file_okay=False, readable=False),
    envvar="HARMRANK_HOME",
    required=True,
    help="The home: warehouse, published lists and logs. Also read from HARMRANK_HOME.",
)
EXTRACTS_ARGUMENT = click.argument("extracts", type=click.Path(path_type=Path))
BAD_SHARE_OPTION = click.option(
    "--max-bad-share",
    type=click.FloatRange(0, 1),
    default=MAX_BAD_SHARE,
    show_default=True,
    help="Refuse an extract if more than this share of a file cannot be used.",
)
MEMORY_OPTION = click.option(
    "--memory-limit",
    metavar="AMOUNT",
    callback=_set_memory,
    expose_value=False,
    help="What DuckDB may use, such as 4GB; what does not fit goes to HOME/scratch. Default: half of the machine's "
    "memory. Also read from HARMRANK_MEMORY_LIMIT.",
)
ENGINE_OPTION = click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    help="Who lands and builds in a new home: DuckDB in this process, or Apache Spark (docs/scale.md). Default: duckdb; "
    "later what has landed the home's extracts.",
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="harmrank")
def cli() -> None:
    """Ranks the people who do most harm to women and girls, every day of every score explained.

    \b
    Example:
      harmrank sample --out extracts
      harmrank refresh extracts --home home
      harmrank top --home home

    Add --debug to any command to see the traceback of an error.
    """


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; must be new or empty.")
@click.option("--crimes", type=click.IntRange(min=1), help="Crimes in all. Default: a force of London's size.")
@click.option("--months", type=click.IntRange(1, 600), default=24, show_default=True, help="Monthly extracts.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed, the same bytes.")
def sample(out: Path, crimes: int | None, months: int, seed: int) -> None:
    """Write a synthetic feed of monthly extracts. Its people are invented.

    \b
    Example:
      harmrank sample --out extracts --crimes 100000 --months 12 --seed 7
    """
    from harmrank.sample import DEFAULT_CRIMES, write_sample

    started = time.monotonic()
    summary = write_sample(out, crimes=crimes or DEFAULT_CRIMES, months=months, seed=seed, report=say)
    say(f"{summary} in {time.monotonic() - started:.0f} s")


@cli.command()
@EXTRACTS_ARGUMENT
@HOME_OPTION
@click.option(
    "--list-date", type=click.DateTime(["%Y-%m-%d"]), help="Date of the list. Default: of the newest extract."
)
@click.option("--method", help="The row of the seed ranking_methods to publish. Default: the one marked there (v100).")
@click.option("--full", is_flag=True, help="Build again from everything landed, even if nothing is new.")
@click.option(
    "--known-at",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Make the list again as it was known on that day, from the extracts taken up to it. The published list stays: "
    "this one goes to a folder of its own, HOME/known-at/DATE, which the other commands read as --home.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --known-at: another folder for it, new or empty.",
)
@BAD_SHARE_OPTION
@ENGINE_OPTION
@MEMORY_OPTION
@click.option(
    "--keep-builds",
    type=click.IntRange(min=1),
    default=KEPT_BUILDS,
    show_default=True,
    help="How many earlier builds stay beside the new one.",
)
@click.option(
    "--published-mode",
    metavar="MODE",
    callback=_mode,
    envvar="HARMRANK_PUBLISHED_MODE",
    help="Who may read the published lists, as a file mode: 750 for the group of HOME/published. "
    "Default: as it is; its owner alone at first. Also read from HARMRANK_PUBLISHED_MODE.",
)
@click.option(
    "--on-publish",
    metavar="COMMAND",
    callback=_hook,
    envvar="HARMRANK_ON_PUBLISH",
    help="Call this after a list was published: a program with its arguments, run without a shell. It gets "
    "HARMRANK_BUILD_ID, HARMRANK_LIST_DATE and more as environment variables, and JSON on its standard input. "
    "Also read from HARMRANK_ON_PUBLISH.",
)
@click.option(
    "--on-failure",
    metavar="COMMAND",
    callback=_hook,
    envvar="HARMRANK_ON_FAILURE",
    help="Call this where the exit code is not 0, with HARMRANK_EXIT_CODE and HARMRANK_MESSAGE. "
    "Also read from HARMRANK_ON_FAILURE.",
)
@click.option(
    "--hook-timeout",
    metavar="SPAN",
    callback=_span,
    default="10m",
    show_default=True,
    help="How long each of them may take, such as 90s or 1h.",
)
@click.option(
    "--log-json",
    is_flag=True,
    envvar="HARMRANK_LOG_JSON",
    help="Write the lines of HOME/logs/refresh.jsonl to stderr too, in place of lines for people. "
    "Also read from HARMRANK_LOG_JSON.",
)
@JSON_OPTION
def refresh(
    extracts: Path,
    root: Path,
    list_date: datetime | None,
    method: str | None,
    full: bool,
    known_at: datetime | None,
    out: Path | None,
    max_bad_share: float,
    engine: str | None,
    keep_builds: int,
    published_mode: int | None,
    on_publish: tuple[str, ...] | None,
    on_failure: tuple[str, ...] | None,
    hook_timeout: timedelta,
    log_json: bool,
    as_json: bool,
) -> None:
    """Land what is new, build, test and publish. The one a scheduler calls.

    \b
    Example:
      harmrank refresh extracts --home home
      harmrank refresh extracts --home home --list-date 2026-09-30
      harmrank refresh extracts --home home --on-failure '/usr/local/bin/page-us --quietly'

    \b
    A past list, from what was known then:
      harmrank refresh extracts --home home --known-at 2026-09-30
      harmrank top --home home/known-at/2026-09-30

    --list-date alone is what is known today about that day. With --known-at nothing that came in a later extract
    counts: no late report, no change of status, no merge, no deletion. Rules are today's: for those of then, use the
    harmrank, seeds and imported weights that the manifest of the past list names.
    """
    from harmrank.cli import summary
    from harmrank.refreshing import attempt as scheduled
    from harmrank.refreshing.hooks import Hooks
    from harmrank.refreshing.logbook import Logbook
    from harmrank.refreshing.refresh import refresh as run

    home, day = Home(root), known_at.date() if known_at else None
    tell = _unsaid if log_json else say
    log = Logbook(home, _say_json if log_json else None)
    attempt = scheduled.Attempt(home, log, Hooks(on_publish, on_failure, hook_timeout), tell)
    with _unseen_progress() if log_json else node_progress() as progress:
        ending = attempt.make(
            lambda: run(
                extracts,
                home,
                list_date=list_date.date() if list_date else None,
                method=method,
                full=full,
                max_bad_share=max_bad_share,
                kept_builds=keep_builds,
                published_mode=published_mode,
                as_known_at=day,
                out=out,
                engine=engine,
                say=tell,
                progress=progress,
                log=log,
            )
        )
    if not log_json:
        summary.show(summary.lines(ending, log, day))
    if as_json and ending.result:
        print_json(_refreshed(ending.result, log, day))
    if ending.error and log_json:
        # Its line has been written.
        raise SilentExit(ending.exit_code) from ending.error
    if ending.error:
        raise ending.error


def _refreshed(result: Any, log: Any, known_at: date | None) -> dict[str, Any]:
    """What a refresh gives to a machine."""
    return {
        "landed": result.landing.landed,
        "unchanged": result.landing.unchanged,
        "refused": [{"extract_id": r.extract_id, "message": r.message} for r in result.landing.refused],
        "list_date": result.list_date,
        "known_at": known_at,
        "home": str(result.home.root),
        "build_id": result.publication and result.publication.build_id,
        "rows": result.publication and result.publication.rows,
        "warnings": result.warnings,
        "seconds": round(log.seconds["refresh"], 3),
        "log": str(log.path),
    }


@cli.command()
@EXTRACTS_ARGUMENT
@HOME_OPTION
@BAD_SHARE_OPTION
@ENGINE_OPTION
@MEMORY_OPTION
@JSON_OPTION
def land(extracts: Path, root: Path, max_bad_share: float, engine: str | None, as_json: bool) -> None:
    """Land what is new in the warehouse, without building or publishing.

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
    for warning in result.warnings:
        say(f"warning: {warning}")
    say(f"{len(result.landed)} landed, {len(result.unchanged)} unchanged, {len(result.refused)} refused")
    if as_json:
        refused = [{"extract_id": r.extract_id, "message": r.message} for r in result.refused]
        print_json(
            {"landed": result.landed, "unchanged": result.unchanged, "refused": refused, "warnings": result.warnings}
        )
    error = refusal_error(home, result.refused)
    if error:
        raise error


@cli.command()
@HOME_OPTION
@click.option("--n", "places", type=click.IntRange(min=1), default=10, show_default=True, help="How many places.")
@JSON_OPTION
def top(root: Path, places: int, as_json: bool) -> None:
    """Show the head of the published list.

    \b
    Example:
      harmrank top --home home --n 25
    """
    from harmrank.reading import published_mart

    build, rows = published_mart.top(Home(root), places)
    if as_json:
        print_json({"build": build, "places": rows})
        return
    from harmrank.cli import show

    show.print_top(_console(), printable_rows(build), printable_rows(rows))


@cli.command()
@click.argument("offender_key")
@HOME_OPTION
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="Text for a terminal, JSON for programs, or a page that prints well and needs no network.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
def explain(offender_key: str, root: Path, form: str) -> None:
    """Show where every day of a person's score comes from. Works for everyone ranked, listed or not.

    \b
    Example:
      harmrank explain 'metropolitan|P0001234' --home home
      harmrank explain 'metropolitan|P0001234' --home home --format html > sheet.html
    """
    from harmrank.reading import published_mart

    explanation = published_mart.explain(Home(root), offender_key)
    if form == "json":
        print_json(vars(explanation))
        return
    explanation = published_mart.Explanation(**printable_rows(vars(explanation)))
    if form == "html":
        from harmrank.reading import explaining
        from harmrank.text import pages

        click.echo(pages.render("explanation.html", told=explaining.sheet(explanation), build=explanation.build))
        return
    from harmrank.cli import show

    show.print_explanation(_console(), explanation)


@cli.command()
@click.option(
    "--postgres",
    "address",
    metavar="URL",
    envvar="HARMRANK_POSTGRES",
    required=True,
    help="The database, as postgresql://USER@HOST/DATABASE or service=NAME. Leave the password to PGPASSWORD or .pgpass: "
    "what is typed here others on this machine can see. Also read from HARMRANK_POSTGRES.",
)
@HOME_OPTION
@click.option(
    "--schema", default=POSTGRES_SCHEMA, show_default=True, help="The schema that holds the list, of harmrank alone."
)
@click.option(
    "--operational", is_flag=True, help="Copy the table offender_people, too. PERSONAL DATA: names, dates of birth."
)
@click.option("--grant", "readers", metavar="ROLE", multiple=True, help="A role that may read all tables but names.")
@click.option(
    "--grant-operational",
    "operational_readers",
    metavar="ROLE",
    multiple=True,
    help="With --operational: a role that may read names as well.",
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
    """Copy the list that stands into a schema of PostgreSQL, for tools that read no DuckDB.

    One transaction: whoever reads there sees the list before or this one, and waits for neither. Where the schema holds
    this build already, nothing changes. Views and grants upon the tables stay.

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
    wanted = copy.Wanted(schema, operational, readers, operational_readers)
    with node_progress() as progress:
        done = copy.publish(existing_home(root), address, wanted, progress)
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
        say(f"nothing new: {where} holds the list for {done.list_date} already, build {done.build_id}")
    if as_json:
        print_json(asdict(done))


@cli.command()
@HOME_OPTION
@click.option(
    "--out", "path", type=click.Path(path_type=Path), required=True, help="The page to write: a new file, FILE.html."
)
@click.option(
    "--operational",
    is_flag=True,
    help="With names and dates of birth. PERSONAL DATA: for operational readers, marked so on every page.",
)
def briefing(root: Path, path: Path, operational: bool) -> None:
    """Write the paper for the monthly meeting: what changed, the list, who came and went, the line, trends, data, method.

    One page that needs no network and prints on A4 from any browser; PDF is what the browser's print gives. The file is its
    owner's alone. Without --operational it holds keys and no names.

    \b
    Example:
      harmrank briefing --home home --out briefing-2026-10.html
      harmrank briefing --home home/known-at/2026-09-30 --out as-known-in-september.html
    """
    from harmrank.reading.briefing import paper as briefings

    build, size = briefings.write(Home(root), path, operational)
    kind = "with names: PERSONAL DATA, delete it when done" if operational else "pseudonymous: keys, no names"
    say(f"briefing on the list of {build['list_date']} written to {path} ({size / 1000:,.0f} kB, {kind})")


@cli.command()
@HOME_OPTION
@click.option("--verify", is_flag=True, help="Compare every published file with its SHA-256 in the manifest.")
@click.option(
    "--max-age",
    metavar="SPAN",
    callback=_span,
    help="For monitors: one line, and exit code 1 where no refresh has ended well (published, or nothing new) for longer "
    "than this, such as 26h, 90m or 2d, or where the published build is damaged.",
)
@click.option(
    "--max-list-age",
    metavar="SPAN",
    callback=_span,
    help="The same where the date of the list is longer ago, such as 40d: refreshes that find nothing new keep no list young.",
)
@JSON_OPTION
def status(root: Path, verify: bool, max_age: timedelta | None, max_list_age: timedelta | None, as_json: bool) -> None:
    """Show what is landed, what is published, when, from what, and whether it is stale or damaged.

    \b
    Example:
      harmrank status --home home
      harmrank status --home home --verify
      harmrank status --home home --max-age 26h --max-list-age 40d
    """
    if max_age or max_list_age:
        from harmrank.reading import freshness

        judged = freshness.judge(existing_home(root), max_age, max_list_age, thoroughly=verify)
        if as_json:
            print_json(asdict(judged))
        else:
            # The answer, whatever it is, so on stdout, where monitors look.
            click.echo(printable(judged.said))
        if judged.is_stale:
            raise SilentExit(STALE)
        return
    from harmrank.reading import published_mart

    facts = published_mart.status(existing_home(root), thoroughly=verify)
    if as_json:
        print_json(facts)
    else:
        from harmrank.cli import show

        show.print_status(_console(), printable_rows(facts))
    if verify and facts["damaged"]:
        raise HarmrankError("the published build is damaged, as said above")


@cli.command()
@HOME_OPTION
@click.option("--all", "everything", is_flag=True, help="Every test over every row: what is done without it, too.")
@JSON_OPTION
def check(root: Path, everything: bool, as_json: bool) -> None:
    """Run every data test over every row of the warehouse. Changes nothing.

    A refresh tests what it makes: after one that remade only what had changed, the rest of each big table was tested
    when it was made. This tests it again, as a check on the disk, on hands in the warehouse and on that reasoning.

    \b
    Example:
      harmrank check --home home --all
    """
    from harmrank.home import warehouse
    from harmrank.refreshing import engines

    home = existing_home(root)
    with home.lock(), node_progress() as progress:
        # Made by another harmrank, or not at all: that is no fault of the tables.
        warehouse.connect(home).close()
        result = engines.of(home).test(progress)
    if as_json:
        print_json({"tests": result.tests, "failures": result.failures, "warnings": result.warnings})
    for line in (*result.failures, *(f"warning: {warning}" for warning in result.warnings)):
        say(line)
    passed = result.tests - len(result.failures) - len(result.warnings)
    say(f"{passed} of {result.tests} tests passed")
    if result.failures:
        raise GateFailed(
            "the tables are not what they should be, as said above: harmrank refresh --full makes them anew"
        )


@cli.command()
@HOME_OPTION
@click.option("--extract", "extract_id", help="Only what this extract left.")
@click.option("--table", "table_name", type=click.Choice(list(TABLES)), help="Only rows of this table.")
@click.option("--reason", help="Only rows whose reason contains these words.")
@click.option("--all", "with_cleared", is_flag=True, help="Also what later extracts have cleared, and which ones did.")
@click.option("--export", "path", type=click.Path(path_type=Path), help="Write one CSV line a row to this new file.")
@click.option(
    "--with-text", is_flag=True, help="Export the rows as they were sent, too. PERSONAL DATA: names, dates of birth."
)
@JSON_OPTION
def quarantine(
    root: Path,
    extract_id: str | None,
    table_name: str | None,
    reason: str | None,
    with_cleared: bool,
    path: Path | None,
    with_text: bool,
    as_json: bool,
) -> None:
    """Show the rows and extracts that could not be used and that no later extract has cleared yet.

    \b
    Example:
      harmrank quarantine --home home
      harmrank quarantine --home home --extract 2026-10-31 --all --export rows.csv
    """
    from harmrank.reading import quarantine as quarantines

    if with_text and path is None:
        raise UsageError("--with-text goes with --export FILE: the rows themselves are never shown on a terminal")
    home, wanted = existing_home(root), quarantines.Filter(extract_id, table_name, reason, with_cleared)
    found = quarantines.read(home, wanted)
    if path is not None:
        written = quarantines.export(home, wanted, path, with_text)
        say(f"{written:,} rows written to {path}" + (": personal data, delete it when done" if with_text else ""))
    if as_json:
        print_json(asdict(found))
        return
    from harmrank.cli import show_quarantine

    show_quarantine.print_quarantine(_console(), found, with_cleared)


@cli.command()
@HOME_OPTION
@JSON_OPTION
def shape(root: Path, as_json: bool) -> None:
    """Show how the harm of a feed is distributed, beside the figures the Metropolitan Police has published.

    \b
    Example:
      harmrank shape --home home
    """
    from harmrank.reading import shape as shapes

    figures = shapes.measure(Home(root))
    if as_json:
        print_json([vars(figure) for figure in figures])
        return
    shapes.print_figures(_console(), figures)


@cli.group()
def weights() -> None:
    """Load further harm weights.

    \b
    Example:
      harmrank weights import CCHI_2026.xlsx --name cchi_2026 --home home
    """


@weights.command("import")
@click.argument("workbook", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", "index_name", required=True, help="Name of the new harm index, such as cchi_2026.")
@HOME_OPTION
def weights_import(workbook: Path, index_name: str, root: Path) -> None:
    """Load a Cambridge Crime Harm Index workbook of any year as a further harm index.

    \b
    Example:
      harmrank weights import CCHI_2026.xlsx --name cchi_2026 --home home
    """
    from harmrank.home import warehouse
    from harmrank.weights.workbook import import_workbook

    home = Home(root)
    with home.lock(), warehouse.connect(home) as connection:
        report = import_workbook(workbook, index_name, connection)
    for anomaly in report.anomalies:
        said = f"row {anomaly.row_number}, code {anomaly.code or 'none'}: {anomaly.what}; {anomaly.done}"
        click.echo(printable(said))
    click.echo(
        f"{index_name}: {report.codes} offence codes from {report.rows} rows, {len(report.anomalies)} anomalies. "
        "Use it by naming it in a row of seeds/ranking_methods.csv."
    )


def existing_home(root: Path) -> Home:
    """The home at that place. Raises UsageError where there is none."""
    if not root.is_dir():
        raise UsageError(f"there is no home at {root}: harmrank refresh EXTRACTS --home {root} makes one")
    return Home(root)


def say(line: str) -> None:
    """Progress for people goes to stderr, so that stdout stays for results."""
    click.echo(printable(line), err=True)


def _unsaid(line: str) -> None:
    """In place of `say`, where lines for people are not wanted."""


def _say_json(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _unseen_progress() -> Iterator[Callable[[str, int, int], None]]:
    yield lambda *_: None


def print_json(value: Any) -> None:
    """Machine output: dates and timestamps as ISO text (UTC), everything else as it is."""
    click.echo(printable_json(json.dumps(value, indent=2, ensure_ascii=False, default=_json_value)))


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


@contextmanager
def node_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A moving bar on a terminal; plain lines, every tenth of the way, elsewhere."""
    if not sys.stderr.isatty():
        told = {0}

        def plain(name: str, done: int, total: int) -> None:
            tenth = done * 10 // max(total, 1)
            if tenth not in told:
                told.add(tenth)
                say(f"  {done} of {total}: {name}")

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, start=True, visible=False)

        def moving(name: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description=name, visible=True)

        yield moving


def _console() -> Any:
    from rich.console import Console

    # Piped output must not be cut to the width of a terminal that is not there.
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 130)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # Whatever a command writes may hold personal data: nobody but its owner reads it unless told so.
    os.umask(0o077)
    debug = "--debug" in arguments
    try:
        cli.main([a for a in arguments if a != "--debug"], prog_name="harmrank", standalone_mode=False)
        _exit(0)
    except click.ClickException as error:
        error.show()
        _exit(error.exit_code)
    except click.exceptions.Exit as error:
        _exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _leave(KeyboardInterrupt(), debug)
    except Exception as error:
        _leave(error, debug)


def _leave(error: BaseException, debug: bool) -> None:
    """One line of what went wrong, whatever it was, and the exit code."""
    from harmrank.machine import system_errors

    if debug:
        _print_traceback()
    message, code = system_errors.told(error)
    if not isinstance(error, SilentExit):
        click.echo(f"harmrank: {printable(message)}", err=True)
    _exit(code)


def _print_traceback() -> None:
    import traceback

    traceback.print_exc()


def _exit(code: int) -> NoReturn:
    """Leave; without taking Python apart where Great Expectations was loaded.

    With it and DuckDB's SQLAlchemy dialect in one process, DuckDB 2 prints pages of "leaked" objects when Python is
    taken apart, after all work is done.
    """
    if "great_expectations" in sys.modules:
        # What was registered for the end is done all the same: temporary folders, semaphores.
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            # Whoever read them may have gone.
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)
