"""Explains one person's score in sentences, for the terminal and for a page. Computes no figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from harmrank.publishing.current_build import NAMES_ARE_CLOSED
from harmrank.reading.published_mart import Explanation, Row
from harmrank.text.wording import as_known, day, days, in_unit, per_cent, plural, share_of

NOT_A_CONVICTION = "These are allegations; an allegation is not a conviction."
NO_FORECAST = "This is not a forecast of what anybody will do."


@dataclass(frozen=True)
class Allegation:
    """One counted allegation: its offence and harm, what is on record, and why it weighs that and until when it counts."""

    heading: str
    facts: str
    weight: str


@dataclass(frozen=True)
class Section:
    """Sentences under a heading."""

    heading: str
    lines: list[str]


@dataclass(frozen=True)
class Sheet:
    """The whole explanation of one person's score, in the order of the page."""

    offender_key: str
    place: str
    allegations: list[Allegation]
    total: str
    notes: list[str]
    sections: list[Section]
    footer: list[str]


def _harm(value: float | None, explanation: Explanation) -> str:
    """Harm with the unit of the index."""
    return in_unit(value, explanation.build["harm_unit"])


def sheet(explanation: Explanation) -> Sheet:
    """Returns the explanation of one person's score in sentences."""
    offender, build = explanation.offender, explanation.build
    sections = [
        Section("How much the place depends on single allegations", list(_certainty(explanation))),
        Section(_since(explanation), list(_movement(explanation))),
        Section("Corrections of published lists", list(_corrections(explanation))),
        Section("Under other methods and rules", list(_other_rules(explanation))),
        Section("What would take this person off the list", _way_off(explanation)),
    ]
    footer = [
        f"Method {build['method']}, weights {build['harm_index']}: {build['harm_index_source']}",
        build["harm_index_caveat"],
        NOT_A_CONVICTION,
    ]
    return Sheet(
        offender_key=offender["offender_key"],
        place=_where(explanation),
        allegations=[
            Allegation(
                _heading(row, explanation),
                _facts(row),
                f"{_why(row, build['harm_index_source'])} Counts until {day(row['counts_until'])}.",
            )
            for row in explanation.evidence
        ],
        total=_sum(explanation),
        notes=[
            f"{_splits(offender)} {_closed(explanation)}".rstrip(),
            *_records(explanation),
            *_unclassified(explanation),
        ],
        sections=[section for section in sections if section.lines],
        footer=[line for line in footer if line],
    )


def _where(explanation: Explanation) -> str:
    offender = explanation.offender
    known = as_known(explanation.build["known_at"])
    tie = ", tied with a neighbour (only the key decides the order)" if offender["is_tied"] else ""
    on_the_day = ", ".join(filter(None, [day(offender["list_date"]), known]))
    place = (
        f"Number {offender['harm_rank']:,} on the list of {on_the_day}{tie}"
        if offender["is_listed"]
        else f"Not on the list of {on_the_day}: place {offender['harm_rank']:,}{tie}"
    )
    sentence = (
        f"{place}, with harm of {_harm(offender['harm_days'], explanation)} from "
        f"{plural(offender['allegations'], 'allegation')} with {plural(offender['female_victims'], 'female victim')}."
    )
    if explanation.listing is None:
        return sentence
    listing = explanation.listing
    before = (
        "not on the previous monthly list"
        if listing["previous_rank"] is None
        else f"number {listing['previous_rank']} on the previous monthly list"
    )
    custody = " In custody on that date." if listing["is_in_custody"] else ""
    lists = plural(listing["months_on_list"], "list")
    return f"{sentence} {before.capitalize()}; on {lists} so far, including this one.{custody}"


def _heading(allegation: Row, explanation: Explanation) -> str:
    return (
        f"{_harm(allegation['harm_days'], explanation)}: "
        f"{allegation['offence'] or 'offence not known'} ({allegation['offence_code']})"
    )


# How a sentence puts a status and a relationship. A word that is not here is used unchanged.
STATUSES = {"named": "named as a suspect"}
RELATIONSHIPS = {
    "partner": "a partner of the victim",
    "ex_partner": "a former partner of the victim",
    "family": "a relative of the victim",
    "acquaintance": "an acquaintance of the victim",
    "stranger": "a stranger to the victim",
    "unknown": "",
}


def _facts(allegation: Row) -> str:
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
    return " ".join(sentences)


def _when(allegation: Row) -> str:
    first, last = allegation["committed_from"], allegation["committed_to"]
    reported = f"Reported on {day(allegation['reported_on'])}"
    if not first:
        return f"{reported}."
    span = f"between {day(first)} and {day(last)}" if last and last != first else f"on {day(first)}"
    return f"{reported}, said to have happened {span}."


def _why(allegation: Row, index_source: str) -> str:
    if allegation["harm_days"] is None:
        return f"The index {allegation['harm_index']} has no weight for this offence. It adds nothing: this is a gap."
    # The footer names the source of the index. An offence with a source of its own names it here.
    source = allegation["weight_source"] or index_source
    own_source = "" if index_source.startswith(source) else f" ({source})"
    basis = allegation["weight_basis"] or "every crime weighs the same in this index"
    reason = f"Why {days(allegation['harm_days'])}: {basis}{own_source}."
    if allegation["weight_is_ambiguous"] and allegation["harm_days"] < allegation["harm_days_highest"]:
        reason += (
            f" The code also covers graver forms, up to {days(allegation['harm_days_highest'])} days. "
            "The record does not say which form it was, so the lowest weight counts."
        )
    elif allegation["weight_is_ambiguous"]:
        reason += " The code also covers lesser forms. The record does not say which form it was; this method counts the highest weight."
    return reason


def _sum(explanation: Explanation) -> str:
    parts = [days(row["harm_days"]) for row in explanation.evidence if row["harm_days"] is not None]
    total = _harm(explanation.offender["harm_days"], explanation)
    return f"{' + '.join(parts)} = {total}" if len(parts) > 1 else f"In all: {total}"


def _splits(offender: Row) -> str:
    return (
        f"Of these, {days(offender['harm_days_convicted'])} rest on convictions, {days(offender['harm_days_charged'])} on "
        f"charges, {days(offender['harm_days_named'])} on being named or arrested."
    )


def _closed(explanation: Explanation) -> str:
    offender = explanation.offender
    share = offender["share_closed_without_charge"]
    if share is None:
        return ""
    if share == 0:
        return "None of the harm rests on cases that were closed without a charge."
    return (
        f"{share_of(share)} of the harm ({_harm(offender['harm_days_closed_without_charge'], explanation)}) rests on cases that were "
        "closed without a charge."
    )


def _records(explanation: Explanation) -> list[str]:
    if explanation.records is None:
        return [f"Which records were merged into this person is not shown: {NAMES_ARE_CLOSED}."]
    if len(explanation.records) < 2:
        return []
    others = ", ".join(row["person_ref"] for row in explanation.records if not row["is_surviving_record"])
    return [f"The source system merged these records into this person: {others}."]


def _unclassified(explanation: Explanation) -> list[str]:
    return [
        f"Not counted: crime {row['crime_ref']} of {row['force']}, reported on {day(row['reported_on'])}. Its offence code "
        f"{row['offence_code']} is unknown: this is a gap."
        for row in explanation.unclassified
    ]


def _way_off(explanation: Explanation) -> list[str]:
    offender, listing = explanation.offender, explanation.listing
    if listing is None:
        return []
    above = listing["harm_days_above_line"]
    ways = []
    if above is None:
        ways.append("There are more places than eligible people, so nobody else would take this place.")
    else:
        ways.append(
            f"The first person below the list has {_harm(offender['harm_days'] - above, explanation)}. This person leaves the "
            f"list by losing more than {_harm(above, explanation)}."
        )
    for row in explanation.evidence:
        if row["is_decisive"]:
            ways.append(
                f"Crime {row['crime_ref']} alone decides: if it is cancelled, or the person is eliminated or acquitted, the "
                "person leaves the list."
            )
    ways.extend(_by_time(explanation))
    return ways


def _by_time(explanation: Explanation) -> Iterator[str]:
    in_order = sorted(explanation.evidence, key=lambda row: row["counts_until"])
    last: date = in_order[-1]["counts_until"]
    gone = next((row for row in in_order if row["is_off_when_gone"]), None)
    if gone is None or gone["counts_until"] == last:
        yield "By today's cut-off, the person stays on the list until every allegation has left the window."
    else:
        yield (
            f"With no new allegation, the harm falls to {_harm(gone['harm_days_left'], explanation)} after "
            f"{day(gone['counts_until'])}: too little by today's cut-off."
        )
    yield f"The last allegation stops counting after {day(last)}."


def _certainty(explanation: Explanation) -> Iterator[str]:
    found, offender = explanation.certainty, explanation.offender
    if found is None:
        yield "The person is too far below the list for a single allegation to decide."
        return
    yield (
        f"In random redraws of the allegations on record, the person is on the list in {per_cent(found['listed_in_redraws'])} "
        f"of the redraws, and between places {found['redrawn_rank_low']:,} and {found['redrawn_rank_high']:,} in nine of ten. "
        f"{NO_FORECAST}"
    )
    share = found["largest_allegation_share"]
    if share is not None and offender["allegations"] > 1:
        rest = "still be on the list" if found["is_listed_without_largest"] else "not be on the list"
        what = f"; without it the person would {rest}" if offender["is_listed"] else ""
        yield f"The gravest allegation alone is {per_cent(share)} of the harm{what}."


def _since(explanation: Explanation) -> str:
    movement = explanation.movement
    return f"Since the list of {day(movement['previous_list_date'])}" if movement else ""


# The reasons of `list_movements` for entering, leaving or changing place, in words.
REASONS = {
    "new_allegation": "a new allegation",
    "others_left": "others left the list",
    "came_of_age": "the person came of age",
    "released": "the person was released",
    "died": "the person died",
    "in_custody": "the person is in custody",
    "overtaken": "others overtook this person",
    "cancelled": "a crime was cancelled",
    "window_passed": "an allegation left the window",
    "unchanged": "nothing has changed for this person",
    "other": "the reason is not known",
}
CHANGES = {
    "reported": ("was reported since", "were reported since", "more"),
    "admitted": ("reported earlier counts now", "reported earlier count now", "more"),
    "passed": ("has left the window", "have left the window", "less"),
    "cancelled": ("was cancelled", "were cancelled", "less"),
    "excluded": ("no longer counts against this person", "no longer count against this person", "less"),
}


def _movement(explanation: Explanation) -> Iterator[str]:
    movement = explanation.movement
    if movement is not None:
        reason = reason_of(movement)
        then = place_before(movement)
        yield {
            "entered": f"New on the list ({then}): {reason}.",
            "left": f"Left the list ({then}): {reason}.",
            "stayed": f"Stayed on the list ({then}, {movement['harm_rank']} now): {reason}.",
        }[movement["movement"]]
        yield from changes(movement, explanation.build["harm_unit"])


def place_before(movement: Row) -> str:
    """Returns the person's place on the date of the previous list: `place 5 then`."""
    before = movement["harm_rank_before"]
    return "nothing counted then" if before is None else f"place {before:,} then"


def reason_of(movement: Row) -> str:
    """Returns why somebody entered, left or changed place, without a full stop."""
    return REASONS.get(movement["reason"], str(movement["reason"]))


def changes(movement: Row, unit: str) -> Iterator[str]:
    """Yields a sentence for each kind of change behind a movement: how many allegations, and their harm in `unit`."""
    for kind, (one, many, more) in CHANGES.items():
        count = movement[f"allegations_{kind}"]
        if count:
            harm = in_unit(movement[f"harm_days_{kind}"], unit)
            yield f"{plural(count, 'allegation')} {one if count == 1 else many}: {harm} {more}."


# The reasons of `list_corrections` for a difference between a published list and the same list as known now, in words.
CORRECTIONS = {
    "merged": "records were merged",
    "cancelled": "a crime was cancelled",
    "status_change": "the status of an allegation has changed",
    "deleted": "a record was deleted",
    "late_report": "a report arrived late",
    "rule": "the rules have changed",
    "others_changed": "other people's records have changed, not this person's",
    "changed_record": "the record of the person or of a crime has changed",
    "other": "the reason is not known",
}


def _corrections(explanation: Explanation) -> Iterator[str]:
    known = as_known(explanation.build["known_at"]) or "as known now"
    for row in explanation.corrections:
        then, now = ("without", "is") if row["correction"] == "added" else ("with", "is not")
        yield (
            f"The list of {day(row['list_date'])} was published {then} this person; {known}, the person {now} on it: "
            f"{correction_of(row)}."
        )


def correction_of(correction: Row) -> str:
    """Returns why a published list differs from the same list as known now, without a full stop."""
    return CORRECTIONS.get(correction["reason"], str(correction["reason"]))


def _other_rules(explanation: Explanation) -> Iterator[str]:
    by = [
        f"{_method(row)} (place {row['method_rank']})" for row in explanation.methods if row["method_rank"] is not None
    ]
    others = [_method(row) for row in explanation.methods if row["method_rank"] is None]
    count = plural(len(explanation.methods), "method")
    yield f"On the list under {len(by)} of {count}: {', '.join(by)}." if by else f"On the list under none of {count}."
    if by and others:
        yield f"Not on the list under {', '.join(others)}."
    for is_entering, effect in ((True, "put this person on the list"), (False, "take this person off the list")):
        titles = [f'"{row["title"]}"' for row in explanation.turned_rules if row["is_entering"] is is_entering]
        if titles:
            yield f"A single changed rule would {effect}: {', or '.join(titles)}."


def _method(row: Row) -> str:
    return f"{row['method']} (illustrative)" if row["is_illustrative"] else str(row["method"])
