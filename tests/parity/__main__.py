"""Builds the same extracts on DuckDB and on Apache Spark and compares every mart: python -m parity --help."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from reliability.homes import refreshed
from rich.console import Console
from rich.table import Table

from harmrank.sample import write_sample
from parity import compare, spark

CONSOLE = Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def main() -> int:
    """Nought where every mart is equal and every test that ran on Spark has passed."""
    asked = _asked()
    with tempfile.TemporaryDirectory(prefix="harmrank-parity-") as folder:
        work = Path(asked.work or folder)
        feeds = [Path(asked.extracts)] if asked.extracts else [_invented(work, asked, seed) for seed in asked.seeds]
        results = [_is_equal(feed, work, asked.tests if feed == feeds[0] else spark.Tests.NONE) for feed in feeds]
    return 0 if all(results) else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="parity", description=__doc__)
    parser.add_argument("--crimes", type=int, default=4000, help="crimes of an invented feed (default: 4000)")
    parser.add_argument("--months", type=int, default=14, help="its monthly extracts (default: 14)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="a feed for each (default: 1 2 3)")
    parser.add_argument("--extracts", metavar="DIR", help="compare these extracts in place of invented ones")
    parser.add_argument(
        "--tests",
        type=spark.Tests,
        default=spark.Tests.ALL,
        metavar="WHICH",
        help="of dbt's tests, run on Spark with the first feed: all, data or none (default: all)",
    )
    parser.add_argument("--work", metavar="DIR", help="keep extracts and homes here")
    return parser.parse_args()


def _invented(work: Path, asked: argparse.Namespace, seed: int) -> Path:
    feed = work / f"seed-{seed}"
    if not feed.exists():
        write_sample(feed, crimes=asked.crimes, months=asked.months, seed=seed, report=lambda _: None)
    return feed


def _is_equal(feed: Path, work: Path, tests: spark.Tests) -> bool:
    home = _landed(feed, work / f"duckdb-{feed.name}", work / "part")
    started = time.monotonic()
    _say(f"{feed.name}: building on Spark")
    build = spark.build(home / "warehouse.duckdb", work / "spark", tests)
    seconds = time.monotonic() - started
    marts = compare.marts(home / "warehouse.duckdb", work / "spark")
    _show(feed.name, marts)
    _say(f"{feed.name}: on Spark {build.sentence()}, {seconds:.0f} s")
    for failure in build.failures:
        _say(f"  {failure}")
    return not build.failures and not any(mart.differences for mart in marts)


def _landed(feed: Path, home: Path, part: Path) -> Path:
    """A home that DuckDB has built in two refreshes: after a first one, marts remember what was published before."""
    if not home.exists():
        _say(f"{feed.name}: landing, building and testing on DuckDB")
        shutil.rmtree(part, ignore_errors=True)
        extracts = sorted(folder for folder in feed.iterdir() if folder.is_dir())
        for extract in extracts[: max(1, len(extracts) - 2)]:
            shutil.copytree(extract, part / extract.name)
        refreshed(part, home)
        refreshed(feed, home)
    return home


def _show(title: str, marts: list[compare.Mart]) -> None:
    table = Table("mart", "rows", "DuckDB and Spark", title=title)
    table.columns[1].justify = "right"
    for mart in marts:
        rows = f"{mart.duckdb_rows:,}"
        if mart.spark_rows != mart.duckdb_rows:
            rows += f" / {mart.spark_rows:,}"
        table.add_row(mart.name, rows, "\n".join(mart.differences) or "equal")
    CONSOLE.print(table)


def _say(sentence: str) -> None:
    CONSOLE.print(sentence, markup=False)


if __name__ == "__main__":
    sys.exit(main())
