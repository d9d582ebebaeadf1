"""Runs dbt's unit tests on Apache Spark, in this process, in a home that a refresh has built."""

from __future__ import annotations

import os
from pathlib import Path

from harmrank.building.project import project_root
from harmrank.spark import session

# Hundreds of small statements: compiling little, and a metastore that need not outlive a power cut, halve the time.
IN_A_HURRY = {
    "HARMRANK_SPARK_PARTITIONS": "2",
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Dderby.system.durability=test",
}


def unit_tests(home: Path) -> tuple[int, list[str]]:
    """How many there are, and a line for each that failed. A home a process: its session keeps it."""
    from dbt.cli.main import dbtRunner

    os.environ |= {**IN_A_HURRY, "HARMRANK_HOME": str(home.resolve()), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    session.keep_ansi_mode()
    outcome = dbtRunner().invoke(
        [
            *("--no-use-colors", "--quiet", "test", "--select", "test_type:unit", "--target", session.TARGET),
            *("--project-dir", str(project_root()), "--profiles-dir", str(project_root() / "profiles")),
            *("--target-path", str(home / "target"), "--log-path", str(home / "logs")),
        ]
    )
    if outcome.exception is not None:
        raise outcome.exception
    session.refuse_without_ansi_mode()
    # Beside them what runs before every command of dbt.
    results = [result for result in outcome.result.results if str(result.node.resource_type) == "unit_test"]
    return len(results), [
        f"{result.node.name}: {result.status}: {' '.join(str(result.message).split())[:400]}"
        for result in results
        if str(result.status) != "pass"
    ]
