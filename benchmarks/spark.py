"""Measures a refresh on Apache Spark beside one on DuckDB: seconds by step and by model, and the cost of each table.

Both refresh a new home from the same generated extracts, then with one more month, each in a process of its own. Spark
runs in local mode. Its event log says what the statements of each table take: core seconds, shuffle, spill and writes.
Prints Markdown: the figures of docs/scale-figures.md. Runs in .venv-spark (make spark-env).

    make bench-spark BENCH_SPARK_ARGS="--sizes 1 10 --work /large/disk"
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from feeds import Feed, make
from measure import Measured, run

STEPS = ("landing", "building", "checking", "publishing")
STATES = {"months": "a new home", "next": "a month more"}
SHOWN = 15
LANDING, LEDGERS, SEEDS = "(landing)", "(ledgers handed over)", "(seeds)"
QUESTIONS, CATALOG = "(tests and questions)", "(tables dropped, renamed, described)"
_MAKES_TABLE = re.compile(r"Arguments: `spark_catalog`\.`(\w+)`\.`(\w+?)(?:__next|__given)?`")
_FILLS_SEED = re.compile(r"Arguments: file:\S*/reference\.db/")
_COUNTS_LINES = "file_block_start"
_READS = ("AdaptiveSparkPlan", "LocalTableScan", "CommandResult", "*")


@dataclass
class Statements:
    """The cost of a table on Spark: wall-clock seconds, core seconds in tasks, bytes shuffled, spilled to disk and written."""

    seconds: float = 0
    core_seconds: float = 0
    shuffled: int = 0
    spilled: int = 0
    written: int = 0


@dataclass(frozen=True)
class Refresh:
    """One refresh: seconds by step, of the process under `all`, and of the slowest models and tests."""

    steps: dict[str, float]
    slowest: dict[str, float]


def main() -> int:
    """Measures each size and prints the figures."""
    given = _arguments()
    for millions in given.sizes:
        feed = make(given.work, round(millions * 1_000_000), given.seed, packed=False)
        done = {engine: _refreshes(given, feed, engine) for engine in ("duckdb", "spark")}
        print(f"\n## {feed.crimes:,} crimes in {feed.months} extracts of {feed.gigabytes} GB")
        _print_steps(done)
        for state, words in STATES.items():
            _print_slowest(words, done["duckdb"][state], done["spark"][state])
            _print_statements(words, _statements(given.work / "events" / state))
        _print_tables(given.work / "home-spark" / "spark" / "warehouse")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time Spark and DuckDB on the same extracts.")
    parser.add_argument("--sizes", nargs="+", type=float, default=[1], help="millions of crimes (default: 1)")
    parser.add_argument("--work", type=Path, required=True, help="a folder for feeds, homes and logs, on a large disk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", default="6g", help="of Spark's Java process (default: 6g)")
    parser.add_argument("--partitions", type=int, default=4, help="partitions of a shuffle (default: 4)")
    parser.add_argument("--timeout", type=float, default=4 * 3600, help="seconds for one refresh")
    return parser.parse_args()


def _refreshes(given: argparse.Namespace, feed: Feed, engine: str) -> dict[str, Refresh]:
    """Measures a new home, then one more month."""
    home = given.work / f"home-{engine}"
    shutil.rmtree(home, ignore_errors=True)
    os.environ["HARMRANK_SPARK_MEMORY"] = given.memory
    os.environ["HARMRANK_SPARK_PARTITIONS"] = str(given.partitions)
    return {state: _refresh(given, feed, engine, home, state) for state in STATES}


def _refresh(given: argparse.Namespace, feed: Feed, engine: str, home: Path, state: str) -> Refresh:
    events, settings, log = given.work / "events" / state, given.work / "conf", given.work / f"{engine} {state}.log"
    if engine == "spark":
        shutil.rmtree(events, ignore_errors=True)
        events.mkdir(parents=True)
        settings.mkdir(exist_ok=True)
        (settings / "spark-defaults.conf").write_text(
            f"spark.eventLog.enabled true\nspark.eventLog.dir file://{events.resolve()}\n"
            "spark.eventLog.compress false\nspark.eventLog.rolling.enabled false\n"
        )
        os.environ["SPARK_CONF_DIR"] = str(settings.resolve())
    harmrank = [sys.executable, "-m", "harmrank"]
    done = run([*harmrank, "refresh", feed.extracts(state), "--home", home, "--engine", engine], log, given.timeout)
    if done.failure:
        raise SystemExit(f"{engine}, {state}: {done.failure}; see {log}")
    return _of_log(home, done)


def _of_log(home: Path, done: Measured) -> Refresh:
    """Returns the last refresh in the log of a home."""
    lines = [json.loads(line) for line in (home / "logs" / "refresh.jsonl").read_text(encoding="utf-8").splitlines()]
    last = {line["step"]: line for line in lines}
    steps = {step: float(last[step]["seconds"]) for step in STEPS} | {"all": done.seconds}
    return Refresh(steps, last["building"]["slowest"])


def _statements(events: Path) -> dict[str, Statements]:
    """Returns the cost of each table's statements from Spark's event log, and of other statements by purpose."""
    found: dict[str, Statements] = defaultdict(Statements)
    names: dict[str, str] = {}
    begun: dict[str, int] = {}
    root_of: dict[str, str] = {}
    of_stage: dict[int, str] = {}
    for event in _events(events):
        kind, number = event["Event"].rsplit(".", 1)[-1], str(event.get("executionId"))
        if kind == "SparkListenerSQLExecutionStart":
            # A statement that creates a table writes its files in a statement of its own.
            root_of[number] = str(event["rootExecutionId"])
            names[number] = _purpose(event["physicalPlanDescription"])
            begun[number] = event["time"]
        elif kind == "SparkListenerSQLExecutionEnd" and root_of[number] == number:
            found[names[number]].seconds += (event["time"] - begun[number]) / 1000
        elif kind == "SparkListenerJobStart" and "spark.sql.execution.id" in event.get("Properties", {}):
            statement = event["Properties"]["spark.sql.execution.id"]
            of_stage |= dict.fromkeys(event["Stage IDs"], names[root_of.get(statement, statement)])
        elif kind == "SparkListenerTaskEnd" and event["Stage ID"] in of_stage and event.get("Task Metrics"):
            table, task = found[of_stage[event["Stage ID"]]], event["Task Metrics"]
            table.core_seconds += task["Executor Run Time"] / 1000
            table.shuffled += task["Shuffle Write Metrics"]["Shuffle Bytes Written"]
            table.spilled += task["Disk Bytes Spilled"]
            table.written += task["Output Metrics"]["Bytes Written"]
    return found


def _purpose(plan: str) -> str:
    """Returns the table that a statement creates, read from Spark's plan, or else its purpose."""
    first = plan.split("\n", 2)[1]
    if first.startswith("Execute CreateDataSourceTableAsSelectCommand"):
        made = _MAKES_TABLE.search(plan)
        return ".".join(made.groups()) if made else CATALOG
    if first.startswith("Execute InsertIntoHadoopFsRelationCommand"):
        return SEEDS if _FILLS_SEED.search(plan) else LANDING
    if first.startswith("Execute SaveAsV1TableCommand"):
        return LEDGERS
    if first.startswith(_READS):
        return LANDING if _COUNTS_LINES in plan else QUESTIONS
    return CATALOG


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    # Names of checksums beside the log begin with a dot.
    for file in (path for path in folder.iterdir() if not path.name.startswith(".")):
        with file.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.startswith("{"))


def _print_steps(done: dict[str, dict[str, Refresh]]) -> None:
    heads = [f"{engine}, {words}" for words in STATES.values() for engine in ("DuckDB", "Spark")]
    print(f"\n| seconds | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}")
    refreshes = [done[engine][state] for state in STATES for engine in ("duckdb", "spark")]
    for step in (*STEPS, "all"):
        print(f"| {step} | {' | '.join(f'{refresh.steps[step]:,.1f}' for refresh in refreshes)} |")


def _print_slowest(words: str, duckdb: Refresh, spark: Refresh) -> None:
    print(f"\n| {words}: longest to build or test on Spark | DuckDB, s | Spark, s |\n|---|---:|---:|")
    least = min(duckdb.slowest.values())
    for name, seconds in list(spark.slowest.items())[:SHOWN]:
        beside = f"{duckdb.slowest[name]:,.1f}" if name in duckdb.slowest else f"< {least:,.1f}"
        print(f"| {name} | {beside} | {seconds:,.1f} |")


def _print_statements(words: str, found: dict[str, Statements]) -> None:
    """Prints the tables with most core seconds, then other statements, then the total."""
    print(f"\n| {words}: what Spark runs | s | core s | shuffled, MB | spilled, MB | written, MB |")
    print(f"|---|{'---:|' * 5}")
    tables = {name: made for name, made in found.items() if not name.startswith("(")}
    dearest = sorted(tables.items(), key=lambda item: -item[1].core_seconds)
    rows = dearest[:SHOWN]
    if dearest[SHOWN:]:
        rows.append((f"{len(dearest) - SHOWN} more tables", _sum(made for _, made in dearest[SHOWN:])))
    rows += [(name, made) for name, made in found.items() if name.startswith("(")]
    for name, made in (*rows, ("all", _sum(found.values()))):
        seconds, cores, *sizes = astuple(made)
        print(f"| {name} | {seconds:,.1f} | {cores:,.1f} | {' | '.join(f'{size / 1e6:,.1f}' for size in sizes)} |")


def _sum(found: Iterable[Statements]) -> Statements:
    return Statements(*(sum(values) for values in zip(*(astuple(made) for made in found), strict=True)))


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
