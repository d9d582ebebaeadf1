"""Runs the models on Apache Spark in this process, on the raw tables of a warehouse that DuckDB has landed.

python -m parity.spark WAREHOUSE HOME does it for one; plain dbt can go on from there.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import duckdb

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = "spark"


class Tests(Enum):
    """Which of dbt's tests run on Spark."""

    NONE = "none"
    DATA = "data"
    ALL = "all"


@dataclass(frozen=True)
class Build:
    """What dbt made and tested on Spark: nodes by kind and state, and a line for each that did not do as it should."""

    counts: Counter[tuple[str, str]]
    failures: list[str]

    def sentence(self) -> str:
        """How many of each kind came to which end."""
        return ", ".join(f"{number} {kind} {state}" for (kind, state), number in sorted(self.counts.items()))


def build(warehouse: Path, home: Path, tests: Tests = Tests.DATA, only_changes: bool = False) -> Build:
    """Take over the raw tables of a warehouse that DuckDB has landed, then build and test everything under `home`.

    Whatever an earlier call in this process has left there is made anew (the session keeps its home), or with
    `only_changes` only what the extracts touch that it did not have.
    """
    # Personal data, where the extracts are a force's.
    os.umask(0o077)
    (home / "spark" / "scratch").mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "HARMRANK_HOME": str(home),
        "HARMRANK_ONLY_CHANGES": "yes" if only_changes else "no",
        "HARMRANK_SPARK_PARTITIONS": "2",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # Hundreds of small statements: compiling little, and a metastore that need not outlive a power cut, halve the time.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Dderby.system.durability=test",
    }
    # It would print every failed statement, rows and all.
    logging.getLogger("SQLQueryContextLogger").disabled = True
    _keep_ansi_mode()
    _take_over_raw(warehouse, home, only_changes)
    _refuse_without_ansi_mode()
    # A unit test of an incremental model asks its table for the columns, so that it comes after.
    left_out = ["unit_test", *(["test"] if tests is Tests.NONE else [])]
    made = _run(home, "build", "--exclude-resource-types", *left_out).results
    tested = _run(home, "test", "--select", "test_type:unit").results if tests is Tests.ALL else []
    return _summarised([*made, *tested])


def _keep_ansi_mode() -> None:
    """dbt's adapter switches ANSI mode off, whatever the profile says: what cannot be cast would become null in silence."""
    from dbt.adapters.spark.connections import SparkCredentials

    made = SparkCredentials.__post_init__
    if made.__name__ == "with_ansi_mode":
        return

    def with_ansi_mode(self: Any) -> None:
        made(self)
        self.server_side_parameters["spark.sql.ansi.enabled"] = "true"

    SparkCredentials.__post_init__ = with_ansi_mode


def _refuse_without_ansi_mode() -> None:
    from pyspark.sql import SparkSession

    if SparkSession.active().conf.get("spark.sql.ansi.enabled") != "true":
        raise RuntimeError("Spark runs without ANSI mode: another dbt-spark sets it elsewhere than in SparkCredentials")


def _take_over_raw(warehouse: Path, home: Path, only_changes: bool) -> None:
    exported = home / "raw"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        held = _extracts(exported) if only_changes else []
        shutil.rmtree(exported, ignore_errors=True)
        exported.mkdir()
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
        for (table,) in tables:
            connection.execute(f"copy raw.{table} to '{exported}/{table}.parquet' (format parquet)")
        # The ledger is of what Spark's tables hold, not DuckDB's.
        connection.execute(
            f"copy (from raw.built_extracts where list_contains($held, extract_id)) "
            f"to '{exported}/built_extracts.parquet' (format parquet)",
            {"held": held},
        )
    _run(home, "run-operation", "take_over_raw", "--args", json.dumps({"folder": str(exported)}))


def _extracts(exported: Path) -> list[str]:
    found = duckdb.sql(f"select extract_id from '{exported}/extracts.parquet'").fetchall()
    return [str(extract_id) for (extract_id,) in found]


def _run(home: Path, command: str, *arguments: str) -> Any:
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke(
        [
            "--no-use-colors",
            "--quiet",
            command,
            *arguments,
            "--project-dir",
            str(REPOSITORY),
            "--profiles-dir",
            str(REPOSITORY / "profiles"),
            "--target",
            TARGET,
            "--target-path",
            str(home / "target"),
            "--log-path",
            str(home / "logs"),
        ]
    )
    if outcome.exception is not None:
        raise outcome.exception
    return outcome.result


def _summarised(results: list[Any]) -> Build:
    build = Build(Counter(), [])
    for result in results:
        kind, state = str(result.node.resource_type), str(result.status)
        build.counts[kind, state] += 1
        if state not in ("success", "pass"):
            build.failures.append(f"{kind} {result.node.name}: {state}: {' '.join(str(result.message).split())[:400]}")
    return build


if __name__ == "__main__":
    done = build(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
    print(done.sentence(), *done.failures, sep="\n")
    sys.exit(1 if done.failures else 0)
