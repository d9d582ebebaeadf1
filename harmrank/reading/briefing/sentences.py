"""The sentences of the briefing, in the words of `explain`. Computes no figure: facts.py reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harmrank.reading.briefing.facts import Facts
from harmrank.reading.explaining import NO_FORECAST, NOT_A_CONVICTION, place_before, reason_of
from harmrank.reading.published_mart import Row
from harmrank.text.wording import as_known, day, days, in_unit, plural, share_of, split

PLACES_NAMED = 25
"""How many places a sentence lists."""
NO_EARLIER_LIST = "There is no earlier monthly list in the data to compare it with."
# What decides between people with the same harm, as macros/ranking.sql has it.
TIE_BREAKERS = {
    "female_victims": "more female victims",
    "allegations": "more allegations",
    "latest_reported_on": "the more recent latest report",
}


@dataclass(frozen=True)
class Finding:
    """One thing that the meeting should know: its subject, and a sentence or two."""

    about: str
    said: str


@dataclass(frozen=True)
class Figure:
    """A figure for the head of the paper: its name, its value, and what to compare it with."""

    name: str
    value: str
    beside: str = ""


def _are(count: int, one: str, many: str) -> str:
    """`1 person is`, `4 people are`, `nobody is`."""
    return f"{plural(count, one, many)} {'is' if count == 1 else 'are'}" if count else "nobody is"


def _have(count: int) -> str:
    return f"{count:,} {'has' if count == 1 else 'have'}" if count else "nobody has"


def capitalised(text: str) -> str:
    """Returns the text with its first letter as a capital."""
    return text[0].upper() + text[1:]


def people(count: int) -> str:
    """Returns `1 person`, `4 people`."""
    return plural(count, "person", "people")


def lead(facts: Facts) -> Iterator[str]:
    """Yields the sentences at the head: who entered and left, and how the harm of the list changed."""
    build, whole, churn = facts.build, facts.whole, facts.churn
    unit, today = build["harm_unit"], day(build["list_date"])
    if churn is None:
        yield capitalised(f"{_are(whole['places'], 'person', 'people')} on the list of {today}. {NO_EARLIER_LIST}")
        if whole["places"]:
            yield f"Their harm is {in_unit(whole['harm_days'], unit)}."
        return
    before = f"the monthly list of {day(churn['previous_list_date'])}"
    if churn["people_left"] and not churn["places"]:
        yield f"Nobody is on the list of {today}: {_have(churn['people_left'])} left since {before}."
    elif churn["entered"] or churn["people_left"]:
        stayed = f"{churn['stayed']:,}" if churn["stayed"] else "nobody"
        yield capitalised(
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
    listed = f"The harm of the {'one person' if churn['places'] == 1 else people(churn['places'])} listed"
    if not more:
        return f"{listed} is the same as then: {now}."
    ways = "risen" if more > 0 else "fallen"
    of_then = f" ({_signless(share)})" if share is not None else ""
    return f"{listed} has {ways} by {in_unit(abs(more), unit)}{of_then} to {now}."


def _signless(share: float) -> str:
    """A change as a percentage with a decimal, for changes are small."""
    return f"{100 * abs(share):.1f} %" if abs(share) >= 0.0005 else "less than 0.1 %"


def figures(facts: Facts) -> Iterator[Figure]:
    """Yields the figures at the head."""
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


def findings(facts: Facts) -> Iterator[Finding]:
    """Yields what the meeting should know, in the order of the page."""
    if facts.churn:
        yield from _moves(facts)
    if facts.places:
        yield Finding("How far cases have got", _status(facts.whole))
        yield Finding("The cut-off", cut_off(facts))
        yield Finding("How firm the places are", _in_redraws(facts.whole))
        yield from _next_list(facts)
    warnings = len(facts.manifest["warnings"])
    said = f"The checks of this build raised {plural(warnings, 'warning') if warnings else 'no warning'}"
    rows = facts.files["rows_open"]
    waiting = (
        f"{plural(rows, 'row')} of the extracts {'is' if rows == 1 else 'are'}" if rows else "no row of the extracts is"
    )
    silent = "".join(f" {capitalised(sentence)}." for sentence in facts.manifest.get("silent", []))
    yield Finding("Data", f"{said}, and {waiting} waiting in quarantine.{silent}")


def _moves(facts: Facts) -> Iterator[Finding]:
    unit = facts.build["harm_unit"]
    for movement, about in (("entered", "Why people are new"), ("left", "Why people left")):
        reasons = [row for row in facts.reasons if row["movement"] == movement]
        if reasons:
            counted = [f"{reason_of(row)} ({row['people']:,})" for row in reasons]
            yield Finding(about, capitalised(f"{', '.join(counted)}."))
    if facts.entered:
        first = facts.entered[0]
        yield Finding(
            "Highest new place",
            f"Number {first['harm_rank']}, {first['offender_key']}, with {in_unit(first['harm_days'], unit)} "
            f"({place_before(first)}).",
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
        f"{named} % of the harm rests on being named or arrested, {charged} % on charges, {convicted} % on convictions. "
        f"{share_of(closed) if closed else 'None of it'} rests on cases closed without a charge."
    )


def ahead_by(place: Row, unit: str) -> str:
    """Returns by what a place near the cut-off is ahead of the next, in words; empty for the last one."""
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
        "latest_reported_on": f"{plural(count, 'day')} in the date of the latest report",
    }.get(by, str(by))


def order() -> str:
    """Returns how people are ranked."""
    return (
        "The person with the most harm is first. Between people with the same harm, the order is decided by "
        f"{', then by '.join(TIE_BREAKERS.values())}. Where these are the same too, only the key decides, which is arbitrary."
    )


def cut_off(facts: Facts) -> str:
    """Returns what separates the last place on the list from the next, and who is tied across it."""
    whole = facts.whole
    if not whole["ranked_offenders"]:
        return "Nobody can be ranked."
    if whole["ranked_offenders"] <= whole["places"]:
        return "Everybody who can be ranked is on the list: there are places for all."
    last = next((row for row in reversed(facts.boundary) if row["is_listed"]), None)
    if last is None:
        return "Nobody who is ranked is on the list."
    tied = sum(row["is_tied_across_line"] for row in facts.boundary)
    said = (
        f"Place {last['harm_rank']:,}, the last on the list, is ahead of place {last['harm_rank'] + 1:,} by "
        f"{ahead_by(last, facts.build['harm_unit'])}."
    )
    return (
        f"{said} {people(tied)} are tied across the cut-off: which of them are listed is arbitrary." if tied else said
    )


def redraws(facts: Facts) -> str:
    """Returns how firm the places are, by the redraws of the whole list."""
    return f"{_in_redraws(facts.whole)} {NO_FORECAST}"


def _in_redraws(whole: Row) -> str:
    mostly, without = whole["mostly_redrawn"], whole["listed_without_largest"]
    return (
        f"In random redraws of the allegations on record, {_are(mostly, 'person', 'people')} on the list more than half of the "
        f"time. Without their gravest allegation, {people(without) if without else 'nobody'} would still be on it."
    )


def _next_list(facts: Facts) -> Iterator[Finding]:
    soon = facts.soon_off
    if soon:
        have = "has" if len(soon) == 1 else "have"
        yield Finding(
            "Next list",
            f"With no new allegation, {people(len(soon))} {have} too little by today's cut-off for the list of "
            f"{day(facts.build['next_list_date'])}: {_places(soon)}.",
        )


def moved(place: Row) -> str:
    """Returns how a place has changed since the previous list: `new`, `back`, `up 7`, `down 3`, `same`."""
    if place["previous_rank"] is None:
        return "back" if place["months_on_list"] > 1 else "new"
    by = place["places_moved"] or 0
    return f"up {by:,}" if by > 0 else f"down {-by:,}" if by else "same"


def data(facts: Facts) -> Iterator[str]:
    """Yields the sentences on the data: extracts, quarantine, gaps."""
    build, files, whole = facts.build, facts.files, facts.whole
    newest, list_date = build["newest_extract_id"][:10], build["list_date"].isoformat()
    later = ""
    if newest < list_date:
        later = " Of the days after it, up to the list date, nothing is known."
    elif newest > list_date:
        later = " What was sent after the list date counts, too."
    apart = build["days_to_build"]
    when = f"{plural(abs(apart), 'day')} {'after' if apart > 0 else 'before'}" if apart else "on"
    yield (
        f"The list is for {day(build['list_date'])} and rests on {plural(files['extracts'], 'extract')}; the newest is "
        f"{build['newest_extract_id']}.{later} It was built on {day(build['built_at'].date())}, {when} the list date."
    )
    if build["known_at"]:
        yield f"Nothing that was sent after {day(build['known_at'])} counts: this is the list {as_known(build['known_at'])}."
    if facts.taken_back:
        yield (
            f"This is not the newest list: the one for {day(facts.taken_back.list_date)} (build {facts.taken_back.build_id}) was "
            "published later and taken back. Nothing that was sent after this list was built is in it."
        )
    read, unusable, waiting = files["rows_read"], files["rows_quarantined"], files["rows_open"]
    if unusable:
        still = f"{waiting or 'none'} of these {'is' if waiting == 1 else 'are'} still in quarantine"
        yield f"Of {plural(read, 'row')} read from all extracts, {unusable:,} could not be used; {still}."
    else:
        yield f"All {plural(read, 'row')} read from all extracts could be used."
    gaps = whole["unweighted_allegations"]
    if gaps:
        yield (
            f"{plural(gaps, 'allegation')} against listed people {'has' if gaps == 1 else 'have'} no weight in the index and "
            f"{'adds' if gaps == 1 else 'add'} nothing: this is a gap."
        )
    unknown = whole["unclassified_in_all"]
    if unknown:
        yield (
            f"{plural(unknown, 'allegation')} in the window {'has' if unknown == 1 else 'have'} an unknown offence code, "
            f"{whole['unclassified_allegations'] or 'none'} of them against listed people. Allegations with an unknown code do not "
            "count: this is a gap."
        )


def as_of(facts: Facts) -> str:
    """Returns what a list rests on, after `what`: what is known now, or what was known on the day of a past list."""
    built_on = facts.build["built_at"].date() if facts.taken_back else None
    known_at = facts.build["known_at"] or built_on
    return f"was known on {day(known_at)}" if known_at else "is known now"


def limits(facts: Facts) -> list[str]:
    """Returns the limits that every reader must keep in mind."""
    caveat = facts.build["harm_index_caveat"]
    return [
        NOT_A_CONVICTION,
        "The list shows what was reported and recorded. It says nothing about harm that nobody reported.",
        *([f"{caveat}."] if caveat else []),
        "Where an offence code has several weights, the method decides which one counts. A missing weight is shown as a gap.",
        f"The redraws show how much a place depends on single allegations on record. {NO_FORECAST}",
        f"Earlier lists, too, use what {as_of(facts)}. Differences from what was published are shown as corrections.",
        "The detected share of recent months will grow as cases are decided.",
        "A person decides what is done, after reading the record. The list alone is not evidence, not a finding of guilt and "
        "not a reason to treat anybody differently.",
    ]
