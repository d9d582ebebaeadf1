"""What a person sees: tables and sentences for `top`, `explain` and `status`. Layout only, no figure is made here."""

from __future__ import annotations

import textwrap
from datetime import date
from itertools import compress
from typing import Any

from rich import box
from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harmrank.journal import GATE_FAILED
from harmrank.reading import Explanation, Row

DAYS_A_YEAR = 365


def days(value: float | None) -> str:
    """Days with thousands separated; halves are kept, a missing weight is said."""
    if value is None:
        return "no weight"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def day(value: date) -> str:
    """A date as it is read aloud: 3 March 2026."""
    return f"{value.day} {value:%B %Y}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 allegation`, `4 allegations`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def brief(title: str) -> str:
    """An official title short enough for a cell: its first sentence, cut. `explain` gives it whole."""
    return textwrap.shorten(title.split(". ")[0], 48, placeholder=" ...")


# Heading, alignment, and the width in characters below which a terminal does without the column.
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
    """The head of the list as a table; on a narrow terminal with the columns one cannot do without."""
    # Years make sense of days of imprisonment alone.
    in_days = build["harm_unit"] == "days of imprisonment"
    shown = [console.width >= width and (in_days or heading != "Years") for heading, _, width in TOP_COLUMNS]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    table.title = ", ".join(filter(None, [f"Who does most harm, {day(build['list_date'])}", _as_known(build)]))
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
        legend.append("+ ? has allegations without a weight, so that the harm is not all counted.")
    console.print(" ".join(legend), style="dim")


def _as_known(build: Row) -> str:
    """What is said of a list that was made again as it was known on a day; nothing of any other."""
    # Builds of an older harmrank were all made from everything there was.
    known_at = build.get("known_at")
    return f"as it was known on {day(known_at)}" if known_at else ""


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
    """How far the harm has got, in whole per cent that add up to a hundred: `60/30/10`."""
    harm = place["harm_days"]
    if not harm:
        return "-"
    charged, convicted = (round(100 * place[f"harm_days_{split}"] / harm) for split in ("charged", "convicted"))
    return f"{100 - charged - convicted}/{charged}/{convicted}"


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def print_explanation(console: Console, explanation: Explanation) -> None:
    """A score line by line, in sentences that can be read aloud."""
    offender, build = explanation.offender, explanation.build
    console.print(Text(offender["offender_key"], style="bold"))
    console.print(_where(explanation))
    if known := _as_known(build):
        console.print(f"This is the list {known}: what was sent later is not looked at.")
    console.print()
    for number, allegation in enumerate(explanation.evidence, start=1):
        console.print(Text(f"{number}. {_heading(allegation)}", style="bold"))
        console.print(Padding(_body(allegation, build["harm_index_source"]), (0, 0, 0, 3)))
    console.print()
    console.print(Text(_sum(explanation), style="bold"))
    console.print(f"{_splits(offender)} {_closed(offender)}".rstrip())
    for line in _records(explanation) + _unclassified(explanation):
        console.print(line)
    console.print()
    console.print(Text("What would take this person off the list", style="bold"))
    for line in _way_off(explanation):
        console.print(f"- {line}")
    console.print()
    console.print(f"Method {build['method']}, weights {build['harm_index']}: {build['harm_index_source']}", style="dim")
    if build["harm_index_caveat"]:
        console.print(build["harm_index_caveat"], style="dim")
    console.print("These are allegations; an allegation is not a conviction.", style="dim")


def _where(explanation: Explanation) -> str:
    offender = explanation.offender
    tie = ", a place that only the key separates from a neighbour" if offender["is_tied"] else ""
    place = (
        f"Number {offender['harm_rank']:,} on the list of {day(offender['list_date'])}{tie}"
        if offender["is_listed"]
        else f"Not on the list of {day(offender['list_date'])}: place {offender['harm_rank']:,}{tie}"
    )
    sentence = (
        f"{place}, with {days(offender['harm_days'])} days of harm from "
        f"{plural(offender['allegations'], 'allegation')} by or about "
        f"{plural(offender['female_victims'], 'woman or girl', 'women or girls')}."
    )
    if explanation.listing is None:
        return sentence
    listing = explanation.listing
    before = (
        "not on the monthly list before"
        if listing["previous_rank"] is None
        else f"number {listing['previous_rank']} on the monthly list before"
    )
    custody = " In custody on that date." if listing["is_in_custody"] else ""
    return f"{sentence} {before.capitalize()}; {plural(listing['months_on_list'], 'monthly list')} so far.{custody}"


def _heading(allegation: Row) -> str:
    return (
        f"{days(allegation['harm_days'])}{' days' if allegation['harm_days'] is not None else ''}: "
        f"{allegation['offence'] or 'offence not known'} ({allegation['offence_code']})"
    )


# How a status and a relationship are said aloud; a word that is not here is said as it is.
STATUSES = {"named": "named as a suspect"}
RELATIONSHIPS = {
    "partner": "a partner of the victim",
    "ex_partner": "a former partner of the victim",
    "family": "a relative of the victim",
    "acquaintance": "an acquaintance of the victim",
    "stranger": "a stranger to the victim",
    "unknown": "",
}


def _body(allegation: Row, index_source: str) -> str:
    who = RELATIONSHIPS.get(allegation["relationship"] or "", allegation["relationship"])
    sentences = [
        _when(allegation),
        f"Crime {allegation['crime_ref']} of {allegation['force']}, "
        f"{plural(allegation['female_victims'], 'female victim')}. The person{f', {who},' if who else ''} has been "
        f"{STATUSES.get(allegation['status'], allegation['status'])}.",
    ]
    if allegation["is_closed_without_charge"]:
        sentences.append(f"The case was closed without a charge (Home Office outcome {allegation['outcome_type']}).")
    if allegation["is_historic"]:
        sentences.append("A historic report; it counts in full.")
    return f"{' '.join(sentences)}\n{_why(allegation, index_source)} Counts until {day(allegation['counts_until'])}."


def _when(allegation: Row) -> str:
    first, last = allegation["committed_from"], allegation["committed_to"]
    reported = f"Reported on {day(allegation['reported_on'])}"
    if not first:
        return f"{reported}."
    span = f"between {day(first)} and {day(last)}" if last and last != first else f"on {day(first)}"
    return f"{reported}, said to have happened {span}."


def _why(allegation: Row, index_source: str) -> str:
    if allegation["harm_days"] is None:
        return (
            f"The index {allegation['harm_index']} has no weight for this offence: it adds nothing, and that is a gap."
        )
    # The source of the index stands once below; one that an offence has of its own stands with it.
    source = allegation["weight_source"] or index_source
    own_source = "" if index_source.startswith(source) else f" ({source})"
    basis = allegation["weight_basis"] or "every crime weighs the same in this index"
    reason = f"Why {days(allegation['harm_days'])}: {basis}{own_source}."
    if allegation["weight_is_ambiguous"] and allegation["harm_days"] < allegation["harm_days_highest"]:
        reason += (
            f" The code also stands for graver forms, up to {days(allegation['harm_days_highest'])} days; "
            "the record does not say which, so the lowest counts."
        )
    elif allegation["weight_is_ambiguous"]:
        reason += (
            " The code also stands for lesser forms; the record does not say which, and this method counts the highest."
        )
    return reason


def _sum(explanation: Explanation) -> str:
    parts = [days(row["harm_days"]) for row in explanation.evidence if row["harm_days"] is not None]
    total = days(explanation.offender["harm_days"])
    return f"{' + '.join(parts)} = {total} days" if len(parts) > 1 else f"In all: {total} days"


def _splits(offender: Row) -> str:
    return (
        f"Of these, {days(offender['harm_days_convicted'])} rest on convictions, {days(offender['harm_days_charged'])} on "
        f"charges, {days(offender['harm_days_named'])} on being named or arrested."
    )


def _closed(offender: Row) -> str:
    share = offender["share_closed_without_charge"]
    if share is None:
        return ""
    if share == 0:
        return "None of the harm rests on cases that were closed without a charge."
    return (
        f"{_share(share)} of the harm ({days(offender['harm_days_closed_without_charge'])} days) rests on cases that were "
        "closed without a charge."
    )


def _share(share: float) -> str:
    """A share that is neither nought nor all never reads as if it were."""
    if share == 1:
        return "All"
    return "Less than 1 %" if share < 0.01 else "More than 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def _records(explanation: Explanation) -> list[str]:
    if len(explanation.records) < 2:
        return []
    others = ", ".join(row["person_ref"] for row in explanation.records if not row["is_surviving_record"])
    return [f"The source system merged these records into this person: {others}."]


def _unclassified(explanation: Explanation) -> list[str]:
    return [
        f"Not counted, and that is a gap: crime {row['crime_ref']} of {row['force']}, reported on "
        f"{day(row['reported_on'])}, under the code {row['offence_code']}, which no table knows."
        for row in explanation.unclassified
    ]


def _way_off(explanation: Explanation) -> list[str]:
    offender, listing = explanation.offender, explanation.listing
    if listing is None:
        return ["Nothing: the person is not on it."]
    above = listing["harm_days_above_line"]
    ways = []
    if above is None:
        ways.append("There are fewer eligible people than places: only the end of every allegation would.")
    else:
        ways.append(
            f"The first person below the list has {days(offender['harm_days'] - above)} days: losing more than "
            f"{days(above)} days is enough."
        )
    for row in explanation.evidence:
        if row["is_decisive"]:
            ways.append(
                f"Crime {row['crime_ref']} alone decides: cancelled, or the person eliminated or acquitted of it, "
                "the place goes."
            )
    if above is not None:
        ways.append(_by_time(explanation.evidence, offender["harm_days"] - above))
    ways.append(f"With nothing new, the last allegation stops counting after {day(_last(explanation.evidence))}.")
    return ways


def _by_time(evidence: list[Row], line: float) -> str:
    for row in sorted(evidence, key=lambda entry: entry["counts_until"]):
        if row["harm_days_left"] < line:
            return (
                f"With nothing new, the score falls to {days(row['harm_days_left'])} days after "
                f"{day(row['counts_until'])}, below today's line."
            )
    return "Time alone does not bring the score below today's line before every allegation has left the window."


def _last(evidence: list[Row]) -> date:
    last: date = max(row["counts_until"] for row in evidence)
    return last


def print_status(console: Console, status: dict[str, Any]) -> None:
    """What is landed and published, and what to do if the one lags behind the other."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("Home", status["home"])
    if status["at_work"]:
        table.add_row("Now", status["at_work"])
    remade = status["remade"]
    if remade:
        table.add_row("Known at", f"{remade['known_at']}, by the extracts taken up to then, landed in {remade['home']}")
    if not remade or status["landed"]:
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
