"""The same models on DuckDB and on Apache Spark: the same marts, row for row and value for value."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY, PublishedHome
from parity import compare

SPARK_PYTHON = REPOSITORY / ".venv-spark" / "bin" / "python"
MARTS = sorted(path.stem for path in (REPOSITORY / "models" / "marts").rglob("*.sql"))


@pytest.mark.thorough
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
            "--feeds-alone",
            "--steps",
            "2",
            "--seeds",
            "1",
            "--random",
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
    marts = compare.published(tmp_path / "duckdb-seed-1", tmp_path / "spark-seed-1")
    compared = {mart.name: mart for mart in marts}
    assert sorted(compared) == MARTS
    assert compared["top_100"].spark_rows > 0
    assert not (REPOSITORY / "metastore_db").exists() and not (REPOSITORY / "spark-warehouse").exists()


@pytest.fixture
def homes(published: PublishedHome, tmp_path: Path) -> tuple[Path, Path]:
    """One home twice: what two engines publish of the same extracts, where they agree."""
    pair = tmp_path / "duckdb", tmp_path / "spark"
    for home in pair:
        shutil.copytree(published.home / "published", home / "published", symlinks=True)
    return pair


def rewrite(home: Path, query: str, table: str = "top_100") -> None:
    """Replace a published table by the result of a query, in which `mart` is the table itself."""
    (file,) = (home / "published" / "current").resolve().rglob(f"{table}.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"create table mart as from '{file}'")
        connection.execute(f"copy ({query}) to '{file}'")


def differences(homes: tuple[Path, Path]) -> list[str]:
    """What the comparison says."""
    return [line for mart in compare.published(*homes) for line in mart.differences]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * replace (harm_days + 0.5 as harm_days) from mart", "only in DuckDB"),
        ("select * replace (null as previous_rank) from mart", "only in Spark"),
        ("from mart union all (from mart limit 1)", "only in Spark"),
        ("from mart where harm_rank > 1", "only in DuckDB"),
    ],
)
def test_a_difference_is_found(homes: tuple[Path, Path], query: str, said: str) -> None:
    """The comparison itself: a value, a null, a row too many, a row too few."""
    assert differences(homes) == []
    rewrite(homes[1], query)
    found = differences(homes)
    assert found and any(line.startswith(said) for line in found)


def test_what_a_manifest_says_otherwise_is_found(homes: tuple[Path, Path]) -> None:
    """Readers know types, keys and meanings from it; and a table that only one engine has is a difference."""
    path = homes[1] / "published" / "current" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tables"]["top_100"]["columns"][0]["type"] = "VARCHAR"
    manifest["tables"]["offender_harm"]["keys"] = []
    del manifest["tables"]["list_churn"]
    path.write_text(json.dumps(manifest))
    assert differences(homes) == [
        "only DuckDB has it",
        "the manifests differ in its keys",
        "the manifests differ in its columns",
    ]


def test_a_difference_names_nobody(homes: tuple[Path, Path]) -> None:
    """What is printed may end in a log: it says which row differs, never who that is."""
    rewrite(homes[1], "select * replace ('Invented' as surname) from mart", "offender_people")
    found = differences(homes)
    assert found
    assert not any("Invented" in line for line in found)
