"""The paper for the monthly meeting, as one page that needs no network and prints on A4.

What it says stands here and in its template, in the words of `explain`; what it rests on comes from the mart as it is.
"""

from __future__ import annotations

import logging
import re
from calendar import month_name
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harmrank.home.folder import Home
from harmrank.machine import disk
from harmrank.reading.briefing import facts as briefing_facts
from harmrank.reading.briefing.facts import Facts
from harmrank.reading.explaining import NO_FORECAST, NOT_A_CONVICTION, changes, correction_of, reason_of, stood
from harmrank.reading.published_mart import Row
from harmrank.text import pages
from harmrank.text.printable import printable_rows
from harmrank.text.wording import as_known, brief, day, days, in_unit, per_cent, plural, split

# Between a figure and its per cent, and within a date, no line ends.
_NOT_TO_BE_PARTED = re.compile(rf"(?<=\d) (?=%|(?:{'|'.join(month_name[1:])}) \d)")
PLACES_NAMED = 25
"""How many places a sentence counts up."""


@dataclass(frozen=True)
class Finding:
    """One thing that the meeting should know: what it is about, and a sentence or two."""

    about: str
    said: str


@dataclass(frozen=True)
class Figure:
    """A figure for the head of the paper: what it is, the figure, and what it is to be seen beside."""

    name: str
    value: str
    beside: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart and the sentence that says what is to be seen in it."""

    title: str
    said: str
    svg: str


@dataclass(frozen=True)
class Paper:
    """Everything the template needs beside the rows."""

    of: str
    lead: list[str]
    figures: list[Figure]
    findings: list[Finding]
    line: str
    redraws: str
    data: list[str]
    limits: list[str]
    charts: dict[str, Chart]


def write(home: Home, path: Path, operational: bool) -> tuple[Row, int]:
    """Write the briefing on the published list to a new file for its owner alone; give the build and the file's bytes.

    `operational` adds names and dates of birth. Raises UsageError where nothing has been published or the file exists or
    cannot be made, HarmrankError where the build cannot be read.
    """
    with disk.new_file(path) as file:
        facts = briefing_facts.read(home, with_names=operational)
        text = page(facts, operational)
        file.write(text)
    return facts.build, len(text.encode())


def page(facts: Facts, operational: bool) -> str:
    """The briefing as HTML: the same facts, the same text."""
    facts = Facts(**{name: printable_rows(value) for name, value in vars(facts).items()})
    text = pages.render(
        "briefing.html",
        facts=facts,
        build=facts.build,
        paper=paper(facts),
        operational=operational,
        reason_of=lambda row: _sentence(reason_of(row)),
        changes=lambda row: " ".join(changes(row, facts.build["harm_unit"])),
        separated=lambda row: separated(row, facts.build["harm_unit"]),
        correction_of=correction_of,
        moved=moved,
        split=split,
        brief=brief,
    )
    return _NOT_TO_BE_PARTED.sub("\N{NO-BREAK SPACE}", text)


def paper(facts: Facts) -> Paper:
    """What is said of the list, and its charts."""
    on_the_day = ", ".join(filter(None, [day(facts.build["list_date"]), as_known(facts.build["known_at"])]))
    return Paper(
        of=f"The list of {on_the_day}",
        lead=list(_lead(facts)),
        figures=list(_figures(facts)),
        findings=list(_findings(facts)),
        line=_line(facts),
        redraws=_redraws(facts),
        data=list(_data(facts)),
        limits=_limits(facts),
        charts=_charts(facts),
    )


def _are(count: int, one: str, many: str) -> str:
    """`1 person is`, `4 people are`, `nobody is`."""
    return f"{plural(count, one, many)} {'is' if count == 1 else 'are'}" if count else "nobody is"


def _have(count: int) -> str:
    return f"{count:,} {'has' if count == 1 else 'have'}" if count else "nobody has"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _people(count: int) -> str:
    return plural(count, "person", "people")


def _lead(facts: Facts) -> Iterator[str]:
    build, whole, churn = facts.build, facts.whole, facts.churn
    unit, today = build["harm_unit"], day(build["list_date"])
    if churn is None:
        yield _sentence(
            f"{_are(whole['places'], 'person', 'people')} on the list of {today}. It is the first list: there is none "
            "before it to compare it with."
        )
        if whole["places"]:
            yield f"Their harm is {in_unit(whole['harm_days'], unit)}."
        return
    before = f"the monthly list of {day(churn['previous_list_date'])}"
    if churn["entered"] or churn["people_left"]:
        stayed = f"{churn['stayed']:,}" if churn["stayed"] else "nobody"
        yield _sentence(
            f"{_are(churn['entered'], 'person', 'people')} new on the list of {today}, {_have(churn['people_left'])} left since "
            f"{before}, and {stayed} stayed."
        )
    elif churn["places"]:
        same = "The same person is" if churn["places"] == 1 else f"The same {churn['places']:,} people are"
        yield f"{same} on the list of {today} as on {before}."
    else:
        yield f"Nobody is on the list of {today}, and nobody was on {before}."
    if churn["places"]:
        yield _harm_since(churn, unit)


def _harm_since(churn: Row, unit: str) -> str:
    now, more, share = in_unit(churn["harm_days"], unit), churn["harm_days_more"], churn["share_more"]
    listed = f"The harm of the {'one person' if churn['places'] == 1 else _people(churn['places'])} listed"
    if not more:
        return f"{listed} is the same as then: {now}."
    ways = "risen" if more > 0 else "fallen"
    of_then = f" ({_signless(share)})" if share is not None else ""
    return f"{listed} has {ways} by {in_unit(abs(more), unit)}{of_then} to {now}."


def _signless(share: float) -> str:
    """A change as a percentage with a decimal, for changes are small."""
    return f"{100 * abs(share):.1f} %" if abs(share) >= 0.0005 else "less than 0.1 %"


def _figures(facts: Facts) -> Iterator[Figure]:
    whole, churn, unit = facts.whole, facts.churn, facts.build["harm_unit"]
    yield Figure("On the list", f"{whole['places']:,}", f"of {whole['ranked_offenders']:,} ranked")
    if churn:
        then = day(churn["previous_list_date"])
        yield Figure("New", f"{churn['entered']:,}", f"since {then}")
        yield Figure("Left", f"{churn['people_left']:,}", f"since {then}")
    change = ""
    if churn and churn["harm_days_more"]:
        change = f"{'up' if churn['harm_days_more'] > 0 else 'down'} {days(abs(churn['harm_days_more']))}"
    yield Figure("Harm of the list", in_unit(whole["harm_days"], unit), change)
    shares = split(whole)
    if shares:
        named, charged, convicted = shares
        yield Figure("Charged or convicted", f"{charged + convicted} %", f"of the harm; {named} % named or arrested")
        yield Figure("In custody", f"{whole['in_custody']:,}", f"of {whole['places']:,} on the list date")


def _findings(facts: Facts) -> Iterator[Finding]:
    if facts.churn:
        yield from _moves(facts)
    if facts.places:
        yield Finding("How far cases have got", _status(facts.whole))
        yield Finding("The line", _line(facts))
        yield Finding("How firm the places are", _in_redraws(facts.whole))
        yield from _next_list(facts)
    warnings = len(facts.manifest["warnings"])
    said = f"The checks of this build gave {plural(warnings, 'warning') if warnings else 'no warning'}"
    rows = facts.files["rows_open"]
    waiting = (
        f"{plural(rows, 'row')} of the extracts {'is' if rows == 1 else 'are'}" if rows else "no row of the extracts is"
    )
    yield Finding("Data", f"{said}, and {waiting} waiting in quarantine.")


def _moves(facts: Facts) -> Iterator[Finding]:
    unit = facts.build["harm_unit"]
    for movement, about in (("entered", "Why new"), ("left", "Why gone")):
        reasons = [row for row in facts.reasons if row["movement"] == movement]
        if reasons:
            counted = [f"{reason_of(row)} ({row['people']:,})" for row in reasons]
            yield Finding(about, _sentence(f"{', '.join(counted)}."))
    if facts.entered:
        first = facts.entered[0]
        yield Finding(
            "Highest new place",
            f"Number {first['harm_rank']}, {first['offender_key']}, with {in_unit(first['harm_days'], unit)} "
            f"({stood(first)}).",
        )
    again = facts.stayed_reported
    if again:
        have = f"{len(again):,} {'has' if len(again) == 1 else 'have'} a new allegation: {_places(again)}"
        yield Finding("Reported again", f"Of those who stayed, {have}.")
    elif facts.churn and facts.churn["stayed"]:
        yield Finding("Reported again", "Nobody who stayed has a new allegation.")


def _places(rows: list[Row]) -> str:
    """`place 5`, `places 5, 7 and 9`, and how many more there are."""
    ranks = [f"{row['harm_rank']:,}" for row in rows]
    if len(ranks) == 1:
        return f"place {ranks[0]}"
    if len(ranks) > PLACES_NAMED:
        return f"places {', '.join(ranks[:PLACES_NAMED])} and {len(ranks) - PLACES_NAMED:,} more"
    return f"places {', '.join(ranks[:-1])} and {ranks[-1]}"


def _status(whole: Row) -> str:
    shares = split(whole)
    if shares is None:
        return "There is no harm on the list."
    named, charged, convicted = shares
    closed = whole["share_closed_without_charge"]
    return (
        f"{named} % of the harm rests on being named or arrested, {charged} % on charges, {convicted} % on convictions; "
        f"{per_cent(closed) if closed else 'none of it'} on cases that were closed without a charge."
    )


def separated(place: Row, unit: str) -> str:
    """What separates a place near the line from the next, in words; nothing for the last one."""
    by, much = place["separated_by"], place["separation"]
    if by is None:
        return ""
    if by == "harm_days":
        return f"{in_unit(much, unit)} of harm"
    if by == "offender_key":
        return "the key alone, which is arbitrary"
    count = int(much)
    return {
        "female_victims": plural(count, "female victim"),
        "allegations": plural(count, "allegation"),
        "latest_reported_on": f"{plural(count, 'day')} between the latest reports",
    }.get(by, str(by))


def _line(facts: Facts) -> str:
    whole = facts.whole
    if not whole["ranked_offenders"]:
        return "Nobody can be ranked."
    if whole["ranked_offenders"] <= whole["places"]:
        return "Everybody who can be ranked is on the list: there are no more eligible people than places."
    last = next((row for row in reversed(facts.boundary) if row["is_listed"]), None)
    if last is None:
        return "The list is much shorter than the number of people ranked."
    tied = sum(row["is_tied_across_line"] for row in facts.boundary)
    said = (
        f"What separates place {last['harm_rank']:,}, the last on the list, from place {last['harm_rank'] + 1:,} is "
        f"{separated(last, facts.build['harm_unit'])}."
    )
    return f"{said} {_people(tied)} are tied across the line: who of them is listed is arbitrary." if tied else said


def _redraws(facts: Facts) -> str:
    whole = facts.whole
    return (
        f"The list was redrawn many times, chance saying how often each allegation is on record. {_in_redraws(whole)} "
        f"{NO_FORECAST}"
    )


def _in_redraws(whole: Row) -> str:
    mostly, without = whole["mostly_redrawn"], whole["listed_without_largest"]
    return _sentence(
        f"{_are(mostly, 'person', 'people')} on the list in more than half of the redraws, and "
        f"{_people(without) if without else 'nobody'} would be on it without the gravest allegation."
    )


def _next_list(facts: Facts) -> Iterator[Finding]:
    soon = facts.soon_off
    if soon:
        have = "has" if len(soon) == 1 else "have"
        yield Finding(
            "What time will do",
            f"With nothing new, {_people(len(soon))} {have} too little for a place by today's line on the list of "
            f"{day(facts.build['next_list_date'])}: {_places(soon)}.",
        )


def moved(place: Row) -> str:
    """How a place has changed since the list before: `new`, `back`, `up 7`, `down 3`, `same`."""
    if place["previous_rank"] is None:
        return "back" if place["months_on_list"] > 1 else "new"
    by = place["places_moved"] or 0
    return f"up {by:,}" if by > 0 else f"down {-by:,}" if by else "same"


def _data(facts: Facts) -> Iterator[str]:
    build, files, whole = facts.build, facts.files, facts.whole
    newest = date_of(build["newest_extract_id"])
    later = ""
    if newest and newest != build["list_date"].isoformat():
        later = " That is another day than the list date."
    yield (
        f"The list is for {day(build['list_date'])} and rests on {plural(files['extracts'], 'extract')}, the newest "
        f"{build['newest_extract_id']}.{later} It was built on {day(build['built_at'].date())}, "
        f"{plural(build['days_to_build'], 'day')} after the list date."
    )
    if build["known_at"]:
        yield f"Nothing that was sent after {day(build['known_at'])} counts: this is the list {as_known(build['known_at'])}."
    read, unusable, waiting = files["rows_read"], files["rows_quarantined"], files["rows_open"]
    if unusable:
        wait = "waits" if waiting == 1 else "wait"
        yield (
            f"Of {plural(read, 'row')} read in all extracts, {unusable:,} could not be used, and {waiting or 'none'} of these "
            f"{wait} in quarantine still."
        )
    else:
        yield f"All of the {plural(read, 'row')} read in all extracts could be used."
    gaps = whole["unweighted_allegations"]
    if gaps:
        yield (
            f"{plural(gaps, 'allegation')} of people listed {'has' if gaps == 1 else 'have'} no weight in the index: "
            f"{'it adds' if gaps == 1 else 'they add'} nothing, and that is a gap."
        )
    unknown = whole["unclassified_in_all"]
    if unknown:
        yield (
            f"{plural(unknown, 'allegation')} in the window {'is' if unknown == 1 else 'are'} under a code that no table knows, "
            f"{whole['unclassified_allegations'] or 'none'} of them against people listed: not counted, and that is a gap."
        )


def date_of(extract_id: str) -> str:
    """The day an extract was taken, as its id begins with it."""
    return extract_id[:10]


def _limits(facts: Facts) -> list[str]:
    caveat = facts.build["harm_index_caveat"]
    return [
        NOT_A_CONVICTION,
        "The list follows who is reported and recorded. It says nothing about harm that nobody reported.",
        *([f"{caveat}."] if caveat else []),
        "Of an offence code with several weights one counts, as the method says; a missing weight is shown as a gap.",
        f"The redraws say how far a place hangs on single allegations that happen to be on record. {NO_FORECAST}",
        "Past lists are made from what is known today; what was published otherwise is shown as a correction.",
        "Harm of recent months is detected later: that part grows as cases are decided.",
        "A person decides what is done, with the record at hand: the list is no evidence, no finding of guilt and no reason to "
        "treat anybody otherwise by itself.",
    ]


def _charts(facts: Facts) -> dict[str, Chart]:
    """The charts that there is something to draw for, by name."""
    # Otherwise it tells whoever waits that it looks for fonts, or that it keeps what it finds elsewhere.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # Half a second that no other command should wait for.
    from harmrank.reading.briefing import charts as draw

    half, wide, high = (4.3, 2.45), (8.6, 2.6), (8.6, 3.9)
    offenders = [row for row in facts.concentration if row["share_of"] == "offenders"]
    redrawn = [row for row in facts.places if row["listed_in_redraws"] is not None]
    unit = _sentence(facts.build["harm_unit"])
    charts = [
        (
            "harm",
            "Harm of the list by how far it has got",
            _said_of_lists,
            draw.harm_by_status(facts.lists, unit),
            half,
        ),
        ("churn", "Who came and went", _said_of_churn, draw.comings_and_goings(facts.lists), half),
        ("concentration", "How few make how much", _said_of_few, draw.concentration(offenders), half),
        ("months", "Harm of all recorded crime", _said_of_months, draw.months(facts.months), high),
        ("redraws", "How firm the places are", _said_of_redraws, draw.redraws(redrawn), wide),
    ]
    return {
        name: Chart(title, said, draw.picture(name, title, said, drawing, size))
        for name, title, say, drawing, size in charts
        if (said := say(facts))
    }


def _said_of_lists(facts: Facts) -> str:
    if not facts.lists:
        return ""
    first, last = facts.lists[0], facts.lists[-1]
    said = f"{day(last['list_date'])}: {_by_status(last)}."
    if first is not last:
        said += f" {day(first['list_date'])}: {_by_status(first)}."
    if any(row["is_window_filling"] for row in facts.lists):
        said += " The window of the first lists is not yet full of reports, so that they rise by themselves."
    return said


def _by_status(row: Row) -> str:
    shares = split(row)
    if shares is None:
        return "no harm"
    return "{} % named or arrested, {} % charged, {} % convicted".format(*shares)


def _said_of_churn(facts: Facts) -> str:
    entered = [row["entered"] for row in facts.lists if row["entered"] is not None]
    if not facts.churn or not entered:
        return ""
    this = f"{facts.churn['entered'] or 'nobody'} new and {facts.churn['people_left'] or 'nobody'} gone this time"
    few, many = min(entered), max(entered)
    if few == many:
        return _sentence(f"{this}.")
    return _sentence(f"{this}; between {few:,} and {many:,} new on each of the {plural(len(entered), 'list')} shown.")


def _said_of_few(facts: Facts) -> str:
    if not facts.whole["harm_days"]:
        return ""
    shares = {(row["share_of"], row["per_cent"]): row for row in facts.concentration}
    said = []
    first, most = shares.get(("offenders", 1)), shares.get(("harm", 80))
    if first:
        makes = "makes" if first["offenders"] == 1 else "make"
        said.append(
            f"the first 1 % of the people ranked ({first['offenders']:,}) {makes} {per_cent(first['share_of_harm'])} of the harm"
        )
    if most:
        makes = "makes" if most["offenders"] == 1 else "make"
        said.append(
            f"{_people(most['offenders'])}, {_one_decimal(most['share_of_offenders'])} of them, {makes} 80 % of it"
        )
    return _sentence(f"{'; '.join(said)}.") if said else ""


def _one_decimal(share: float) -> str:
    return per_cent(share) if share in (0, 1) else f"{100 * share:.1f} %"


def _said_of_months(facts: Facts) -> str:
    if not facts.months:
        return ""
    last = facts.months[-1]
    unit = facts.build["harm_unit"]
    said = (
        f"The crimes that the public reported in {last['month']:%B %Y}, and that happened that year, have harm of "
        f"{in_unit(last['harm_days'], unit)}"
    )
    said += (
        f", {_one_decimal(last['detected_share'])} of it detected so far" if last["detected_share"] is not None else ""
    )
    before = last["month"].replace(year=last["month"].year - 1)
    then = next((row for row in facts.months if row["month"] == before), None)
    said += f"; a year before it was {days(then['harm_days'])}." if then else "."
    if last["is_partial"]:
        said += f" {last['month']:%B} is not over on the list date (hatched)."
    return f"{said} Each series has a scale of its own: they are never added up."


def _said_of_redraws(facts: Facts) -> str:
    places = [row for row in facts.places if row["listed_in_redraws"] is not None]
    if not places:
        return ""
    first, last = places[0], places[-1]
    said = f"Number {first['harm_rank']:,} is on the list in {per_cent(first['listed_in_redraws'])} of the redraws"
    if first is not last:
        said += f", number {last['harm_rank']:,} in {per_cent(last['listed_in_redraws'])}"
    return f"{said}. The share of each place stands in the list above."
