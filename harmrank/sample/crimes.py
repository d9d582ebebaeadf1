"""Turns drafts into rows: crimes, their people and involvements, as the first extract with them shows them.

A draft is one crime with its people as numbers. Drafts come from careers and, for everything else, from `outside_careers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harmrank.sample import defects, offences
from harmrank.sample.calendar import DAY_SECONDS, Month, to_date
from harmrank.sample.careers import REPORTED_BY_SHARES, STATUS_SHARES, person_number
from harmrank.sample.columns import (
    JUNK,
    JUNK_DAY,
    MISSING,
    NO_DAY,
    Column,
    Columns,
    Floats,
    Mask,
    chance,
    full,
    join,
    pick,
    rows,
    shares,
    take,
)
from harmrank.sample.offences import KINDS, NOBODY, Space

# What a draft holds, one value a crime. People are numbers (careers.person_number) or NOBODY.
DRAFT = (
    "reported",
    "offence",
    "victim",
    "suspect",
    "second_suspect",
    "witness",
    "status",
    "relationship",
    "domestic",
    "reported_by",
    "delay",
    "grave",
    "merge_to",
)
SUSPECT, VICTIM, WITNESS = 0, 1, 2
CHARGED, CONVICTED = 2, 3
BOROUGHS = 33
_RECENT = 40_000  # people who can turn up again; bounds how far back a repeat reaches
_REPEAT_VICTIM = 0.05
_REPEAT_SUSPECT = 0.38
_WITNESS_RATE = 0.035
_SECOND_SUSPECT_RATE = 0.05

_SHARES = shares([kind.share for kind in KINDS])
_OFFENCE = np.array([offences.OFFENCES.index((kind.code, kind.recorded)) for kind in KINDS])
_SUSPECT_RATE = np.array([kind.suspect_rate for kind in KINDS])
_VICTIM_RATE = np.array([kind.victim_rate for kind in KINDS])
_POLICE = np.array([kind.police_rate for kind in KINDS])
_COMPANY = np.array([kind.company_rate for kind in KINDS])
_DOMESTIC = np.array([kind.domestic_rate for kind in KINDS])
_HISTORIC = np.array([kind.historic_rate for kind in KINDS])
_VICTIM_SPACE = np.array([int(kind.victim) for kind in KINDS])
_SUSPECT_SPACE = np.array([int(kind.suspect) for kind in KINDS])
_RELATIONSHIPS = shares([0.05, 0.04, 0.05, 0.16, 0.45, 0.25])
_CLOSE_RELATIONSHIPS = shares([0.42, 0.33, 0.25])
# Boroughs differ in recorded crime by a factor of about three; the first, the City, has least.
_AREAS = shares([0.3] + [0.7 + 1.4 * ((i * 0.6180339887) % 1.0) for i in range(1, BOROUGHS)])


@dataclass
class People:
    """Counts the people of each kind in the feed, so that each new one gets a number of its own."""

    made: dict[int, int] = field(default_factory=dict)

    def draw(self, rng: np.random.Generator, space: Column, repeat: float) -> tuple[Column, Mask]:
        """Returns one person of the given kind for each place (NOBODY for no one), and which of them are new."""
        again = chance(rng, len(space), repeat)
        reach = rng.random(len(space))
        number = np.zeros(len(space), dtype=np.int64)
        new = np.zeros(len(space), dtype=np.bool_)
        for kind in np.unique(space[space >= 0]).tolist():
            mine = space == kind
            made = self.made.get(kind, 0)
            known = min(made, _RECENT)
            fresh = mine & ~(again & (known > 0))
            number[fresh] = made + np.arange(int(fresh.sum()))
            number[mine & ~fresh] = made - 1 - (reach[mine & ~fresh] * known).astype(np.int64)
            new |= fresh
            self.made[kind] = made + int(fresh.sum())
        return np.where(space >= 0, person_number(number, space), NOBODY), new


@dataclass(frozen=True)
class Batch:
    """The rows of one part of an extract by table, and their drafts in the same order."""

    drafts: Columns
    crimes: Columns
    involvements: Columns
    people: Column  # the numbers of the people to send, each once


def outside_careers(rng: np.random.Generator, month: Month, n: int, people: People) -> tuple[Columns, Column]:
    """Returns `n` drafts of crimes outside careers, and the numbers of the new people in them."""
    kind = pick(_SHARES, rng.random(n))
    has_suspect = rng.random(n) < _SUSPECT_RATE[kind]
    second = has_suspect & chance(rng, n, _SECOND_SUSPECT_RATE)
    places = np.where(rng.random(n) < _VICTIM_RATE[kind], _VICTIM_SPACE[kind], NOBODY)
    victim, new_victim = people.draw(rng, places, _REPEAT_VICTIM)
    suspect, new_suspect = people.draw(rng, np.where(has_suspect, _SUSPECT_SPACE[kind], NOBODY), _REPEAT_SUSPECT)
    companion, new_companion = people.draw(rng, np.where(second, _SUSPECT_SPACE[kind], NOBODY), 0.0)
    seen = np.where(chance(rng, n, _WITNESS_RATE), Space.WITNESS, NOBODY)
    witness, new_witness = people.draw(rng, seen, 0.0)
    domestic = (rng.random(n) < _DOMESTIC[kind]) & (victim != NOBODY)
    late = chance(rng, n, defects.ARRIVES_LATE)
    drafts = {
        "reported": month.draw_days(rng, n) - np.where(late, rng.integers(28, 75, n), 0),
        "offence": np.asarray(_OFFENCE[kind]),
        "victim": victim,
        "suspect": suspect,
        "second_suspect": companion,
        "witness": witness,
        "status": pick(STATUS_SHARES, rng.random(n)) + MISSING,
        "relationship": _relationships(rng, domestic),
        "domestic": domestic.astype(np.int64),
        "reported_by": _reporters(rng, kind),
        "delay": _delays(rng, kind),
        "grave": full(n, 0),
        "merge_to": full(n, MISSING),
    }
    new = [victim[new_victim], suspect[new_suspect], companion[new_companion], witness[new_witness]]
    return drafts, np.concatenate(new)


def _relationships(rng: np.random.Generator, domestic: Mask) -> Column:
    u = rng.random(len(domestic))
    return np.where(domestic, pick(_CLOSE_RELATIONSHIPS, u), pick(_RELATIONSHIPS, u))


def _reporters(rng: np.random.Generator, kind: Column) -> Column:
    n = len(kind)
    u = rng.random(n)
    usual = pick(REPORTED_BY_SHARES, rng.random(n)) + MISSING
    by_police = u < _POLICE[kind]
    by_company = ~by_police & (u < _POLICE[kind] + _COMPANY[kind])
    return np.where(by_police, 3, np.where(by_company, 4, usual))


def _delays(rng: np.random.Generator, kind: Column) -> Column:
    n = len(kind)
    historic = rng.random(n) < _HISTORIC[kind]
    days = np.where(historic, 366 + rng.exponential(1800.0, n), rng.exponential(2.5, n))
    return np.minimum(days, 16_000).astype(np.int64)


def batch(rng: np.random.Generator, month: Month, drafts: Columns, first_seq: int, new: Column) -> Batch:
    """Returns the rows of some drafts, in the order of their reports, with crimes numbered from `first_seq`."""
    order = np.lexsort((rng.random(rows(drafts)), drafts["reported"]))
    drafts = take(drafts, order)
    seq = first_seq + np.arange(rows(drafts), dtype=np.int64)
    year = full(len(seq), to_date(month.last_day).year % 100)
    crimes = {"seq": seq, "year": year} | _crimes(rng, month, drafts)
    careers = drafts["suspect"] % 16 <= Space.SECOND_ALIAS
    sent = [drafts[who][careers & (drafts[who] >= 0)] for who in ("suspect", "second_suspect", "victim", "witness")]
    people = np.unique(np.concatenate([new, *sent]))
    return Batch(drafts, crimes, _involvements(rng, drafts, crimes), people)


def _crimes(rng: np.random.Generator, month: Month, drafts: Columns) -> Columns:
    n = rows(drafts)
    reported = drafts["reported"]
    began = reported - drafts["delay"]
    began = np.where(chance(rng, n, defects.COMMITTED_AFTER_REPORTED), reported + rng.integers(1, 40, n), began)
    ended = np.where(
        chance(rng, n, 0.6), NO_DAY, np.minimum(began + rng.integers(0, 3, n), np.maximum(began, reported))
    )
    outcome, outcome_on = outcomes(rng, drafts["suspect"] != NOBODY, reported, month, decided=0.42)
    cancelled = chance(rng, n, defects.CANCELLED_AT_ONCE)
    code = offences.written(rng, drafts["offence"])
    unknown = chance(rng, n, defects.UNKNOWN_CODE)
    strange = offences.FIRST_UNKNOWN + rng.integers(0, len(offences.UNKNOWN_CODES), n)
    domestic = np.where(chance(rng, n, 0.1) & (drafts["domestic"] == 0), MISSING, drafts["domestic"])
    return {
        "code": np.where(unknown, strange, code),
        "reported": reported,
        "from": np.where(chance(rng, n, 0.03), NO_DAY, began),
        "to": np.where(chance(rng, n, defects.JUNK_COMMITTED_TO), JUNK_DAY, ended),
        "by": drafts["reported_by"],
        "outcome": np.where(chance(rng, n, defects.JUNK_OUTCOME), JUNK, outcome),
        "outcome_on": outcome_on,
        "cancelled": np.where(cancelled, np.minimum(reported + rng.integers(0, 20, n), month.last_day), NO_DAY),
        "area": np.where(chance(rng, n, 0.004), MISSING, pick(_AREAS, rng.random(n))),
        "domestic": np.where(chance(rng, n, defects.JUNK_DOMESTIC_ABUSE), JUNK, domestic),
        "updated": updated(rng, month, reported),
        "deleted": full(n, 0),
        "null_text": chance(rng, n, defects.TEXT_NULL).astype(np.int64),
    }


# Outcomes of decided crimes: with a suspect mostly 15 and 16, without one mostly 18.
_WITH_SUSPECT = (
    (1, 15.0),
    (2, 0.5),
    (3, 2.5),
    (6, 0.3),
    (7, 0.5),
    (8, 8.0),
    (9, 0.3),
    (10, 1.0),
    (11, 0.5),
    (12, 0.5),
    (13, 0.3),
    (15, 30.0),
    (16, 35.0),
    (17, 2.0),
    (20, 1.0),
    (21, 0.8),
    (22, 1.5),
    (4, 0.1),
    (5, 0.2),
)
_WITHOUT_SUSPECT = ((18, 86.0), (14, 13.0), (19, 0.5), (20, 0.5))
_NO_SUSPECT_NAMED = ((14, 50.0), (18, 50.0))


def _draw_outcome(u: Floats, table: tuple[tuple[int, float], ...]) -> Column:
    codes = np.array([code for code, _ in table], dtype=np.int64)
    return np.asarray(codes[pick(shares([share for _, share in table]), u)])


def outcomes(
    rng: np.random.Generator, has_suspect: Mask, since: Column, month: Month, decided: float
) -> tuple[Column, Column]:
    """Returns outcomes and their dates; undecided ones are 0 or blank. Crimes without a suspect are closed more often."""
    n = len(since)
    u = rng.random(n)
    final = np.where(has_suspect, _draw_outcome(u, _WITH_SUSPECT), _draw_outcome(u, _WITHOUT_SUSPECT))
    conflict = has_suspect & chance(rng, n, defects.SUSPECT_WITHOUT_SUSPECT_OUTCOME)
    final = np.where(conflict, _draw_outcome(u, _NO_SUSPECT_NAMED), final)
    rate = np.where(has_suspect, decided, np.maximum(decided, 0.78))
    is_final = rng.random(n) < rate
    open_ = np.where(chance(rng, n, 0.2), MISSING, 0)
    on = np.minimum(since + rng.exponential(12.0, n).astype(np.int64), month.last_day)
    return np.where(is_final, final, open_), np.where(is_final, on, NO_DAY)


def updated(rng: np.random.Generator, month: Month, since: Column) -> Column:
    """Returns seconds of the last change: soon after `since`, in the month, before the extract is taken."""
    n = len(since)
    start = np.maximum(since, month.first_day) * DAY_SECONDS
    soon = start + (rng.exponential(2.0, n) * DAY_SECONDS).astype(np.int64) + rng.integers(0, DAY_SECONDS, n)
    latest = month.extract_at - rng.integers(1, 7_200, n)
    return np.minimum(soon, latest)


def _involvements(rng: np.random.Generator, drafts: Columns, crimes: Columns) -> Columns:
    parts = []
    for role, column in ((SUSPECT, "suspect"), (SUSPECT, "second_suspect"), (VICTIM, "victim"), (WITNESS, "witness")):
        there = drafts[column] != NOBODY
        n = int(there.sum())
        is_suspect = role == SUSPECT
        parts.append(
            {
                "place": np.flatnonzero(there).astype(np.int64),
                "seq": crimes["seq"][there],
                "year": crimes["year"][there],
                "person": drafts[column][there],
                "role": full(n, role),
                "status": drafts["status"][there] if is_suspect else full(n, MISSING),
                "relationship": drafts["relationship"][there] if is_suspect else full(n, MISSING),
                "updated": crimes["updated"][there],
                "deleted": full(n, 0),
                "null_text": full(n, 0),
            }
        )
    joined = join(parts)
    order = np.argsort(joined.pop("place"), kind="stable")
    joined = take(joined, order)
    return _orphaned(rng, joined)


_NEVER_SENT = 900_000_000


def _orphaned(rng: np.random.Generator, involvements: Columns) -> Columns:
    """Points a few involvements at a crime or person that is never sent; never suspects and victims of careers."""
    n = rows(involvements)
    seq, person = involvements["seq"], involvements["person"]
    ghost = chance(rng, n, defects.GHOST_PERSON) & (person % 16 >= Space.VICTIM)
    lost = chance(rng, n, defects.ORPHAN_FOR_EVER) & (person % 16 >= Space.VICTIM)
    return involvements | {
        "person": np.where(ghost, person_number(seq, Space.GHOST), person),
        "seq": np.where(lost, _NEVER_SENT + seq % 90_000_000, seq),
        "null_text": chance(rng, n, defects.TEXT_NULL).astype(np.int64),
    }
