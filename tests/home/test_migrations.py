"""Homes of older layouts are upgraded completely or left unchanged; homes of newer layouts are refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Command, PublishedHome, write_extract

from harmrank.errors import HarmrankError
from harmrank.home import migrations, warehouse
from harmrank.home.folder import Home

# The raw tables of the first harmrank. Released: never change them.
VERSION_1 = """
create schema raw;
create table raw.extracts (
    extract_id varchar primary key, extract_at timestamp not null, extract_on date not null,
    landed_at timestamp not null, content_sha256 varchar not null);
create table raw.extract_files (
    extract_id varchar not null, table_name varchar not null, file_name varchar not null, bytes bigint not null,
    modified_ns bigint not null, sha256 varchar not null, rows_read bigint not null, rows_landed bigint not null,
    rows_quarantined bigint not null, check (rows_read = rows_landed + rows_quarantined));
create table raw.quarantine (
    extract_id varchar not null, table_name varchar not null, file_name varchar not null,
    line_number bigint not null, reason varchar not null, raw_text varchar);
create table raw.value_defects (
    extract_id varchar not null, table_name varchar not null, column_name varchar not null, reason varchar not null,
    rows_affected bigint not null);
create table raw.refused_extracts (
    extract_id varchar not null, content_sha256 varchar, refused_at timestamp not null, file_name varchar,
    line_number bigint, column_name varchar, message varchar not null);
create table raw.imported_weights (
    harm_index varchar, offence_code varchar, recorded_crime_code varchar, harm_days double,
    harm_days_highest double, published_days varchar, basis varchar, source varchar);
create table raw.build_request (
    build_id varchar, requested_at timestamp, list_date date, method varchar, code_version varchar,
    duckdb_version varchar, dbt_version varchar);
create table raw.crimes (
    force varchar not null, crime_ref varchar not null, offence_code varchar, reported_on date, committed_from date,
    committed_to date, reported_by varchar, outcome_type integer, outcome_on date, cancelled_on date,
    area_code varchar, domestic_abuse boolean, updated_at timestamp not null, is_deleted boolean not null,
    extract_id varchar not null, row_number bigint not null);
create table raw.people (
    force varchar not null, person_ref varchar not null, forename varchar, middle_names varchar, surname varchar,
    date_of_birth date, birth_year integer, sex varchar, ethnicity varchar, pnc_id varchar, postcode varchar,
    deceased_on date, updated_at timestamp not null, is_deleted boolean not null, extract_id varchar not null,
    row_number bigint not null);
create table raw.involvements (
    force varchar not null, crime_ref varchar not null, person_ref varchar not null, role varchar not null,
    status varchar, relationship varchar, updated_at timestamp not null, is_deleted boolean not null,
    extract_id varchar not null, row_number bigint not null);
create table raw.custody (
    force varchar not null, person_ref varchar not null, custody_from date not null, custody_to date,
    updated_at timestamp not null, is_deleted boolean not null, extract_id varchar not null,
    row_number bigint not null);
create table raw.person_merges (
    force varchar not null, person_ref varchar not null, merged_into_ref varchar, updated_at timestamp not null,
    is_deleted boolean not null, extract_id varchar not null, row_number bigint not null);
"""
COLUMNS = (
    "select table_name, column_name, column_index, data_type, is_nullable, column_default from duckdb_columns() "
    "where schema_name = 'raw' order by all"
)
CONSTRAINTS = (
    "select table_name, constraint_type, constraint_text from duckdb_constraints() where schema_name = 'raw' "
    "order by all"
)


def ask(home: Home, query: str) -> list[tuple[Any, ...]]:
    """Returns the rows of a query on the warehouse, without upgrading it."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def version_1(root: Path, rows_of: Home | None = None) -> Home:
    """Returns a home of version 1, with the rows of another home if one is named."""
    home = Home(root)
    home.create()
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(VERSION_1)
        if rows_of is not None:
            connection.execute(f"attach '{rows_of.warehouse}' as newer (read_only)")
            tables = connection.execute(
                "select table_name, string_agg(column_name, ', ') from duckdb_columns() "
                "where schema_name = 'raw' and database_name <> 'newer' group by 1"
            ).fetchall()
            for table, columns in tables:
                connection.execute(f"insert into raw.{table} ({columns}) select {columns} from newer.raw.{table}")
    return home


def contents(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Returns every raw row, without what depends on the time or the layout it was written in.

    Extracts that an older harmrank landed were not checked, so they have no findings and no report.
    """
    moments = "'landed_at', 'requested_at', 'refused_at', 'build_id', 'record_key'"
    tables = ask(
        home,
        "select table_name, string_agg(column_name, ', ' order by column_index) from duckdb_columns() "
        "where schema_name = 'raw' and table_name not in ('home_layout', 'extract_checks', 'acceptance', 'value_counts') "
        f"and column_name not in ({moments}) group by 1",
    )
    return {table: ask(home, f"select {columns} from raw.{table} order by all") for table, columns in tables}


def test_a_migrated_home_has_the_layout_of_a_new_one(tmp_path: Path) -> None:
    """A definition changed without its step would leave older homes with tables that newer code cannot write."""
    fresh, older = Home(tmp_path / "fresh"), version_1(tmp_path / "older")
    fresh.create()
    for home in (fresh, older):
        warehouse.connect(home).close()
    assert ask(older, COLUMNS) == ask(fresh, COLUMNS)
    assert ask(older, CONSTRAINTS) == ask(fresh, CONSTRAINTS)
    newest = migrations.newest_layout()
    assert ask(fresh, "select version from raw.home_layout") == [(newest,)]
    assert ask(older, "select version from raw.home_layout order by 1") == [(n,) for n in range(2, newest + 1)]


@pytest.mark.thorough
def test_refresh_upgrades_an_older_home_and_publishes_what_a_new_home_does(tmp_path: Path, harmrank: Command) -> None:
    """After an update of harmrank the same command works and loses no row."""
    crimes = "force,crime_ref,offence_code,reported_on,updated_at\n"
    rows = [f"met,c{n},019/08,2026-05-01,2026-05-02\n" for n in range(12)]
    write_extract(
        tmp_path / "extracts", "2026-05-31", {"crimes": crimes + "".join(rows) + "met,bad,019/08,x,2026-05-02\n"}
    )
    assert harmrank("land", tmp_path / "extracts", "--home", tmp_path / "landed").returncode == 0
    older = version_1(tmp_path / "older", rows_of=Home(tmp_path / "landed"))
    assert ask(older, "select count(*) from raw.quarantine") == [(1,)]

    write_extract(tmp_path / "extracts", "2026-06-30", {"crimes": f"{crimes}met,c1,019/08,2026-05-01,2026-06-02\n"})
    fresh = Home(tmp_path / "fresh")
    for home in (older, fresh):
        done = harmrank("refresh", tmp_path / "extracts", "--home", home.root, "--accept-list")
        assert done.returncode == 0, done.stderr
    assert contents(older) == contents(fresh)
    tables = "select table_name from duckdb_tables() where schema_name = 'mart' order by 1"
    assert ask(older, tables) == ask(fresh, tables)
    reconciliation = "select * from mart.extract_reconciliation order by all"
    assert ask(older, reconciliation) == ask(fresh, reconciliation)


def test_a_failed_step_leaves_the_home_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No harmrank could read a layout with half a step."""
    home = version_1(tmp_path / "home")
    before = ask(home, COLUMNS)
    broken = ("ALTER TABLE raw.extracts ADD COLUMN half VARCHAR", "ALTER TABLE raw.nothing ADD COLUMN other VARCHAR")
    monkeypatch.setattr(migrations, "STEPS", (broken, *migrations.STEPS))
    with pytest.raises(duckdb.CatalogException):
        warehouse.connect(home)
    assert ask(home, COLUMNS) == before
    monkeypatch.undo()
    warehouse.connect(home).close()
    assert ask(home, "select max(version) from raw.home_layout") == [(migrations.newest_layout(),)]


KILLED = """
import os, signal, sys
from pathlib import Path
from harmrank.home import migrations, warehouse
from harmrank.home.folder import Home

class Killed:
    def __init__(self, connection):
        self.connection = connection
    def execute(self, statement, *values):
        if statement == "COMMIT":
            os.kill(os.getpid(), signal.SIGKILL)
        return self.connection.execute(statement, *values)

apply = migrations._in_one_transaction
migrations._in_one_transaction = lambda connection, *rest: apply(Killed(connection), *rest)
warehouse.connect(Home(Path(sys.argv[1])))
"""


def test_a_kill_during_a_step_leaves_the_home_unchanged(tmp_path: Path) -> None:
    """Killed after the step and its version are written, before the commit: the home still has version 1."""
    home = version_1(tmp_path / "home")
    before = ask(home, COLUMNS)
    done = subprocess.run([sys.executable, "-c", KILLED, str(home.root)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert ask(home, COLUMNS) == before
    warehouse.connect(home).close()
    assert ask(home, "select max(version) from raw.home_layout") == [(migrations.newest_layout(),)]


def test_steps_continue_from_the_version_of_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No step is applied twice."""
    home = version_1(tmp_path / "home")
    warehouse.connect(home).close()
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, ("CREATE TABLE raw.later (a INTEGER)",)))
    for _ in range(2):
        warehouse.connect(home).close()
    versions = ask(home, "select version from raw.home_layout order by 1")
    assert versions == [(n,) for n in range(2, migrations.newest_layout() + 1)]


@pytest.mark.parametrize("read_only", [True, False])
def test_a_home_of_a_newer_harmrank_is_refused(tmp_path: Path, read_only: bool) -> None:
    """An older program could destroy what it does not know."""
    home = Home(tmp_path / "home")
    home.create()
    with warehouse.connect(home) as connection:
        connection.execute("insert into raw.home_layout values (99, now()::timestamp)")
    with pytest.raises(HarmrankError, match="made by a newer harmrank .* install that one") as caught:
        warehouse.connect(home, read_only=read_only)
    assert caught.value.exit_code == 1


def test_a_newer_home_gives_one_line_and_stays_unchanged(scratch: PublishedHome, harmrank: Command) -> None:
    """The commands say what to do, and the current list can still be read."""
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        connection.execute("insert into raw.home_layout values (99, now()::timestamp)")
    before = os.readlink(scratch.home / "published" / "current")
    for command in (("refresh", scratch.extracts), ("land", scratch.extracts), ("status",)):
        done = harmrank(*command, "--home", scratch.home)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert "newer harmrank" in done.stderr
    assert harmrank("top", "--home", scratch.home).returncode == 0
    assert os.readlink(scratch.home / "published" / "current") == before


def test_status_reads_an_older_home(tmp_path: Path, harmrank: Command) -> None:
    """Reading must not need an upgrade, which only a writer may do."""
    home = version_1(tmp_path / "home")
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            "insert into raw.refused_extracts (extract_id, refused_at, message) "
            "values ('2026-05-31', timestamp '2026-06-01', 'Extract 2026-05-31 was refused')"
        )
    done = harmrank("status", "--home", home.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Extract 2026-05-31 was refused" in done.stdout
    assert ask(home, "select count(*) from duckdb_tables() where table_name = 'home_layout'") == [(0,)]


def test_a_reader_that_needs_the_new_layout_names_the_command(tmp_path: Path, harmrank: Command) -> None:
    """It names the command that upgrades the home, and changes nothing."""
    home = version_1(tmp_path / "home")
    done = harmrank("quarantine", "--home", home.root)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"harmrank: {home.root} was made by an older harmrank: run harmrank refresh EXTRACTS --home {home.root} once, "
        "then this again.\n"
    )
    assert ask(home, "select count(*) from duckdb_tables() where table_name = 'home_layout'") == [(0,)]


@pytest.mark.parametrize(
    ("older", "command"),
    [
        ("alter table mart.build_info drop column harm_unit", ("top",)),
        ("alter table mart.top_100 drop column is_tied", ("top",)),
        ("alter table mart.top_100 drop column harm_days_above_line", ("explain", "met|p1")),
        ("drop table mart.unclassified_allegations", ("explain", "met|p1")),
        ("drop table mart.top_100_evidence", ("shape",)),
    ],
)
def test_a_list_of_an_older_harmrank_says_what_to_do(
    scratch: PublishedHome, harmrank: Command, older: str, command: tuple[str, ...]
) -> None:
    """After an update the published list may lack columns that newer readers show: they print a sentence, not a KeyError."""
    with duckdb.connect(str(scratch.mart)) as connection:
        connection.execute(older)
    done = harmrank(*command, "--home", scratch.home)
    assert done.returncode == 1
    assert done.stderr == (
        "harmrank: the list was published by an older harmrank and lacks data for this: "
        "run harmrank refresh EXTRACTS --home HOME\n"
    )
