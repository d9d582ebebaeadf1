"""Measure a refresh on Apache Spark beside one on DuckDB: seconds by step, then the statements that take longest on Spark.

Both refresh a new home from the same generated extracts, then land one month more, each in a process of its own. Spark
runs in local mode and writes its event log, of which each statement's seconds, what it shuffled and what it wrote are read.
Prints Markdown: the figures of docs/scale.md. Runs in .venv-spark (make spark-env).

    PYTHONPATH=. .venv-spark/bin/python benchmarks/spark.py --sizes 1 10 --work /large/disk
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feeds import Feed, make
from measure import Measured, run

STEPS = ("landing", "building", "checking", "publishing")
SHOWN = 12
# The first table that a statement names: what it makes, or what a test or a question reads.
_MADE = re.compile(r"`?spark_catalog`?\.`?(\w+)`?\.`?(\w+)`?")


@dataclass
class Statement:
    """What Spark did in statements that name a table first: seconds by the clock, bytes through shuffles and on disk."""

    seconds: float = 0
    shuffled: int = 0
    spilled: int = 0
    written: int = 0


def main() -> int:
    """Measure each size and print."""
    given = _arguments()
    for millions in given.sizes:
        feed = make(given.work, round(millions * 1_000_000), given.seed, packed=False)
        times = {engine: _refreshes(given, feed, engine) for engine in ("duckdb", "spark")}
        _print_times(feed, times)
        _print_statements(_statements(given.work / "events" / "months"))
        _print_tables(given.work / "home-spark" / "spark" / "warehouse")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time Spark and DuckDB on the same extracts.")
    parser.add_argument("--sizes", nargs="+", type=float, default=[1], help="millions of crimes (default: 1)")
    parser.add_argument("--work", type=Path, required=True, help="a folder for feeds, homes and logs, on a large disk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", default="6g", help="of Spark's Java process (default: 6g)")
    parser.add_argument("--timeout", type=float, default=4 * 3600, help="seconds for one refresh")
    return parser.parse_args()


def _refreshes(given: argparse.Namespace, feed: Feed, engine: str) -> dict[str, dict[str, float]]:
    """Seconds by step of a new home, and of a month more."""
    home = given.work / f"home-{engine}"
    shutil.rmtree(home, ignore_errors=True)
    os.environ["HARMRANK_SPARK_MEMORY"] = given.memory
    found = {}
    for state in ("months", "next"):
        events = given.work / "events" / state
        shutil.rmtree(events, ignore_errors=True)
        events.mkdir(parents=True)
        settings = given.work / "conf"
        settings.mkdir(exist_ok=True)
        (settings / "spark-defaults.conf").write_text(
            f"spark.eventLog.enabled true\nspark.eventLog.dir file://{events.resolve()}\nspark.eventLog.compress false\n"
        )
        os.environ["SPARK_CONF_DIR"] = str(settings.resolve())
        command = [
            sys.executable,
            "-m",
            "harmrank",
            "refresh",
            feed.extracts(state),
            "--home",
            home,
            "--engine",
            engine,
        ]
        done = run(command, given.work / f"{engine} {state}.log", given.timeout)
        if done.failure:
            raise SystemExit(f"{engine}, {state}: {done.failure}; see {given.work / f'{engine} {state}.log'}")
        found[state] = _steps(home, done)
    return found


def _steps(home: Path, done: Measured) -> dict[str, float]:
    """Seconds by step of the last refresh in the log, and of the whole process."""
    lines = [json.loads(line) for line in (home / "logs" / "refresh.jsonl").read_text(encoding="utf-8").splitlines()]
    last = {line["step"]: line.get("seconds") for line in lines}
    return {step: float(last.get(step) or 0) for step in STEPS} | {"all": done.seconds}


def _statements(events: Path) -> dict[str, Statement]:
    """What the statements of each table cost, tests of it among them, from Spark's event log."""
    made: dict[str, Statement] = defaultdict(Statement)
    names: dict[int, str] = {}
    begun: dict[int, int] = {}
    of_stage: dict[int, int] = {}
    for event in _events(events):
        kind = event["Event"].rsplit(".", 1)[-1]
        if kind == "SparkListenerSQLExecutionStart":
            found = _MADE.search(event["physicalPlanDescription"])
            names[event["executionId"]] = ".".join(found.groups()) if found else "(other)"
            begun[event["executionId"]] = event["time"]
        elif kind == "SparkListenerSQLExecutionEnd":
            number = event["executionId"]
            made[names[number]].seconds += (event["time"] - begun[number]) / 1000
        elif kind == "SparkListenerJobStart" and "spark.sql.execution.id" in event.get("Properties", {}):
            of_stage |= dict.fromkeys(event["Stage IDs"], int(event["Properties"]["spark.sql.execution.id"]))
        elif kind == "SparkListenerTaskEnd" and event["Stage ID"] in of_stage and event.get("Task Metrics"):
            statement, task = made[names.get(of_stage[event["Stage ID"]], "(other)")], event["Task Metrics"]
            statement.shuffled += task["Shuffle Write Metrics"]["Shuffle Bytes Written"]
            statement.spilled += task["Disk Bytes Spilled"]
            statement.written += task["Output Metrics"]["Bytes Written"]
    return made


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.startswith("{"))


def _print_times(feed: Feed, times: dict[str, dict[str, dict[str, float]]]) -> None:
    print(f"\n### {feed.crimes:,} crimes\n\n| seconds | DuckDB | Spark | DuckDB, a month more | Spark, a month more |")
    print("|---|---:|---:|---:|---:|")
    for step in (*STEPS, "all"):
        cells = [times[engine][state][step] for state in ("months", "next") for engine in ("duckdb", "spark")]
        print(f"| {step} | {' | '.join(f'{cell:,.1f}' for cell in cells)} |")


def _print_statements(made: dict[str, Statement]) -> None:
    print(
        "\n| statements on Spark, by the first table they name | s | shuffled, MB | spilled, MB | written, MB |\n|---|---:|---:|---:|---:|"
    )
    total = Statement()
    for statement in made.values():
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(statement, name))
    dearest = sorted(made.items(), key=lambda item: -item[1].seconds)[:SHOWN]
    for name, found in (*dearest, ("all", total)):
        sizes = (found.shuffled, found.spilled, found.written)
        print(f"| {name} | {found.seconds:,.1f} | {' | '.join(f'{size / 1e6:,.1f}' for size in sizes)} |")


def _print_tables(warehouse: Path) -> None:
    sizes = {
        f"{table.parent.stem}.{table.name}": sum(file.stat().st_size for file in table.rglob("*.parquet"))
        for table in warehouse.glob("*.db/*")
    }
    print("\n| table on Spark | MB |\n|---|---:|")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"| {name} | {size / 1e6:,.1f} |")
    print(f"| all {len(sizes)} | {sum(sizes.values()) / 1e6:,.1f} |")


if __name__ == "__main__":
    sys.exit(main())
