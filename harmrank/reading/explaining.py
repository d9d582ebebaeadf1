"""What a score rests on, told in sentences that can be read aloud: for a terminal and for a page. No figure is made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from harmrank.reading.published_mart import Explanation, Row
from harmrank.text.wording import as_known, day, days, in_unit, per_cent, plural, share_of

NOT_A_CONVICTION = "These are allegations; an allegation is not a conviction."
NO_FORECAST = "This is no forecast of what anybody will do."


@dataclass(frozen=True)
class Allegation:
    """One counted allegation: what it is and weighs, what is on record, why it weighs that and until when."""

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
    """Everything that is told of one person, in the order it is told."""

    offender_key: str
    place: str
    allegations: list[Allegation]
    total: str
    notes: list[str]
    sections: list[Section]
    footer: list[str]


def _harm(value: float | None, explanation: Explanation) -> str:
    """Harm with its unit, that of the index."""
    return in_unit(value, explanation.build["harm_unit"])


def sheet(explanation: Explanation) -> Sheet:
    """The explanation of one person's score in words."""
    offender, build = explanation.offender, explanation.build
    sections = [
        Section("How far the place hangs on single allegations", list(_certainty(explanation))),
        Section(_since(explanation), list(_movement(explanation))),
        Section("What published lists said otherwise", list(_corrections(explanation))),
        Section("By other rules", list(_other_rules(explanation))),
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
    tie = ", a place that only the key separates from a neighbour" if offender["is_tied"] else ""
    on_the_day = ", ".join(filter(None, [day(offender["list_date"]), known]))
    place = (
        f"Number {offender['harm_rank']:,} on the list of {on_the_day}{tie}"
        if offender["is_listed"]
        else f"Not on the list of {on_the_day}: place {offender['harm_rank']:,}{tie}"
    )
    sentence = (
        f"{place}, with harm of {_harm(offender['harm_days'], explanation)} from "
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
    return f"{sentence} {before.capitalize()}; {plural(listing['months_on_list'], 'list')} so far, this one included.{custody}"


def _heading(allegation: Row, explanation: Explanation) -> str:
    return (
        f"{_harm(allegation['harm_days'], explanation)}: "
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
        ways.append("There are fewer eligible people than places, so that nobody takes this one.")
    else:
        ways.append(
            f"The first person below the list has {_harm(offender['harm_days'] - above, explanation)}: losing more than "
            f"{_harm(above, explanation)} is enough."
        )
    for row in explanation.evidence:
        if row["is_decisive"]:
            ways.append(
                f"Crime {row['crime_ref']} alone decides: cancelled, or the person eliminated or acquitted of it, "
                "the place goes."
            )
    ways.extend(_by_time(explanation))
    return ways


def _by_time(explanation: Explanation) -> Iterator[str]:
    in_order = sorted(explanation.evidence, key=lambda row: row["counts_until"])
    last: date = in_order[-1]["counts_until"]
    gone = next((row for row in in_order if row["is_off_when_gone"]), None)
    if gone is None or gone["counts_until"] == last:
        yield "Time alone does not take the place, by today's line, before every allegation has left the window."
    else:
        yield (
            f"With nothing new, {_harm(gone['harm_days_left'], explanation)} are left after {day(gone['counts_until'])}: not "
            "enough for a place by today's line."
        )
    yield f"With nothing new, the last allegation stops counting after {day(last)}."


def _certainty(explanation: Explanation) -> Iterator[str]:
    found, offender = explanation.certainty, explanation.offender
    if found is None:
        yield "Too far below the list for any allegation on record to matter by itself."
        return
    yield (
        "Where chance says how often each allegation is on record, the person is on the list in "
        f"{per_cent(found['listed_in_redraws'])} of the redraws, and between place {found['redrawn_rank_low']:,} and "
        f"{found['redrawn_rank_high']:,} in nine of ten. {NO_FORECAST}"
    )
    share = found["largest_allegation_share"]
    if share is not None and offender["allegations"] > 1:
        rest = "still be on the list" if found["is_listed_without_largest"] else "not be on the list"
        what = f"; without it the person would {rest}" if offender["is_listed"] else ""
        yield f"The gravest allegation alone is {per_cent(share)} of the harm{what}."


def _since(explanation: Explanation) -> str:
    movement = explanation.movement
    return f"Since the list of {day(movement['previous_list_date'])}" if movement else ""


# Why somebody entered, left or stands otherwise, as `list_movements` names it.
REASONS = {
    "new_allegation": "a new allegation",
    "others_left": "others left the list",
    "came_of_age": "the person came of age",
    "released": "the person was released",
    "died": "the person died",
    "in_custody": "the person is in custody",
    "overtaken": "others went by",
    "cancelled": "a crime was cancelled",
    "window_passed": "an allegation left the window",
    "unchanged": "nothing of the person's own has changed",
    "other": "why cannot be told",
}
CHANGES = {
    "reported": ("was reported since", "were reported since", "more"),
    "admitted": ("reported before counts now", "reported before count now", "more"),
    "passed": ("has left the window", "have left the window", "less"),
    "cancelled": ("was cancelled", "were cancelled", "less"),
    "excluded": ("does not count against this person any more", "do not count against this person any more", "less"),
}


def _movement(explanation: Explanation) -> Iterator[str]:
    movement = explanation.movement
    if movement is not None:
        reason = reason_of(movement)
        then = stood(movement)
        yield {
            "entered": f"New on the list ({then}): {reason}.",
            "left": f"Left the list ({then}): {reason}.",
            "stayed": f"Stayed on the list, {then}, {movement['harm_rank']} now: {reason}.",
        }[movement["movement"]]
        yield from changes(movement, explanation.build["harm_unit"])


def stood(movement: Row) -> str:
    """Where somebody stood on the date of the list before."""
    before = movement["harm_rank_before"]
    return "nothing counted then" if before is None else f"place {before:,} then"


def reason_of(movement: Row) -> str:
    """Why somebody entered, left or stands otherwise, in words without a full stop."""
    return REASONS.get(movement["reason"], str(movement["reason"]))


def changes(movement: Row, unit: str) -> Iterator[str]:
    """What a movement rests on: the allegations that came and went, with their harm in the unit of the index."""
    for kind, (one, many, more) in CHANGES.items():
        count = movement[f"allegations_{kind}"]
        if count:
            harm = in_unit(movement[f"harm_days_{kind}"], unit)
            yield f"{plural(count, 'allegation')} {one if count == 1 else many}: {harm} {more}."


# Why a published list is another as known now, as `list_corrections` names it.
CORRECTIONS = {
    "merged": "records were merged",
    "cancelled": "a crime was cancelled",
    "status_change": "the status of an allegation has changed",
    "deleted": "a record was deleted",
    "late_report": "a report came late",
    "rule": "the rules are others",
    "others_changed": "nothing of the person's own has changed, others have",
    "changed_record": "something about the person or the crimes has changed",
    "other": "why cannot be told",
}


def _corrections(explanation: Explanation) -> Iterator[str]:
    known = as_known(explanation.build["known_at"]) or "as known now"
    for row in explanation.corrections:
        was, now = ("was not on it", "is") if row["correction"] == "added" else ("was on it", "is not")
        yield (
            f"When the list of {day(row['list_date'])} was published, the person {was}; {known}, the person {now}: "
            f"{correction_of(row)}."
        )


def correction_of(correction: Row) -> str:
    """Why a published list is another as known now, in words without a full stop."""
    return CORRECTIONS.get(correction["reason"], str(correction["reason"]))


def _other_rules(explanation: Explanation) -> Iterator[str]:
    by = [
        f"{_method(row)} (place {row['method_rank']})" for row in explanation.methods if row["method_rank"] is not None
    ]
    others = [_method(row) for row in explanation.methods if row["method_rank"] is None]
    count = plural(len(explanation.methods), "method")
    yield f"On the list by {len(by)} of {count}: {', '.join(by)}." if by else f"On the list by none of {count}."
    if by and others:
        yield f"Not on it by {', '.join(others)}."
    for is_entering, sentence in ((True, "Would be on the list"), (False, "Would not be on the list")):
        titles = [
            row["title"][0].lower() + row["title"][1:]
            for row in explanation.turned_rules
            if row["is_entering"] is is_entering
        ]
        if titles:
            yield f"{sentence} were one rule turned: {'; '.join(titles)}."


def _method(row: Row) -> str:
    return f"{row['method']} (illustrative)" if row["is_illustrative"] else str(row["method"])
