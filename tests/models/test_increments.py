"""Builds of changes only: the same tables as a full build, on trusted tables alone, and tests that look at the new rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY, SMALL_FEED, Command, PublishedHome, write_extract
from reliability import homes
from reliability.increments import Findings, run_sequence

ALL = "building and testing the list for"
CHANGES = "building and testing the changed part of the list for"
MORE = {
    "crimes": "force,crime_ref,offence_code,reported_on,updated_at\nmet,c3,19/8,2026-07-01,2026-07-02T09:00:00\n",
    "involvements": "force,crime_ref,person_ref,role,updated_at\n"
    "met,c3,p1,suspect,2026-07-02T09:00:00\n"
    "met,c3,v1,victim,2026-07-02T09:00:00\n",
}


def refresh(harmrank: Command, home: PublishedHome, *options: str) -> str:
    """Returns the output of a refresh that succeeds, whatever its list would wait for."""
    done = harmrank("refresh", home.extracts, "--home", home.home, "--accept-list", *options)
    assert done.returncode == 0, done.stderr
    return done.stderr


@dataclass(frozen=True)
class Changed:
    """The published home after a further extract has been refreshed, for tests that only read, and the refresh's output."""

    home: PublishedHome
    said: str


@pytest.fixture(scope="module")
def changed(published: PublishedHome, tmp_path_factory: pytest.TempPathFactory, harmrank: Command) -> Changed:
    """One refresh of changes only."""
    root = tmp_path_factory.mktemp("changed")
    home = PublishedHome(homes.copied(published.home, root / "home"), root / "extracts")
    shutil.copytree(published.extracts, home.extracts)
    write_extract(home.extracts, "2026-07-31", MORE)
    return Changed(home, refresh(harmrank, home))


@pytest.fixture
def changed_copy(changed: Changed, tmp_path: Path) -> PublishedHome:
    """A copy of that home that a test may change."""
    return PublishedHome(homes.copied(changed.home.home, tmp_path / "home"), changed.home.extracts)


def change(home: PublishedHome, sql: str) -> None:
    """Change the warehouse by hand."""
    with duckdb.connect(str(home.home / "warehouse.duckdb")) as connection:
        connection.execute(sql)


def dbt(home: PublishedHome, *arguments: str) -> None:
    """Plain dbt on the home, as an analyst runs it."""
    command = [Path(sys.executable).with_name("dbt"), "--quiet", *arguments, "--target-path", home.home / "target"]
    environment = {**os.environ, "HARMRANK_HOME": str(home.home), "DBT_PROFILES_DIR": "profiles"}
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True)


@pytest.mark.thorough
def test_random_extracts_give_the_same_tables_as_a_full_build() -> None:
    """The main promise: a different row would mean that a score depends on the order of extracts."""
    found = Findings()
    run_sequence(seed=20, steps=4, found=found)
    assert found.errors == []
    assert found.kinds["changes only"] >= 2


@pytest.mark.thorough
def test_records_that_share_a_digest_stay_apart(tmp_path: Path) -> None:
    """A digest only narrows the search, the key decides: with five digests for all records the tables are the same."""
    copy = tmp_path / "project"
    for name in ("harmrank", "models", "macros", "seeds", "tests", "analyses", "expectations", "profiles"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "dbt_project.yml", copy)
    macro = copy / "macros" / "digests.sql"
    text = macro.read_text()
    assert text.count("4294967296") == 1
    macro.write_text(text.replace("4294967296", "5"))
    command = homes.command("--sequences", "1", "--steps", "3", "--seed", "20", module="reliability.increments")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), str(copy / "tests")])}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 rebuilt changes only" in done.stdout


def test_only_changed_rows_are_rebuilt(changed: Changed) -> None:
    """A further extract touches its own people and crimes, and only the lists whose scores they change."""
    assert CHANGES in changed.said
    with duckdb.connect(str(changed.home.home / "warehouse.duckdb"), read_only=True) as connection:
        crimes = connection.execute("select crime_ref from intermediate.int_touched_crimes").fetchall()
        lists = connection.execute("select list_date from intermediate.int_changed_lists order by 1").fetchall()
    assert crimes == [("c3",)]
    assert [str(date) for (date,) in lists] == ["2026-06-30", "2026-07-31"]


def test_full_rebuilds_everything(scratch: PublishedHome, without_dbt: Command) -> None:
    """Whatever state the tables are in."""
    write_extract(scratch.extracts, "2026-07-31", MORE)
    assert ALL in refresh(without_dbt, scratch, "--full")


@pytest.mark.thorough
def test_tables_made_by_another_method_are_not_built_on(scratch: PublishedHome, harmrank: Command) -> None:
    """A list built half by one method and half by another would follow neither."""
    assert ALL in refresh(harmrank, scratch, "--method", "v100_count")
    write_extract(scratch.extracts, "2026-07-31", MORE)
    assert ALL in refresh(harmrank, scratch)


@pytest.mark.thorough
def test_tables_that_dbt_made_by_hand_are_not_built_on(scratch: PublishedHome, harmrank: Command) -> None:
    """An analyst's build may be of another method or date, or of some of the tables; tests alone change nothing."""
    write_extract(scratch.extracts, "2026-07-31", MORE)
    dbt(scratch, "test", "--select", "int_rules")
    assert CHANGES in refresh(harmrank, scratch)
    dbt(scratch, "build", "--select", "int_rules", "--vars", "{method: v100_count}")
    write_extract(scratch.extracts, "2026-08-31", {"people": SMALL_FEED["people"]})
    assert ALL in refresh(harmrank, scratch)


@pytest.mark.thorough
def test_after_a_failed_build_everything_is_rebuilt(scratch: PublishedHome, harmrank: Command) -> None:
    """Some tables have the new extract and some do not: none of them can be trusted."""
    change(scratch, "update raw.extract_files set rows_read = rows_read + 1, rows_landed = rows_landed + 1")
    write_extract(scratch.extracts, "2026-07-31", MORE)
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home)
    assert done.returncode == 4
    assert CHANGES in done.stderr
    change(
        scratch,
        "update raw.extract_files set rows_read = rows_read - 1, rows_landed = rows_landed - 1 "
        "where extract_id = '2026-06-30'",
    )
    assert ALL in refresh(harmrank, scratch)


def test_check_looks_at_every_row(changed_copy: PublishedHome, harmrank: Command) -> None:
    """Rows of earlier builds, which a refresh no longer tests, need a command that does."""
    done = harmrank("check", "--home", changed_copy.home, "--all")
    assert done.returncode == 0, done.stderr
    doubled = "insert into intermediate.int_crime_victims from intermediate.int_crime_victims where crime_ref = 'c1'"
    change(changed_copy, doubled)
    change(changed_copy, "update reference.harm_weights set basis = null, source = null where offence_code = '019/08'")
    done = harmrank("check", "--home", changed_copy.home, "--all")
    assert done.returncode == 4
    assert "unique_key_int_crime_victims" in done.stderr
    # One test of several columns names those that fail.
    assert "complete_harm_weights found 4 values (basis, source)" in " ".join(done.stderr.split())


@pytest.mark.thorough
def test_an_extract_that_was_taken_out_and_landed_again_is_seen(scratch: PublishedHome, harmrank: Command) -> None:
    """After an extract is deleted from raw by hand and another lands under its id, the list is built from the new one."""
    about = ("extracts", "extract_files", "extract_checks", "value_defects", "quarantine", "acceptance")
    change(scratch, "; ".join(f"delete from raw.{table}" for table in (*about, *SMALL_FEED)))
    crimes = SMALL_FEED["crimes"].replace("19/8", "8/1")
    (scratch.extracts / "2026-06-30" / "crimes.csv").write_text(crimes, encoding="utf-8")
    assert ALL in refresh(harmrank, scratch)
    with duckdb.connect(str(scratch.mart), read_only=True) as connection:
        codes = connection.execute("select offence_code from mart.offender_evidence order by 1").fetchall()
    assert codes == [("008/01",), ("008/06",)]


def test_a_repeated_row_among_the_new_ones_stops_the_refresh(changed_copy: PublishedHome) -> None:
    """A test that reads a part of a table reads the new rows."""
    with duckdb.connect(str(changed_copy.home / "warehouse.duckdb")) as connection:
        test = (changed_copy.home / "target" / "compiled").rglob("unique_key_int_crime_victims_*.sql")
        query = next(test).read_text(encoding="utf-8")
        double = "insert into intermediate.int_crime_victims from intermediate.int_crime_victims where crime_ref = "
        connection.execute(f"{double}'c1'")
        assert connection.execute(query).fetchall() == []
        connection.execute(f"{double}'c3'")
        assert [row[1] for row in connection.execute(query).fetchall()] == ["c3"]


def test_check_of_a_missing_home_is_wrong_use(tmp_path: Path, harmrank: Command) -> None:
    """A mistyped path creates no home."""
    assert harmrank("check", "--home", tmp_path / "none").returncode == 2
    assert list(tmp_path.iterdir()) == []
