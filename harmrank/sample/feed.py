"""Writes the feed month by month: rows drawn, rows that waited, rows held back, then the files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from harmrank.errors import UsageError
from harmrank.machine import duck
from harmrank.sample import careers, crimes, defects, later, people
from harmrank.sample.calendar import DAY_SECONDS, EXTRACT_TIME, Month, month_at, share_out
from harmrank.sample.careers import Plan
from harmrank.sample.columns import Column, Columns, chance, full, join, rows, stream, take
from harmrank.sample.later import Waiting
from harmrank.sample.writing import FORCE, ExtractWriter

# About the recorded crimes of London in two years.
DEFAULT_CRIMES = 1_900_000
CRIMES_A_PART = 250_000  # bounds memory: a month with more is written in several parts
_STREAM = 2


@dataclass(frozen=True)
class SampleSummary:
    """What was written."""

    out: Path
    extracts: int
    crimes: int
    rows: int

    def __str__(self) -> str:
        return f"{self.extracts} extracts with {self.crimes:,} crimes in {self.rows:,} rows written to {self.out}"


@dataclass
class _Feed:
    """What one month leaves to the next: counters, and rows that wait."""

    out: Path
    seed: int
    plan: Plan
    epoch: int
    waiting: Waiting
    connection: duckdb.DuckDBPyConnection
    known: crimes.People = field(default_factory=crimes.People)
    crimes_made: int = 0


def write_sample(
    out: Path,
    crimes: int = DEFAULT_CRIMES,
    months: int = 24,
    seed: int = 1,
    shape: str = "usual",
    report: Callable[[str], None] = lambda line: None,
) -> SampleSummary:
    """Writes `crimes` crimes in `months` monthly extracts, the newest of October 2026, into the folder `out`.

    `shape` is a name of careers.SHAPES. The same arguments write the same bytes. Raises UsageError if `out` is a file or
    holds anything, or a number makes no sense.
    """
    if crimes < 1 or months < 1 or seed < 0:
        raise UsageError("a sample needs at least one crime and one month, and a seed that is not negative")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not an empty folder: name one that is empty or not there yet")
    out.mkdir(parents=True, exist_ok=True)
    sizes = share_out(crimes, months)
    with duck.open_database() as connection:
        plan = careers.plan(sizes, careers.SHAPES[shape])
        feed = _Feed(out, seed, plan, month_at(0, months).first_day, Waiting(months), connection)
        for index in range(-careers.MONTHS_BEFORE, 0):
            _begin_careers(feed, index)
        written = 0
        for index, size in enumerate(sizes):
            _begin_careers(feed, index)
            written += _write_month(feed, month_at(index, months), size)
            report(f"{month_at(index, months).extract_id}: {size:,} crimes ({index + 1} of {months} extracts)")
    return SampleSummary(out, months, crimes, written)


def _begin_careers(feed: _Feed, index: int) -> None:
    drafts = careers.beginning(feed.seed, feed.plan, index)
    arrives = drafts.pop("arrives")
    ahead = arrives >= 0
    feed.waiting.add("drafts", arrives[ahead], take(drafts, ahead))


def _write_month(feed: _Feed, month: Month, size: int) -> int:
    """Writes one extract into a folder of another name and renames it when complete. Returns its rows."""
    unfinished = feed.out / f".unfinished-{month.extract_id}"
    unfinished.mkdir()
    try:
        writer = ExtractWriter(unfinished, f"{month.extract_id}T{EXTRACT_TIME}")
        written = _write_parts(feed, month, size, writer)
        writer.finish()
        unfinished.rename(feed.out / month.extract_id)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return written


def _write_parts(feed: _Feed, month: Month, size: int, writer: ExtractWriter) -> int:
    parts = max(1, -(-size // CRIMES_A_PART))
    due = feed.waiting.due(month.index, "drafts")
    drafts = join(due) if due else _no_drafts(feed, month)
    drafts = take(drafts, np.arange(min(rows(drafts), size)))
    written = 0
    for part in range(parts):
        mine = take(drafts, np.arange(rows(drafts) * part // parts, rows(drafts) * (part + 1) // parts))
        wanted = size * (part + 1) // parts - size * part // parts
        tables = _part(feed, month, part, mine, wanted)
        for table, columns in tables.items():
            if table in ("custody", "person_merges") and rows(columns) == 0:
                continue
            name = f"{table}.csv" if parts == 1 else f"{table}_{part + 1:02d}.csv"
            bad = _bad_lines(feed, month, table, columns) if part == 0 else []
            written += writer.write(feed.connection, table, name, columns, bad)
    return written


def _no_drafts(feed: _Feed, month: Month) -> Columns:
    rng = stream(feed.seed, month.index, _STREAM)
    return crimes.outside_careers(rng, month, 0, feed.known)[0]


def _part(feed: _Feed, month: Month, part: int, drafts: Columns, size: int) -> dict[str, Columns]:
    """Returns the rows of one part of an extract; the first part has the rows that waited for the month."""
    rng = stream(feed.seed, month.index, _STREAM, part)
    other, new = crimes.outside_careers(rng, month, size - rows(drafts), feed.known)
    batch = crimes.batch(rng, month, join([drafts, other]), feed.crimes_made + 1, new)
    feed.crimes_made += size
    waiting = feed.waiting
    later.merges(rng, month, batch, waiting)
    due = {
        table: waiting.due(month.index, table)
        for table in ("crimes", "people", "involvements", "custody", "person_merges")
    }
    later.change_later(rng, month, batch, waiting)
    spells = later.custody(rng, month, batch, waiting)
    now, present = later.hold_back(rng, month, batch, waiting)
    no_merges = {name: full(0, 0) for name in ("person", "into", "updated", "deleted")}
    tables = {
        "crimes": later.all_of(now, due["crimes"]),
        "people": _people(feed, rng, month, present, due["people"]),
        "involvements": later.all_of(batch.involvements, due["involvements"]),
        "custody": later.all_of(spells, due["custody"]),
        "person_merges": later.all_of(no_merges, due["person_merges"]),
    }
    return {table: later.with_duplicates(rng, columns) for table, columns in tables.items()}


def _people(feed: _Feed, rng: np.random.Generator, month: Month, present: Column, due: list[Columns]) -> Columns:
    parts = [_sent(feed, rng, month, present, 0)]
    for resent in due:
        for moves in (0, 1):
            mine = resent["person"][resent["moves"] == moves]
            parts.append(_sent(feed, rng, month, mine, moves))
    return join(parts)


def _sent(feed: _Feed, rng: np.random.Generator, month: Month, who: Column, moves: int) -> Columns:
    n = len(who)
    days = month.first_day + rng.integers(0, month.last_day - month.first_day + 1, n)
    seconds = np.minimum(days * DAY_SECONDS + rng.integers(0, DAY_SECONDS, n), month.extract_at - 60)
    return people.attributes(who, feed.seed, feed.epoch, month.last_day, moves) | {
        "updated": seconds,
        "deleted": (chance(rng, n, defects.PERSON_TOMBSTONE) & (moves > 0)).astype(np.int64),
        "null_text": chance(rng, n, defects.TEXT_NULL).astype(np.int64),
    }


def _bad_lines(feed: _Feed, month: Month, table: str, columns: Columns) -> list[str]:
    if rows(columns) < defects.QUARANTINE_FROM_ROWS:
        return []
    last = f"{feed.crimes_made:07d}/{month.extract_id[2:4]}"
    updated = f"{month.extract_id}T12:00:00"
    return [
        line.format(force=FORCE, crime=last, updated=updated)
        for index, name, line in defects.QUARANTINED
        if index == month.index and name == table
    ]
