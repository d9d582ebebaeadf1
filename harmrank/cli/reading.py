"""The commands that read: they show or export what a home holds and change nothing in it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from harmrank.cli.options import HOME_OPTION, JSON_OPTION, existing_home, span
from harmrank.cli.terminal import console, print_document, print_json, say, shown
from harmrank.contract import TABLES
from harmrank.errors import HarmrankError, SilentExit, UsageError
from harmrank.text.printable import printable_rows

STALE = 1
"""Exit code of `status --max-age` for a stale home: monitors read 1 as a warning, and 2 to 5 have other meanings."""


@click.command()
@HOME_OPTION
@click.option("--n", "places", type=click.IntRange(min=1), default=10, show_default=True, help="Number of places.")
@JSON_OPTION
def top(root: Path, places: int, as_json: bool) -> None:
    """Show the first places of the published list.

    \b
    Example:
      harmrank top --home home --n 25
    """
    from harmrank.reading import published_mart

    build, rows = published_mart.top(existing_home(root), places)
    if as_json:
        print_json({"build": build, "places": rows})
        return
    from harmrank.cli import show

    show.print_top(console(), shown(build), shown(rows))


@click.command()
@click.argument("offender_key")
@HOME_OPTION
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="text for a terminal, json for programs, html for a page that prints well and needs no network.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
def explain(offender_key: str, root: Path, form: str) -> None:
    """Explain a person's score, allegation by allegation.

    Works for everyone who is ranked, on the list or not. With the default method a score is in days of imprisonment.

    \b
    Example:
      harmrank explain 'metropolis|07880421152' --home home
      harmrank explain 'metropolis|07880421152' --home home --format html > sheet.html
    """
    from harmrank.reading import published_mart

    explanation = published_mart.explain(existing_home(root), offender_key)
    if form == "json":
        print_json(vars(explanation))
        return
    if form == "html":
        from harmrank.reading import explaining
        from harmrank.text import pages

        explanation = published_mart.Explanation(**printable_rows(vars(explanation)))
        sheet = explaining.sheet(explanation)
        print_document(pages.render("explanation.html", sheet=sheet, build=explanation.build))
        return
    from harmrank.cli import show

    show.print_explanation(console(), published_mart.Explanation(**shown(vars(explanation))))


@click.command()
@HOME_OPTION
@click.option(
    "--out", "path", type=click.Path(path_type=Path), required=True, help="The page to write: a new file, FILE.html."
)
@click.option(
    "--operational",
    is_flag=True,
    help="Include names and dates of birth. PERSONAL DATA: for operational readers; every page says so.",
)
def briefing(root: Path, path: Path, operational: bool) -> None:
    """Write the paper for the monthly meeting.

    It shows what changed, the list, who entered and left, the cut-off, trends, data quality and the method. It is one
    page that needs no network. For a PDF, print it from a browser (A4). Only you may read the file. Without
    --operational it contains keys and no names.

    \b
    Example:
      harmrank briefing --home home --out briefing-2026-10.html
      harmrank briefing --home home/known-at/2026-09-30 --out as-known-in-september.html
    """
    from harmrank.reading.briefing import paper as briefings

    build, size = briefings.write(existing_home(root), path, operational)
    kind = "with names: PERSONAL DATA, delete it after use" if operational else "pseudonymous: keys, no names"
    say(f"briefing on the list of {build['list_date']} written to {path} ({size / 1000:,.0f} kB, {kind})")


@click.command()
@HOME_OPTION
@click.option("--verify", is_flag=True, help="Compare every published file with its SHA-256 in the manifest.")
@click.option(
    "--max-age",
    metavar="SPAN",
    callback=span,
    help="For monitors: print one line. Exit code 1 if the published build is damaged, or if the last successful refresh "
    "(published, or nothing new) is older than this: 26h, 90m or 2d.",
)
@click.option(
    "--max-list-age",
    metavar="SPAN",
    callback=span,
    help="For monitors: the same if the date of the list is older than this, such as 40d. A refresh that finds nothing "
    "new does not change that date.",
)
@JSON_OPTION
def status(root: Path, verify: bool, max_age: timedelta | None, max_list_age: timedelta | None, as_json: bool) -> None:
    """Show what is landed, published, stale or damaged.

    Without --max-age and --max-list-age, a list is stale if its date is more than 35 days ago, a landed extract is not in it, the
    last refresh did not succeed, a list waits, or a force has sent nothing for much longer than usual.

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
            # Monitors look at stdout for the answer, fresh or stale.
            click.echo(shown(judged.said))
        if judged.is_stale:
            raise SilentExit(STALE)
        return
    from harmrank.reading import published_mart

    facts = published_mart.status(existing_home(root), thoroughly=verify)
    if as_json:
        print_json(facts)
    else:
        from harmrank.cli import show

        show.print_status(console(), shown(facts))
    if verify and facts["damaged"]:
        raise HarmrankError("the published build is damaged (see above)")


@click.command()
@HOME_OPTION
@JSON_OPTION
def builds(root: Path, as_json: bool) -> None:
    """Show the builds that are kept: the current one, earlier ones, and one that waits for harmrank refresh --accept-list.

    \b
    Example:
      harmrank builds --home home
    """
    from harmrank.reading import published_mart

    kept = published_mart.kept_builds(existing_home(root))
    if as_json:
        print_json(kept)
        return
    from harmrank.cli import show

    show.print_builds(console(), printable_rows(kept))


@click.command()
@HOME_OPTION
@click.option("--extract", "extract_id", help="Only rows of this extract.")
@click.option("--table", "table_name", type=click.Choice(list(TABLES)), help="Only rows of this table.")
@click.option("--reason", help="Only rows whose reason contains these words.")
@click.option(
    "--all",
    "with_cleared",
    is_flag=True,
    help="Also show what a later extract has cleared, and which extract that was.",
)
@click.option("--export", "path", type=click.Path(path_type=Path), help="New CSV file to write, with one line per row.")
@click.option(
    "--with-text",
    is_flag=True,
    help="With --export: also write each row as it was sent. PERSONAL DATA: names, dates of birth.",
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
    """Show rows and extracts that could not be used.

    Without --all, those that a later extract has cleared are left out.

    \b
    Example:
      harmrank quarantine --home home
      harmrank quarantine --home home --extract 2026-10-31 --all --export rows.csv
    """
    from harmrank.reading import quarantine as quarantines

    if with_text and path is None:
        raise UsageError("--with-text needs --export FILE: a terminal never shows the rows themselves")
    home, wanted = existing_home(root), quarantines.Filter(extract_id, table_name, reason, with_cleared)
    found = quarantines.read(home, wanted)
    if path is not None:
        written = quarantines.export(home, wanted, path, with_text)
        say(f"{written:,} rows written to {path}" + (": personal data, delete it after use" if with_text else ""))
    if as_json:
        print_json(asdict(found))
        return
    from harmrank.cli import show_quarantine

    show_quarantine.print_quarantine(console(), found, with_cleared)


@click.command()
@HOME_OPTION
@JSON_OPTION
def shape(root: Path, as_json: bool) -> None:
    """Show how the harm is distributed, beside published figures.

    The published figures are those of the Metropolitan Police (V100) and of Liggins, Ratcliffe and Bland (2019).

    \b
    Example:
      harmrank shape --home home
    """
    from harmrank.reading import shape as shapes

    figures = shapes.measure(existing_home(root))
    if as_json:
        print_json([vars(figure) for figure in figures])
        return
    from harmrank.cli import show

    show.print_figures(console(), figures)


COMMANDS = (top, explain, briefing, status, builds, quarantine, shape)
