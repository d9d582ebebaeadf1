"""Plans what later extracts bring: changed crimes, statuses, merges, releases, and rows held back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harmrank.sample import defects
from harmrank.sample.calendar import DAY_SECONDS, Month, month_at
from harmrank.sample.careers import STATUS_SHARES
from harmrank.sample.columns import MISSING, NO_DAY, Column, Columns, Mask, chance, full, join, pick, rows, take
from harmrank.sample.crimes import CHARGED, CONVICTED, SUSPECT, Batch, outcomes, updated
from harmrank.sample.offences import NOBODY

_LATEST = 7  # months after which nothing of a crime changes: bounds what waits
_CUSTODY_RATE = 0.6
_RELEASED_LATER = 0.5


@dataclass
class Waiting:
    """Rows that wait for a later extract, by month and table. Rows for a month after the last are dropped."""

    months: int
    rows: dict[tuple[int, str], list[Columns]] = field(default_factory=dict)

    def add(self, table: str, month: Column, columns: Columns) -> None:
        """Stores each row for its month."""
        for index in np.unique(month[month < self.months]).tolist():
            self.rows.setdefault((index, table), []).append(take(columns, month == index))

    def due(self, month: int, table: str) -> list[Columns]:
        """Returns the rows of a month and removes them."""
        return self.rows.pop((month, table), [])


def hold_back(rng: np.random.Generator, month: Month, batch: Batch, waiting: Waiting) -> tuple[Columns, Column]:
    """Returns the crimes and people of the batch for this month; holds a few back for the next month."""
    late = chance(rng, rows(batch.crimes), defects.CRIME_HELD_BACK) & (month.index + 1 < waiting.months)
    waiting.add("crimes", full(int(late.sum()), month.index + 1), take(batch.crimes, late))
    absent = chance(rng, len(batch.people), defects.PERSON_HELD_BACK)
    again = chance(rng, len(batch.people), defects.PERSON_SENT_AGAIN)
    for who, moves in ((absent, 0), (again, 1)):
        resent = {"person": batch.people[who], "moves": full(int(who.sum()), moves)}
        waiting.add("people", month.index + _months_later(rng, int(who.sum())), resent)
    return take(batch.crimes, ~late), batch.people[~absent]


def change_later(rng: np.random.Generator, month: Month, batch: Batch, waiting: Waiting) -> None:
    """Sends some crimes again with an outcome, cancelled or deleted, and their suspects with a new status."""
    crimes = batch.crimes
    has_suspect = batch.drafts["suspect"] != NOBODY
    rate = np.where(has_suspect, defects.LATE_CHANGE_WITH_SUSPECT, defects.LATE_CHANGE)
    changes = rng.random(rows(crimes)) < rate * _thin(batch)
    changed = take(crimes, changes)
    n = rows(changed)
    when = month.index + _months_later(rng, n)
    for index in np.unique(when[when < waiting.months]).tolist():
        mine = when == index
        version = _changed(rng, month_at(index, waiting.months), take(changed, mine), has_suspect[changes][mine])
        waiting.add("crimes", full(rows(version), index), version)
    _statuses_later(rng, month, batch, waiting)


def _thin(batch: Batch) -> Column:
    """Returns 1 for a crime with an open outcome. A closed or cancelled crime does not change again."""
    return np.asarray(((batch.crimes["outcome"] <= 0) & (batch.crimes["cancelled"] == NO_DAY)).astype(np.int64))


def _months_later(rng: np.random.Generator, n: int) -> Column:
    return np.minimum(rng.geometric(0.45, n), _LATEST).astype(np.int64)


def _changed(rng: np.random.Generator, month: Month, crimes: Columns, has_suspect: Mask) -> Columns:
    n = rows(crimes)
    start = full(n, month.first_day) + rng.integers(0, 25, n)
    outcome, outcome_on = outcomes(rng, has_suspect, start, month, decided=0.9)
    cancelled = chance(rng, n, defects.CANCELLED_LATER)
    stale = chance(rng, n, defects.STALE_CHANGE)
    changed_at = np.where(stale, crimes["updated"] - DAY_SECONDS, updated(rng, month, start))
    return crimes | {
        "outcome": outcome,
        "outcome_on": outcome_on,
        "cancelled": np.where(cancelled, start, NO_DAY),
        "updated": changed_at,
        "deleted": chance(rng, n, defects.TOMBSTONE).astype(np.int64),
    }


def _statuses_later(rng: np.random.Generator, month: Month, batch: Batch, waiting: Waiting) -> None:
    links = batch.involvements
    moves = (links["role"] == SUSPECT) & (links["status"] <= 1) & chance(rng, rows(links), 0.12)
    gone = chance(rng, rows(links), defects.INVOLVEMENT_TOMBSTONE) & ~moves
    again = take(links, moves | gone)
    n = rows(again)
    when = month.index + _months_later(rng, n)
    for index in np.unique(when[when < waiting.months]).tolist():
        mine = take(again | {"deleted": gone[moves | gone].astype(np.int64)}, when == index)
        later = month_at(index, waiting.months)
        size = rows(mine)
        status = np.maximum(mine["status"], 0) + 1 + pick(STATUS_SHARES, rng.random(size)) // 3
        start = full(size, later.first_day) + rng.integers(0, 25, size)
        is_suspect = mine["role"] == SUSPECT
        version = mine | {
            "status": np.where(is_suspect, np.minimum(status, 5), MISSING),
            "updated": updated(rng, later, start),
        }
        waiting.add("involvements", full(size, index), version)


def custody(rng: np.random.Generator, month: Month, batch: Batch, waiting: Waiting) -> Columns:
    """Returns spells in custody that begin in the month: mostly men charged with grave offences, open when first sent."""
    drafts = batch.drafts
    held = (drafts["status"] == CHARGED) | (drafts["status"] == CONVICTED)
    rate = np.where(drafts["grave"] == 1, _CUSTODY_RATE, 0.01)
    held &= (drafts["suspect"] != NOBODY) & (rng.random(rows(drafts)) < rate)
    n = int(held.sum())
    begins = np.minimum(np.maximum(drafts["reported"][held], month.first_day) + rng.integers(1, 12, n), month.last_day)
    spells = {
        "person": drafts["suspect"][held],
        "from": begins,
        "to": full(n, NO_DAY),
        "updated": updated(rng, month, begins),
        "deleted": full(n, 0),
    }
    released = chance(rng, n, _RELEASED_LATER)
    when = month.index + _months_later(rng, n)
    for index in np.unique(when[released & (when < waiting.months)]).tolist():
        later = month_at(index, waiting.months)
        mine = take(spells, released & (when == index))
        out = full(rows(mine), later.first_day) + rng.integers(0, 25, rows(mine))
        waiting.add("custody", full(len(out), index), mine | {"to": out, "updated": updated(rng, later, out)})
    return spells


def merges(rng: np.random.Generator, month: Month, batch: Batch, waiting: Waiting) -> None:
    """Plans the merges: the source system notices at once or some months later that two records are one man."""
    noticed = batch.drafts["merge_to"] != MISSING
    people, first = np.unique(batch.drafts["suspect"][noticed], return_index=True)
    n = len(people)
    when = month.index + rng.integers(0, 4, n)
    for index in np.unique(when[when < waiting.months]).tolist():
        mine = when == index
        later = month_at(index, waiting.months)
        days = later.first_day + rng.integers(0, 27, int(mine.sum()))
        merged = {
            "person": people[mine],
            "into": batch.drafts["merge_to"][noticed][first][mine],
            "updated": updated(rng, later, days),
            "deleted": full(len(days), 0),
        }
        waiting.add("person_merges", full(len(days), index), merged)


def all_of(now: Columns, due: list[Columns]) -> Columns:
    """Returns new rows and rows that waited, one below the other."""
    return join([now, *due])


def with_duplicates(rng: np.random.Generator, columns: Columns) -> Columns:
    """Returns the rows, a few of them twice."""
    n = rows(columns)
    twice = np.flatnonzero(chance(rng, n, defects.DUPLICATE_ROW))
    return take(columns, np.sort(np.concatenate([np.arange(n), twice])).astype(np.int64))
