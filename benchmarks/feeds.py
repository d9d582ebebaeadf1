"""Generates the feeds: monthly extracts, then the extract of a day, then the extract of the next month.

    WORK/feeds/NAME/months    the extracts of every month but the last
    WORK/feeds/NAME/day       the same and the first crimes of the last month, as the extract of a day
    WORK/feeds/NAME/next      the same and the last month

The files are the same in all three (hard links).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

CRIMES_A_MONTH = 1_000_000 / 12
"""As recorded in London. It sets the months of a usual feed: a larger one is a longer history of the same city."""
DENSE_MONTHS = 24  # of every dense feed: a larger one is a larger country, with more people in the window
USUAL, DENSE = "usual", "dense"  # shapes of `harmrank sample`
MOST_EXTRACTS = 600  # the most that `harmrank sample` writes
FEWEST_MONTHS = 6  # the sample needs so many for each of its defects
DAY = 3_000  # crimes in the extract of a day
TABLES = ("crimes", "people", "involvements", "custody", "person_merges")

Row = dict[str, str]


@dataclass(frozen=True)
class Feed:
    """A feed on disk: `crimes` of a `shape` in `months` extracts of `gigabytes` (10^9 bytes) in `folder`, and the newest
    extract id of each of its three states by the state's folder."""

    folder: Path
    crimes: int
    months: int
    gigabytes: float
    newest: dict[str, str]
    shape: str = USUAL

    def extracts(self, state: str) -> Path:
        """Returns the folder of extracts of a state: months, day or next."""
        return self.folder / state

    def list_date(self, state: str) -> str:
        """Returns the list date of a state, YYYY-MM-DD."""
        return self.newest[state][:10]


def months_of(crimes: int, shape: str) -> int:
    """Returns the number of monthly extracts of a feed of so many crimes and that shape."""
    if shape == DENSE:
        return DENSE_MONTHS
    return min(MOST_EXTRACTS - 1, max(FEWEST_MONTHS, round(crimes / CRIMES_A_MONTH)))


def make(work: Path, crimes: int, seed: int, packed: bool, shape: str = USUAL) -> Feed:
    """Returns the feed; generates it if missing. Raises ValueError if it is too small to have every table."""
    months = months_of(crimes, shape)
    marks = f"{'' if shape == USUAL else f'-{shape}'}{'-gz' if packed else ''}"
    folder = work / "feeds" / f"{crimes}-{months}-{seed}{marks}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        _generate(part, crimes, months, seed, packed, shape)
        part.rename(folder)
    lacking = [table for table in TABLES if not list((folder / "months").glob(f"*/{table}*.csv*"))]
    if lacking:
        raise ValueError(f"a feed of {crimes:,} crimes has no {', '.join(lacking)}: every peer expects all tables")
    newest = {state: max(path.name for path in (folder / state).iterdir()) for state in ("months", "day", "next")}
    size = sum(file.stat().st_size for file in (folder / "months").glob("*/*"))
    return Feed(folder, crimes, months, round(size / 1e9, 3), newest, shape)


def _generate(part: Path, crimes: int, months: int, seed: int, packed: bool, shape: str) -> None:
    # Every sample ends with the same month, so the last month is taken off and not added.
    all_of_it = [
        "--crimes",
        str(round(crimes * (months + 1) / months)),
        "--months",
        str(months + 1),
        "--seed",
        str(seed),
        "--shape",
        shape,
    ]
    sample = [sys.executable, "-m", "harmrank", "sample", "--out", str(part / "months"), *all_of_it]
    subprocess.run(sample, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if packed:
        for extract in sorted((part / "months").iterdir()):
            _pack(extract)
    last = max((part / "months").iterdir())
    last.rename(part / "last")
    _link(part / "months", part / "day")
    _write_day(part / "last", part / "day")
    _link(part / "day", part / "next")
    (part / "last").rename(part / "next" / last.name)


def _link(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=os.link)


def _pack(extract: Path) -> None:
    """Compresses the files of an extract and renames them in its extract.json."""
    described = json.loads((extract / "extract.json").read_text(encoding="utf-8"))
    files = {}
    for name, entry in described["files"].items():
        plain, packed = extract / name, extract / f"{name}.gz"
        with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        plain.unlink()
        with packed.open("rb") as file:
            files[packed.name] = {**entry, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    described["files"] = files
    (extract / "extract.json").write_text(json.dumps(described, indent=2), encoding="utf-8")


def _write_day(month: Path, extracts: Path) -> None:
    """Writes the first crimes of a month, with their people and involvements, as an extract of its own.

    The sample says only that a person's record changed in that month: here it changed on the day at the latest.
    """
    before = max(path.name for path in extracts.iterdir())
    news = (row for row in _rows(month, "crimes") if row["updated_at"] > f"{before}T24")
    crimes = sorted(news, key=lambda row: row["updated_at"])
    taken = crimes[: max(1, min(DAY, len(crimes) // 20))]
    day = taken[-1]["updated_at"][:10]
    keys = {(row["force"], row["crime_ref"]) for row in taken}
    involvements = [row for row in _rows(month, "involvements") if (row["force"], row["crime_ref"]) in keys]
    involved = {(row["force"], row["person_ref"]) for row in involvements}
    people = [
        {**row, "updated_at": min(row["updated_at"], f"{day}T12:00:00")}
        for row in _rows(month, "people")
        if (row["force"], row["person_ref"]) in involved
    ]
    folder = extracts / day
    folder.mkdir()
    for table, rows in {"crimes": taken, "people": people, "involvements": involvements}.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _rows(extract: Path, table: str) -> Iterator[Row]:
    """Yields the rows of a table with as many fields as its header, of all its parts."""
    for file in sorted(extract.glob(f"{table}*.csv*")):
        with _opened(file) as lines:
            reader = csv.reader(lines)
            header = next(reader)
            for values in reader:
                if len(values) == len(header):
                    yield dict(zip(header, values, strict=True))


def _opened(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", newline="")
    return file.open(encoding="utf-8", newline="")
