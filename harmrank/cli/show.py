"""The output of `top`, `explain` and `status` for people: tables and sentences. Layout only; no figure is computed here."""

from __future__ import annotations

from itertools import compress
from typing import Any

from rich import box
from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harmrank.home.journal import GATE_FAILED
from harmrank.reading import explaining
from harmrank.reading.published_mart import Explanation, Row
from harmrank.text.wording import as_known, brief, day, days, plural, split

DAYS_A_YEAR = 365


# Heading, alignment, and the least width of a terminal, in characters, that shows the column.
TOP_COLUMNS: tuple[tuple[str, JustifyMethod, int], ...] = (
    ("Rank", "right", 0),
    ("Before", "right", 120),
    ("Offender", "left", 0),
    ("Harm\ndays", "right", 0),
    ("Years", "right", 120),
    ("Named/\ncharged/\nconvicted", "right", 0),
    ("Closed\nwithout\ncharge", "right", 120),
    ("Alle-\ngations", "right", 96),
    ("Women\nand girls", "right", 0),
    ("Most serious\nallegation", "left", 0),
)


def print_top(console: Console, build: Row, places: list[Row]) -> None:
    """Prints the first places of the list as a table. A narrow terminal shows fewer columns."""
    # Years make sense only for days of imprisonment.
    in_days = build["harm_unit"] == "days of imprisonment"
    shown = [console.width >= width and (in_days or heading != "Years") for heading, _, width in TOP_COLUMNS]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    table.title = ", ".join(
        filter(None, [f"Who does most harm, {day(build['list_date'])}", as_known(build.get("known_at"))])
    )
    for heading, justify, _ in compress(TOP_COLUMNS, shown):
        wraps = heading.startswith("Most")
        table.add_column(heading, justify=justify, no_wrap=not wraps, overflow="fold", ratio=1 if wraps else None)
    for place in places:
        table.add_row(*compress(_top_cells(place), shown))
    console.print(table)
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
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("Home", status["home"])
    if status["at_work"]:
        table.add_row("Now", status["at_work"])
    past_list = status["remade"]
    if past_list:
        table.add_row(
            "Known at", f"{past_list['known_at']}: from the extracts up to that day, landed in {past_list['home']}"
        )
    if not past_list or status["landed"]:
        table.add_row("Landed", _landed_line(status["landed"]))
    for refusal in (status["landed"] or {}).get("refused", []):
        table.add_row("Refused", refusal["message"])
    published = status["published"]
    if published:
        table.add_row(
            "Published",
            f"{published['build_id']}: list date {published['list_date']}, method {published['method']}, "
            f"built {published['built_at']} from {plural(published['extracts'], 'extract')} up to {published['newest_extract']}",
        )
        table.add_row("", published["folder"])
        for warning in published["warnings"]:
            table.add_row("Warning", warning)
    elif not status["damaged"]:
        table.add_row("Published", "nothing yet")
    if status["lists_as_known"]:
        table.add_row("As known", f"{', '.join(status['lists_as_known'])}: past lists, in {status['home']}/known-at")
    for fault in status["damaged"]:
        table.add_row("Damaged", fault)
    last = status["last_refresh"]
    if last and last.get("ended_well_at"):
        table.add_row("Refreshed", f"{last['ended_well_at']}, the last successful refresh")
    if last and last["outcome"] == GATE_FAILED:
        for detail in last["details"]:
            table.add_row("Failed", detail)
    for reason in status["stale_because"]:
        table.add_row("Stale", reason)
    if not status["stale_because"] and not status["damaged"]:
        table.add_row("Stale", "no")
    console.print(table)


def _landed_line(landed: Row | None) -> str:
    if landed is None:
        return "nothing yet"
    if landed["in_use"]:
        return str(landed["in_use"])
    ids = landed["extract_ids"]
    span = f" ({ids[0]} to {ids[-1]})" if ids else ""
    return f"{plural(len(ids), 'extract')}{span}, {plural(landed['rows_quarantined'], 'row')} in quarantine"
