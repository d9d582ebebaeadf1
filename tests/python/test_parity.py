"""The same models on DuckDB and on Apache Spark: the same marts, row for row and value for value."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY
from parity import compare

SPARK_PYTHON = REPOSITORY / ".venv-spark" / "bin" / "python"
MARTS = sorted(path.stem for path in (REPOSITORY / "models" / "marts").glob("*.sql"))


@pytest.mark.skipif(not SPARK_PYTHON.exists(), reason="no .venv-spark: make spark-env sets it up")
@pytest.mark.skipif(shutil.which("java") is None, reason="Apache Spark needs Java 17, and there is no java")
def test_spark_makes_the_same_marts(tmp_path: Path) -> None:
    """No model knows its engine: what a force sees from DuckDB a national body sees from Spark, built at once or by changes."""
    done = subprocess.run(
        [
            str(SPARK_PYTHON),
            "-m",
            "parity",
            "--crimes",
            "1500",
            "--months",
            "3",
            "--tests",
            "none",
            "--steps",
            "2",
            "--seeds",
            "1",
            "--work",
            str(tmp_path),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    compared = {
        mart.name: mart for mart in compare.marts(tmp_path / "duckdb-seed-1" / "warehouse.duckdb", tmp_path / "spark")
    }
    assert sorted(compared) == MARTS
    assert compared["top_100"].spark_rows > 0
    assert not (REPOSITORY / "metastore_db").exists() and not (REPOSITORY / "spark-warehouse").exists()


@pytest.fixture
def engines(tmp_path: Path) -> tuple[Path, Path]:
    """Two tables that are equal, as both engines leave them."""
    mart = tmp_path / "home" / "spark" / "warehouse" / "mart.db" / "top_100"
    mart.mkdir(parents=True)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema mart")
        connection.execute(
            "create table mart.top_100 as select 1 as harm_rank, 2.5::double as harm_days union all select 2, null"
        )
        connection.execute(f"copy (from mart.top_100 order by harm_rank desc) to '{mart}/part-0.parquet'")
    return tmp_path / "warehouse.duckdb", tmp_path / "home"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update mart.top_100 set harm_days = 3 where harm_rank = 1", "only in DuckDB: 1, 3.0"),
        ("update mart.top_100 set harm_days = 0 where harm_days is null", "only in Spark: 2, None"),
        ("insert into mart.top_100 values (2, null)", "only in DuckDB: 2, None"),
        (
            "alter table mart.top_100 alter harm_rank type bigint",
            "DuckDB has harm_rank BIGINT, Spark harm_rank INTEGER",
        ),
        ("alter table mart.top_100 add column is_tied boolean", "3 columns on DuckDB, 2 on Spark"),
        ("create table mart.build_info as select 1 as build_id", "only DuckDB has it"),
    ],
)
def test_a_difference_is_found(engines: tuple[Path, Path], change: str, said: str) -> None:
    """The comparison itself: one value, one null, one row too many, another type, a column or a table that is not there."""
    assert [mart.differences for mart in compare.marts(*engines)] == [[]]
    with duckdb.connect(str(engines[0])) as connection:
        connection.execute(change)
    assert said in [line for mart in compare.marts(*engines) for line in mart.differences]


def test_a_difference_names_nobody(engines: tuple[Path, Path]) -> None:
    """What is printed may end in a log: it says which row differs, never who that is."""
    with duckdb.connect(str(engines[0])) as connection:
        connection.execute("alter table mart.top_100 rename harm_days to surname")
    (mart,) = (engines[1] / "spark" / "warehouse" / "mart.db").iterdir()
    duckdb.sql(f"copy (select 1 as harm_rank, 7.5::double as surname) to '{mart}/part-0.parquet'")
    lines = [line for mart in compare.marts(*engines) for line in mart.differences]
    assert lines == ["only in DuckDB: 1, ...", "only in DuckDB: 2, None", "only in Spark: 1, ..."]
