"""Draws careers: what one man is accused of doing to women and girls, over some weeks or months.

The careers that begin in a month are drawn together; their allegations arrive in that month and later ones. No past month
is kept: the number of a career says when it began.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from harmrank.sample import defects, offences
from harmrank.sample.calendar import month_at
from harmrank.sample.columns import MISSING, Column, Columns, Floats, Mask, chance, full, pick, shares, stream
from harmrank.sample.offences import NOBODY, Space

SERIAL_SHARE = 0.00325
KILLING_SHARE = 0.0004
SERIOUS_SHARE = 0.066
GIRLS_SHARE = 0.17
COMES_BACK = 0.05  # men with an earlier career in the feed
MONTHS_BEFORE = 12  # careers that began earlier have ended when the feed begins
LONGEST_DAYS = 340
MOST_VICTIMS = 4
_STREAM = 1

_MINOR_ALLEGATIONS = shares([0.80, 0.13, 0.04, 0.018, 0.008, 0.004])
_SERIAL_MAIN = shares([0.0, 0.68, 0.23, 0.07, 0.02])
_SERIAL_MAIN_GIRLS = shares([0.0, 0.82, 0.15, 0.03])
_SERIAL_LESSER = shares([0.09, 0.18, 0.26, 0.21, 0.15, 0.11])
_SERIAL_VICTIMS = shares([0.32, 0.35, 0.22, 0.11])
_OTHER_VICTIMS = shares([0.90, 0.08, 0.02])
_GRAVE_INSTEAD_OF_RAPE = 0.27


class Kind(IntEnum):
    """How grave a career is."""

    MINOR = 0
    SERIOUS = 1
    SERIAL = 2
    KILLING = 3


@dataclass(frozen=True)
class Shape:
    """How many careers begin for each crime of the feed; the share of allegations in minor careers with a
    second suspect; the share of all allegations with a witness."""

    careers_per_crime: float
    second_suspects: float
    witnesses: float


# Usual: drawn to the published shape. Dense: about three times as many ranked people a crime, and more people in their
# crimes, as in a feed without most of other crime.
SHAPES = {"usual": Shape(0.0405, 0.012, 0.0), "dense": Shape(0.13, 0.25, 0.25)}


@dataclass(frozen=True)
class Plan:
    """How many careers begin each month; this depends only on the crimes of the month and the shape."""

    months: int
    firsts: tuple[int, ...]
    shape: Shape

    def numbers(self, month: int) -> Column:
        """Returns the numbers of the careers that begin in a month (from -MONTHS_BEFORE on)."""
        place = month + MONTHS_BEFORE
        return np.arange(self.firsts[place], self.firsts[place + 1], dtype=np.int64)


def plan(crimes_by_month: list[int], shape: Shape) -> Plan:
    """Returns the plan for a feed. Every month before the feed is like its first month."""
    sizes = [crimes_by_month[0]] * MONTHS_BEFORE + crimes_by_month
    ends = np.floor(np.cumsum(np.array(sizes)) * shape.careers_per_crime + 0.5).astype(int)
    return Plan(len(crimes_by_month), (0, *(int(end) for end in ends)), shape)


def beginning(seed: int, plan_: Plan, index: int) -> Columns:
    """Returns the allegations of all careers that begin in a month, as drafts with the month in which each arrives.

    Columns: see `crimes.DRAFT`, and `arrives` (index of a month), `merge_to` (the person whom the record of this
    suspect is merged into) or MISSING.
    """
    rng = stream(seed, index, _STREAM)
    month = month_at(index, plan_.months)
    men = plan_.numbers(index)
    kind = _kinds(men)
    girls = (kind > Kind.MINOR) & (kind < Kind.KILLING) & chance(rng, len(men), GIRLS_SHARE)
    main, lesser = _sizes(rng, kind, girls)
    victims = _victims(rng, kind)
    person = _persons(rng, plan_, index, men, kind)
    start = month.draw_days(rng, len(men))
    who = np.repeat(np.arange(len(men)), main + lesser)
    n = len(who)
    place = np.arange(n) - np.repeat(np.cumsum(main + lesser) - main - lesser, main + lesser)
    grave = chance(rng, len(men), _GRAVE_INSTEAD_OF_RAPE)
    offence = _offences(rng, kind[who], girls[who], grave[who], place < main[who])
    reported = start[who] + _offsets(rng, kind[who], place)
    suspect, merge_to = _records(rng, person, who, place)
    relationship = _relationships(rng, offence)
    drafts = {
        "reported": reported,
        "offence": offence,
        "victim": _victim_ids(rng, men, victims, girls, who, place),
        "suspect": suspect,
        "second_suspect": _second_suspects(rng, person, kind, who, plan_.shape.second_suspects),
        "status": pick(STATUS_SHARES, rng.random(n)) + MISSING,
        "relationship": relationship,
        "domestic": np.asarray((relationship <= 2).astype(np.int64)),
        "reported_by": pick(REPORTED_BY_SHARES, rng.random(n)) + MISSING,
        "delay": _delays(rng, offence),
        "grave": np.asarray((kind[who] > Kind.MINOR).astype(np.int64)),
        "merge_to": merge_to,
    }
    arrives = _arrivals(rng, plan_, index, reported)
    # Drawn last: the draws before are those of a shape without witnesses. One witness sees all that a man does.
    seen = chance(rng, n, plan_.shape.witnesses)
    witness = np.where(seen, person_number(men[who], Space.CAREER_WITNESS), NOBODY)
    return drafts | {"arrives": arrives, "witness": witness}


# Blank, named, arrested, charged, convicted, acquitted, eliminated.
STATUS_SHARES = shares([0.10, 0.47, 0.25, 0.12, 0.015, 0.01, 0.035])
# Blank, victim, witness, third party, police, company.
REPORTED_BY_SHARES = shares([0.03, 0.72, 0.06, 0.16, 0.025, 0.005])


def _kinds(men: Column) -> Column:
    """Returns kinds spread evenly over the numbers, so that every year has its share of the few grave careers."""
    even = (men * 0.6180339887498949) % 1.0
    bounds = np.cumsum([KILLING_SHARE, SERIAL_SHARE, SERIOUS_SHARE])
    return np.asarray(Kind.KILLING - np.searchsorted(bounds, even, side="right").astype(np.int64))


def _sizes(rng: np.random.Generator, kind: Column, girls: Mask) -> tuple[Column, Column]:
    """Returns the numbers of grave and of lesser allegations of each career."""
    n = len(kind)
    few = pick(_MINOR_ALLEGATIONS, rng.random(n))
    u = rng.random(n)
    repeated = np.where(girls, pick(_SERIAL_MAIN_GIRLS, u), pick(_SERIAL_MAIN, u)) + 1
    many = pick(_SERIAL_LESSER, rng.random(n))
    main = np.where(kind == Kind.SERIAL, repeated, np.where(kind == Kind.MINOR, 0, 1))
    lesser = np.where(kind == Kind.SERIAL, many, np.where(kind == Kind.MINOR, few + 1, few))
    return main, np.where(kind == Kind.KILLING, few, lesser)


def _victims(rng: np.random.Generator, kind: Column) -> Column:
    u = rng.random(len(kind))
    return np.where(kind == Kind.SERIAL, pick(_SERIAL_VICTIMS, u), pick(_OTHER_VICTIMS, u)) + 1


def _persons(rng: np.random.Generator, plan_: Plan, index: int, men: Column, kind: Column) -> Column:
    """Returns the man of each career: a new one, or one whose earlier career began up to a year before."""
    comes_back = chance(rng, len(men), COMES_BACK)
    year_before = plan_.numbers(max(index - MONTHS_BEFORE, -MONTHS_BEFORE))
    earlier = _any_of(rng, plan_.numbers(max(index - 7, -MONTHS_BEFORE)), men)
    earlier_serial = _any_of(rng, year_before[_kinds(year_before) == Kind.SERIAL], men)
    again = np.where(kind == Kind.SERIAL, earlier_serial, earlier)
    return np.where(comes_back & (index > 0), again, men)


def _any_of(rng: np.random.Generator, earlier: Column, men: Column) -> Column:
    """Returns one of the earlier men for each place; without earlier men, the man himself."""
    place = rng.random(len(men))
    return np.asarray(earlier[(place * len(earlier)).astype(np.int64)]) if len(earlier) else men


def _offences(rng: np.random.Generator, kind: Column, girls: Mask, grave: Mask, is_main: Mask) -> Column:
    n = len(kind)
    serial_mix = np.where(girls, _draw(rng, offences.RAPE_OF_GIRLS, n), _draw(rng, offences.RAPE, n))
    serial_mix = np.where(grave & ~girls, _draw(rng, offences.GRAVE, n), serial_mix)
    serious = np.where(girls, _draw(rng, offences.SERIOUS_AGAINST_GIRLS, n), _draw(rng, offences.SERIOUS, n))
    main = np.where(kind == Kind.SERIAL, serial_mix, serious)
    main = np.where(kind == Kind.KILLING, _draw(rng, offences.KILLING, n), main)
    return np.where(is_main, main, _draw(rng, offences.LESSER, n))


def _draw(rng: np.random.Generator, lines: tuple[tuple[str, str, float], ...], n: int) -> Column:
    return offences.mix(lines).draw(rng, n)


def _offsets(rng: np.random.Generator, kind: Column, place: Column) -> Column:
    """Returns days since the first report: most grave cases are reported together, minor ones over months."""
    n = len(kind)
    at_once = (kind > Kind.MINOR) & chance(rng, n, 0.72)
    spread = np.where(at_once, rng.exponential(8.0, n), rng.exponential(85.0, n))
    days = np.minimum(spread, LONGEST_DAYS).astype(np.int64)
    return np.where(place == 0, 0, days)


def _records(rng: np.random.Generator, person: Column, who: Column, place: Column) -> tuple[Column, Column]:
    """Returns the record each allegation is linked to, and the record it is later merged into."""
    twice = chance(rng, len(person), defects.DUPLICATE_PERSON)[who]
    chain = chance(rng, len(person), defects.CHAIN_OF_MERGES)[who]
    merged = ~chance(rng, len(person), defects.NEVER_MERGED)[who]
    space = np.where(twice, np.where(chain, place % 3, place % 2), Space.CAREER)
    suspect = person_number(person[who], space)
    return suspect, np.where(merged & (space > Space.CAREER), suspect - 1, MISSING)


def person_number(number: Column, space: Column | int) -> Column:
    """Returns the number of a person: the number within its kind, and the kind."""
    return np.asarray(number * 16 + space)


def _victim_ids(
    rng: np.random.Generator, men: Column, victims: Column, girls: Mask, who: Column, place: Column
) -> Column:
    which = np.where(place < victims[who], place, (rng.random(len(who)) * victims[who]).astype(np.int64))
    space = np.where(girls[who], Space.CAREER_GIRL, Space.CAREER_WOMAN)
    return person_number(men[who] * MOST_VICTIMS + which, space)


def _second_suspects(rng: np.random.Generator, person: Column, kind: Column, who: Column, rate: float) -> Column:
    """Returns the second suspect of a share of lesser cases: another man of the same month."""
    if len(who) == 0:
        return full(0, NOBODY)
    other = person[rng.integers(0, len(person), len(who))]
    both = chance(rng, len(who), rate) & (kind[who] == Kind.MINOR) & (other != person[who])
    return np.where(both, person_number(other, Space.CAREER), NOBODY)


# partner, ex_partner, family, acquaintance, stranger, unknown
_RELATIONSHIPS = shares([0.30, 0.27, 0.13, 0.16, 0.08, 0.06])
_CLOSE = shares([0.55, 0.45])
_DISTANT = shares([0.0, 0.0, 0.0, 0.15, 0.75, 0.10])
_NEEDS_PARTNER = offences.is_one_of(offences.NEEDS_PARTNER)
_STRANGER = offences.is_one_of(offences.STRANGER_OFFENCES)
_LONG_SILENCE = offences.is_one_of(offences.LONG_SILENCE)


def _relationships(rng: np.random.Generator, offence: Column) -> Column:
    u: Floats = rng.random(len(offence))
    usual = np.where(_STRANGER[offence] == 1, pick(_DISTANT, u), pick(_RELATIONSHIPS, u))
    return np.where(_NEEDS_PARTNER[offence] == 1, pick(_CLOSE, u), usual)


def _delays(rng: np.random.Generator, offence: Column) -> Column:
    """Returns days from the offence to its report: years for one sexual offence in four."""
    n = len(offence)
    silent = (_LONG_SILENCE[offence] == 1) & chance(rng, n, 0.26)
    long = 366 + rng.exponential(2200.0, n)
    usual = np.where(_LONG_SILENCE[offence] == 1, rng.exponential(40.0, n), rng.exponential(9.0, n))
    return np.minimum(np.where(silent, long, usual), 16_000).astype(np.int64)


def _arrivals(rng: np.random.Generator, plan_: Plan, index: int, reported: Column) -> Column:
    """Returns the extract in which an allegation arrives; a few miss the extract of their month."""
    starts = [month_at(index + ahead, plan_.months).first_day for ahead in range(1, 14)]
    arrives = index + np.searchsorted(np.array(starts), reported, side="right")
    return np.asarray(arrives + chance(rng, len(reported), defects.ARRIVES_LATE).astype(np.int64))
