"""Builds the same extracts on DuckDB and on Apache Spark and compares every mart: python -m parity --help."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from reliability import faults
from reliability.homes import refreshed
from rich.console import Console
from rich.table import Table

from harmrank.sample import write_sample
from parity import compare, spark

CONSOLE = Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def main() -> int:
    """Nought where every mart is equal and every test that ran on Spark has passed."""
    asked = _asked()
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        sys.exit(
            "parity: Apache Spark needs Java 17 and there is no java (on Debian: apt-get install openjdk-17-jre-headless)"
        )
    with tempfile.TemporaryDirectory(prefix="harmrank-parity-") as folder:
        work = Path(asked.work or folder).resolve()
        if asked.extracts:
            results = [_is_equal(Path(asked.extracts), work, asked.steps, asked.tests)]
        else:
            results = [_is_every_mart_equal(work, asked.tests)]
            for seed in asked.seeds:
                results.append(_is_equal(_invented(work, asked, seed), work, asked.steps, spark.Tests.NONE))
    return 0 if all(results) else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="parity", description=__doc__)
    parser.add_argument("--crimes", type=int, default=4000, help="crimes of an invented feed (default: 4000)")
    parser.add_argument("--months", type=int, default=14, help="its monthly extracts (default: 14)")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3], help="a feed for each (default: 1 2 3)")
    parser.add_argument("--extracts", metavar="DIR", help="compare these extracts in place of invented ones")
    parser.add_argument(
        "--tests",
        type=spark.Tests,
        default=spark.Tests.ALL,
        metavar="WHICH",
        help="of dbt's tests, run on Spark after the first build: all, data or none (default: all)",
    )
    parser.add_argument(
        "--steps",
        type=int,
        default=1,
        help="build all but the last STEPS - 1 extracts, then one more at a time, remaking what it touches (default: 1)",
    )
    parser.add_argument("--work", metavar="DIR", help="keep extracts and homes here")
    return parser.parse_args()


def _invented(work: Path, asked: argparse.Namespace, seed: int) -> Path:
    feed = work / f"seed-{seed}"
    if not feed.exists():
        write_sample(feed, crimes=asked.crimes, months=asked.months, seed=seed, report=lambda _: None)
    return feed


def _is_every_mart_equal(work: Path, tests: spark.Tests) -> bool:
    """The home in which every mart has rows: where none has any, two engines agree on nothing."""
    folder = work / "every-mart"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _say("every-mart: on DuckDB, in two refreshes")
    return _is_step_equal(faults.build_home(folder), work / "spark", tests, must_have_rows=True)


def _is_equal(feed: Path, work: Path, steps: int, tests: spark.Tests) -> bool:
    """Build and compare one feed: at once, or step by step, where Spark remakes only what the last extract touches."""
    extracts = sorted(folder for folder in feed.iterdir() if folder.is_dir())
    steps = min(steps, len(extracts))
    home, part = work / f"duckdb-{feed.name}", work / f"part-{feed.name}"
    for folder in (home, part):
        shutil.rmtree(folder, ignore_errors=True)
    if steps == 1:
        # After a first list, marts remember what was published before.
        _refresh(extracts[: max(1, len(extracts) - 2)], part, home)
    results = []
    for step in range(steps):
        _refresh(extracts[: len(extracts) - steps + 1 + step], part, home)
        results.append(_is_step_equal(home, work / "spark", tests, only_changes=step > 0))
    return all(results)


def _refresh(extracts: list[Path], part: Path, home: Path) -> None:
    for extract in extracts:
        if not (part / extract.name).exists():
            shutil.copytree(extract, part / extract.name)
    _say(f"{home.name}: {len(extracts)} extracts on DuckDB, landed, built, tested and published")
    refreshed(part, home)


def _is_step_equal(
    home: Path, spark_home: Path, tests: spark.Tests, only_changes: bool = False, must_have_rows: bool = False
) -> bool:
    title = str(home.relative_to(spark_home.parent))
    _say(f"{title}: on Spark, which takes minutes; dbt writes to {spark_home / 'logs' / 'dbt.log'}")
    started = time.monotonic()
    build = spark.build(home / "warehouse.duckdb", spark_home, tests, only_changes)
    seconds = time.monotonic() - started
    marts = compare.marts(home / "warehouse.duckdb", spark_home)
    if must_have_rows:
        marts = [mart if mart.duckdb_rows else replace(mart, differences=["no rows to compare"]) for mart in marts]
    _show(title, marts)
    remade = "what has changed" if only_changes else "everything"
    _say(f"{title}: {remade} on Spark in {seconds:.0f} s: {build.sentence()}")
    for failure in build.failures:
        _say(f"  {failure}")
    return not build.failures and not any(mart.differences for mart in marts)


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
