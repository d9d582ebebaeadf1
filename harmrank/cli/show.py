"""The output of `top`, `explain`, `status` and `shape` for people: tables and sentences. Layout only; no figure is computed here."""

from __future__ import annotations

from itertools import compress
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harmrank.cli.terminal import Column, print_table
from harmrank.home.journal import GATE_FAILED
from harmrank.reading import explaining
from harmrank.reading.published_mart import Explanation, Row
from harmrank.reading.shape import Figure
from harmrank.text.wording import as_known, brief, day, days, plural, split

DAYS_A_YEAR = 365
_NARROW = 60
"""Characters in a line below which a label stands above its sentence: the longest path and figure need about fifty."""


TOP_COLUMNS = (
    Column("Rank", is_figure=True),
    Column("Before", leaves=6, is_figure=True, from_width=120),
    Column("Offender", leaves=1, is_key=True),
    Column("Harm\ndays", is_figure=True),
    Column("Years", leaves=7, is_figure=True, from_width=120),
    Column("Named/\ncharged/\nconvicted", leaves=2, is_figure=True),
    Column("Closed\nwithout\ncharge", leaves=5, is_figure=True, from_width=120),
    Column("Alle-\ngations", leaves=4, is_figure=True, from_width=96),
    Column("Women\nand girls", leaves=3, is_figure=True),
    Column("Most serious\nallegation", leaves=3),
)


def print_top(console: Console, build: Row, places: list[Row]) -> None:
    """Prints the first places of the list as a table. A narrow terminal shows fewer columns."""
    # Years make sense only for days of imprisonment.
    applies = [build["harm_unit"] == "days of imprisonment" or column.heading != "Years" for column in TOP_COLUMNS]
    title = ", ".join(filter(None, [f"Who does most harm, {day(build['list_date'])}", as_known(build.get("known_at"))]))
    rows = [list(compress(_top_cells(place), applies)) for place in places]
    print_table(console, list(compress(TOP_COLUMNS, applies)), rows, title)
    console.print(
        f"Method {build['method']}, weights {build['harm_index']}. {build['harm_index_caveat']}.", style="dim"
    )
    console.print(
        "An allegation is not a conviction: named (or arrested), charged, convicted and closed are per cent of the harm.",
        style="dim",
    )
    legend = ["= tied with a neighbour, * in custody."]
    if any(place["unweighted_allegations"] for place in places):
        legend.append("+ ? has allegations without a weight: not all harm is counted.")
    console.print(" ".join(legend), style="dim")


def _top_cells(place: Row) -> list[str]:
    return [
        f"{place['harm_rank']}{'=' if place['is_tied'] else ''}",
        "new" if place["previous_rank"] is None else str(place["previous_rank"]),
        place["offender_key"] + (" *" if place["is_in_custody"] else ""),
        days(place["harm_days"]) + (" + ?" if place["unweighted_allegations"] else ""),
        f"{place['harm_days'] / DAYS_A_YEAR:.1f}",
        _split(place),
        _per_cent(place["share_closed_without_charge"]),
        str(place["allegations"]),
        str(place["female_victims"]),
        f"{place['most_serious_offence_code']} {brief(place['most_serious_offence'])}",
    ]


def _split(place: Row) -> str:
    shares = split(place)
    return "-" if shares is None else "/".join(map(str, shares))


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Prints a score line by line."""
    sheet = explaining.sheet(explanation)
    console.print(Text(sheet.offender_key, style="bold"))
    console.print(sheet.place)
    console.print()
    for number, allegation in enumerate(sheet.allegations, start=1):
        console.print(Text(f"{number}. {allegation.heading}", style="bold"))
        console.print(Padding(f"{allegation.facts}\n{allegation.weight}", (0, 0, 0, 3)))
    console.print()
    console.print(Text(sheet.total, style="bold"))
    for line in sheet.notes:
        console.print(line)
    for section in sheet.sections:
        console.print()
        console.print(Text(section.heading, style="bold"))
        for line in section.lines:
            console.print(f"- {line}")
    console.print()
    for line in sheet.footer:
        console.print(line, style="dim")


def print_status(console: Console, status: dict[str, Any]) -> None:
    """Prints what is landed and published, and what to do if the list is behind."""
    rows = [("Home", status["home"])]
    if status["at_work"]:
        rows.append(("Now", status["at_work"]))
    past_list = status["remade"]
    if past_list:
        rows.append(
            ("Known at", f"{past_list['known_at']}: from the extracts up to that day, landed in {past_list['home']}")
        )
    if not past_list or status["landed"]:
        rows.append(("Landed", _landed_line(status["landed"])))
    for refusal in (status["landed"] or {}).get("refused", []):
        rows.append(("Refused", refusal["message"]))
    published = status["published"]
    if published:
        rows.append(
            (
                "Published",
                f"{published['build_id']}: list date {published['list_date']}, method {published['method']}, "
                f"built {_minute(published['built_at'])} from {plural(published['extracts'], 'extract')} up to {published['newest_extract']}",
            )
        )
        rows.append(("", published["folder"]))
        for warning in published["warnings"]:
            rows.append(("Warning", warning))
    elif not status["damaged"]:
        rows.append(("Published", "nothing yet"))
    if status["lists_as_known"]:
        rows.append(("As known", f"{', '.join(status['lists_as_known'])}: past lists, in {status['home']}/known-at"))
    if status["rolled_back"]:
        rows.append(("Rolled back", status["rolled_back"]))
    for fault in status["damaged"]:
        rows.append(("Damaged", fault))
    last = status["last_refresh"]
    if last and last.get("ended_well_at"):
        rows.append(("Refreshed", f"{_minute(last['ended_well_at'])}, the last successful refresh"))
    if last and last["outcome"] == GATE_FAILED:
        for detail in last["details"]:
            rows.append(("Failed", detail))
    for reason in status["stale_because"]:
        rows.append(("Stale", reason))
    if not status["stale_because"] and not status["damaged"]:
        rows.append(("Stale", "no"))
    _print_labelled(console, rows)


def _print_labelled(console: Console, rows: list[tuple[str, str]]) -> None:
    """Prints sentences beside their labels, or below them where a figure may be too long for what is left of a line."""
    table = Table(box=None, show_header=False, pad_edge=False)
    if console.width >= _NARROW:
        table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, sentence in rows:
        if console.width >= _NARROW:
            table.add_row(label, Text(sentence))
            continue
        if label:
            table.add_row(Text(label, style="bold"))
        table.add_row(Padding(Text(sentence), (0, 0, 0, 2)))
    console.print(table)


def print_builds(console: Console, kept: list[dict[str, Any]]) -> None:
    """Prints the builds that are kept, and why one waits or was rolled back."""
    rows = []
    for build in kept:
        said = build["build_id"]
        if build["list_date"]:
            extracts = plural(build["extracts"], "extract")
            said += f": list date {build['list_date']}, built {_minute(build['built_at'])} from {extracts}"
        rows.append((build["state"].capitalize(), f"{said}, {build['bytes'] / 1e6:,.1f} MB"))
        if build["because"]:
            rows.append(("", build["because"]))
    _print_labelled(console, rows)


def _minute(moment: str) -> str:
    """Returns the minute of an ISO time in UTC, in words short enough for any terminal."""
    return f"{moment[:10]} {moment[11:16]} UTC"


def _landed_line(landed: Row | None) -> str:
    if landed is None:
        return "nothing yet"
    if landed["in_use"]:
        return str(landed["in_use"])
    ids = landed["extract_ids"]
    span = f" ({ids[0]} to {ids[-1]})" if ids else ""
    return f"{plural(len(ids), 'extract')}{span}, {plural(landed['rows_quarantined'], 'row')} in quarantine"


def print_figures(console: Console, figures: list[Figure]) -> None:
    """Prints the shape of a feed beside published figures."""
    columns = (
        Column("Figure"),
        Column("This\nfeed", is_figure=True),
        Column("Published", leaves=1),
        Column("By", leaves=2),
    )
    print_table(console, columns, [[figure.name, figure.text, figure.published, figure.source] for figure in figures])
