"""Refreshes homes from the same extracts on DuckDB and on Apache Spark and compares all they publish: python -m parity --help."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from reliability import faults, increments
from reliability.homes import refreshed
from rich.console import Console
from rich.table import Table

from harmrank.sample import write_sample
from parity import compare, spark

RANDOM_EXTRACTS = 5
CONSOLE = Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def main() -> int:
    """Returns 0 if everything published is equal and every test passed on Spark, else 1."""
    asked = _asked()
    with tempfile.TemporaryDirectory(prefix="harmrank-parity-") as folder:
        work = Path(asked.work or folder).resolve()
        if asked.extracts:
            results = [_is_equal(Path(asked.extracts), work, asked.steps)]
        else:
            results = [] if asked.feeds_alone else [_is_every_mart_equal(work)]
            results += [_is_equal(_invented(work, asked, seed), work, asked.steps) for seed in asked.seeds]
            results += [_is_equal(_random(work, seed), work, RANDOM_EXTRACTS) for seed in asked.random]
    return 0 if all(results) else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="parity", description=__doc__)
    parser.add_argument("--crimes", type=int, default=4000, help="crimes of an invented feed (default: 4000)")
    parser.add_argument("--months", type=int, default=14, help="its monthly extracts (default: 14)")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3], help="a feed for each (default: 1 2 3)")
    parser.add_argument(
        "--random",
        type=int,
        nargs="*",
        default=[1],
        metavar="SEED",
        help=f"for each, {RANDOM_EXTRACTS} random extracts, one at a time: late, backdated, sent again, merged, deleted "
        "(default: 1)",
    )
    parser.add_argument("--extracts", metavar="DIR", help="compare these extracts in place of invented ones")
    parser.add_argument(
        "--steps",
        type=int,
        default=1,
        help="refresh from all but the last STEPS - 1 extracts, then from one more at a time (default: 1)",
    )
    parser.add_argument(
        "--feeds-alone", action="store_true", help="leave out the home in which every mart has rows, and the unit tests"
    )
    parser.add_argument("--work", metavar="DIR", help="keep extracts and homes here")
    return parser.parse_args()


def _invented(work: Path, asked: argparse.Namespace, seed: int) -> Path:
    feed = work / f"seed-{seed}"
    if not feed.exists():
        write_sample(feed, crimes=asked.crimes, months=asked.months, seed=seed, report=lambda _: None)
    return feed


def _random(work: Path, seed: int) -> Path:
    """Writes extracts of a small force whose records keep changing."""
    feed = work / f"random-{seed}"
    shutil.rmtree(feed, ignore_errors=True)
    force, draw, on = increments.Force(random.Random(seed)), random.Random(-seed), increments.FIRST
    for number in range(RANDOM_EXTRACTS):
        on += timedelta(days=draw.choice([1, 7, 30, 31]))
        force.send(feed / f"{on}T{number:02}00", on)
    return feed


def _is_every_mart_equal(work: Path) -> bool:
    """Compares a home in which every mart has rows (equal empty tables prove nothing), and runs every unit test on Spark."""
    folder = work / "every-mart"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _say("every-mart: in two refreshes on DuckDB")
    home, extracts, part, spark_home = faults.build_home(folder), folder / "extracts", folder / "part", folder / "spark"
    shutil.copytree(extracts, part, ignore=shutil.ignore_patterns(faults.MORE_EXTRACT))
    _refreshed(part, spark_home, "spark", "--list-date", "2026-09-30")
    _refreshed(extracts, spark_home, "spark")
    marts = compare.published(home, spark_home)
    marts = [mart if mart.duckdb_rows else replace(mart, differences=["no rows to compare"]) for mart in marts]
    number, failures = spark.unit_tests(spark_home)
    _say(f"every-mart: {number - len(failures)} of {number} unit tests passed on Spark")
    for failure in failures:
        _say(f"  {failure}")
    return _is_shown_equal("every-mart", marts) and not failures


def _is_equal(feed: Path, work: Path, steps: int) -> bool:
    """Refreshes two homes from one feed, in one or more steps, and compares what they publish after each."""
    extracts = sorted(folder for folder in feed.iterdir() if folder.is_dir())
    steps = min(steps, len(extracts))
    duckdb_home, spark_home, part = (work / f"{kind}-{feed.name}" for kind in ("duckdb", "spark", "part"))
    for folder in (duckdb_home, spark_home, part):
        shutil.rmtree(folder, ignore_errors=True)
    results = []
    for step in range(steps):
        for extract in extracts[: len(extracts) - steps + 1 + step]:
            if not (part / extract.name).exists():
                shutil.copytree(extract, part / extract.name)
        for home, engine in ((duckdb_home, "duckdb"), (spark_home, "spark")):
            _refreshed(part, home, engine)
        marts = compare.published(duckdb_home, spark_home)
        results.append(_is_shown_equal(f"{feed.name}, step {step + 1} of {steps}", marts))
    return all(results)


def _refreshed(extracts: Path, home: Path, engine: str, *options: str) -> None:
    """Runs `harmrank refresh`, which must succeed."""
    started = time.monotonic()
    refreshed(extracts, home, "--engine", engine, *options, **spark.IN_A_HURRY)
    number, seconds = len(list(extracts.iterdir())), time.monotonic() - started
    _say(f"{home.name}: {number} extracts landed, built, tested and published by {engine} in {seconds:.0f} s")


def _is_shown_equal(title: str, marts: list[compare.Mart]) -> bool:
    table = Table("mart", "rows", "DuckDB and Spark", title=title)
    table.columns[1].justify = "right"
    for mart in marts:
        rows = f"{mart.duckdb_rows:,}"
        if mart.spark_rows != mart.duckdb_rows:
            rows += f" / {mart.spark_rows:,}"
        table.add_row(mart.name, rows, "\n".join(mart.differences) or "equal")
    CONSOLE.print(table)
    return bool(marts) and not any(mart.differences for mart in marts)


def _say(sentence: str) -> None:
    CONSOLE.print(sentence, markup=False)


if __name__ == "__main__":
    sys.exit(main())
