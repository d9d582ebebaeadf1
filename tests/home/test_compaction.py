"""Compaction returns unused space of the warehouse and loses nothing, whatever happens in the meantime."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import SMALL_FEED, Command, PublishedHome, write_extract
from reliability import homes, narrow

from harmrank.home import compaction, warehouse
from harmrank.home.folder import Home

MEGABYTE = 1 << 20
# What analysts may have added: every kind of object, and views whose order of creation their names do not show.
ODD = """
    create schema work;
    create type mood as enum ('good', 'bad');
    create sequence work.numbers start 7;
    create table work.notes (
        id integer primary key default nextval('work.numbers'), mood mood not null,
        harm decimal(10, 2) check (harm > 0), twice decimal(11, 2) generated always as (harm * 2), word varchar unique
    );
    comment on table work.notes is 'It''s said';
    comment on column work.notes.harm is 'in days';
    insert into work.notes (mood, harm, word) values ('good', 1.5, 'x'), ('bad', 2, null);
    select nextval('work.numbers');
    create index by_harm on work.notes (harm);
    create macro work.plus(a, b) as a + b;
    create view work.zebra as select * from work.notes;
    create view work.ape as select id, work.plus(id, 1) as more from work.zebra;
    comment on view work.ape is 'An ape';
    create schema work_empty;
"""


@pytest.fixture
def gappy(scratch: PublishedHome) -> PublishedHome:
    """A home whose warehouse has 30 MB of free blocks, followed by objects of every kind."""
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        leave_gap(connection, 30 * MEGABYTE)
        connection.execute(ODD)
    return scratch


def leave_gap(connection: duckdb.DuckDBPyConnection, size: int) -> None:
    """Creates a table of this many incompressible bytes and one behind it, so that the file cannot be cut off; drops the first."""
    connection.execute(
        f"create table main.gap as select hash(i) as a, hash(-i - 1) as b from range({size // 16}) as r (i)"
    )
    connection.execute("checkpoint")
    connection.execute("create table main.behind as select hash(i) as a from range(20000) as r (i)")
    connection.execute("checkpoint")
    connection.execute("drop table main.gap")
    connection.execute("checkpoint")


def everything(home: Path) -> dict[str, Any]:
    """Returns all objects of a warehouse with their comments, and all rows, as its readers see them."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        found: dict[str, Any] = {
            "schemas": _rows(connection, "select schema_name from information_schema.schemata where catalog_name = 'warehouse'"),
            "columns": _rows(connection, "select columns.* exclude (database_oid, schema_oid, table_oid) from duckdb_columns() as columns"),
            "definitions": _rows(connection, "select sql, comment from duckdb_tables() union all select sql, comment from "
                                 "duckdb_views() where not internal union all select sql, comment from duckdb_indexes()"),
            "constraints": _rows(connection, "select table_name, constraint_name, constraint_text from duckdb_constraints()"),
            "sequences": _rows(connection, "select sequence_name, last_value from duckdb_sequences()"),
            "macros": _rows(connection, "select function_name, macro_definition from duckdb_functions() where not internal"),
        }  # fmt: skip
        for schema, name in _rows(connection, "select table_schema, table_name from information_schema.tables"):
            found[f"{schema}.{name}"] = _rows(connection, f'select * from "{schema}"."{name}"')
    return found


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(query).fetchall(), key=repr)


def compacted(home: Path, free_bytes: int = MEGABYTE, **options: Any) -> tuple[list[str], list[str]]:
    """Compacts in this process. Returns the lines and the remarks."""
    said: list[str] = []
    with Home(home).lock():
        remarks = compaction.compact(Home(home), said.append, compaction.Worth(free_bytes=free_bytes, **options))
    return said, remarks


def in_a_process(home: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The same in another process (support/compacting.py)."""
    command = homes.command(home, str(MEGABYTE), *arguments, module="support.compacting")
    return subprocess.Popen(command, env=homes.ENVIRONMENT, stderr=subprocess.PIPE, text=True, **options)


def beside(home: Path) -> list[str]:
    """Returns the files beside the warehouse that belong to it."""
    return [path.name for path in home.glob("warehouse.duckdb?*")]


def size(home: Path) -> int:
    """Returns the bytes of the warehouse file."""
    return (home / "warehouse.duckdb").stat().st_size


@contextmanager
def untouched(home: Path) -> Iterator[None]:
    """Asserts that after the block the warehouse is the same file with the same content, and nothing is beside it."""
    before, inode = everything(home), (home / "warehouse.duckdb").stat().st_ino
    yield
    assert everything(home) == before
    assert (home / "warehouse.duckdb").stat().st_ino == inode
    assert beside(home) == []


def test_compaction_returns_unused_space_and_loses_nothing(gappy: PublishedHome) -> None:
    """Every table, row, view, comment and constraint, and what analysts added, is kept in less than half of the space."""
    before, large = everything(gappy.home), size(gappy.home)
    assert len(before) > 60
    said, remarks = compacted(gappy.home)
    assert (len(said), remarks) == (1, [])
    assert "compacting the warehouse" in said[0]
    assert everything(gappy.home) == before
    assert size(gappy.home) < large / 2
    assert (gappy.home / "warehouse.duckdb").stat().st_mode & 0o777 == 0o600
    assert beside(gappy.home) == []
    with duckdb.connect(str(gappy.home / "warehouse.duckdb")) as connection:
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("insert into work.notes (mood, harm) values ('good', 0)")
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("insert into work.notes (id, mood, harm) values (7, 'good', 1)")


@pytest.mark.thorough
def test_a_refresh_compacts_after_publishing_and_the_next_one_works(
    scratch: PublishedHome, harmrank: Command, without_dbt: Command
) -> None:
    """With the default limits: hundreds of unused megabytes go, and dbt builds on the rest."""
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        leave_gap(connection, 290 * MEGABYTE)
    large = size(scratch.home)
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home, "--full")
    assert done.returncode == 0, done.stderr
    assert "compacting the warehouse" in done.stderr
    assert size(scratch.home) < large / 10
    write_extract(scratch.extracts, "2026-07-31", {"crimes": SMALL_FEED["crimes"].replace("c1,", "c3,")})
    after = harmrank("refresh", scratch.extracts, "--home", scratch.home)
    assert after.returncode == 0, after.stderr
    assert "compacting" not in after.stderr
    homes.check(scratch.home)
    assert homes.leftovers(scratch.home) == []


def test_a_warehouse_below_the_limits_is_left_alone(gappy: PublishedHome) -> None:
    """Too little is free, in bytes or as a share."""
    with untouched(gappy.home):
        assert compacted(gappy.home, free_bytes=100 * MEGABYTE) == ([], [])
        assert compacted(gappy.home, free_share=0.99) == ([], [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_around_the_switch_leaves_a_whole_warehouse(gappy: PublishedHome, when: str) -> None:
    """The old one or the new one; leftovers are removed when the warehouse is next opened for writing."""
    before = everything(gappy.home)
    process = in_a_process(gappy.home, when)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (beside(gappy.home) != []) == (when == "before")
    assert everything(gappy.home) == before
    warehouse.connect(Home(gappy.home)).close()
    assert everything(gappy.home) == before
    assert beside(gappy.home) == []


@pytest.mark.thorough
def test_a_kill_at_any_moment_leaves_a_whole_warehouse(gappy: PublishedHome) -> None:
    """From the first byte of the new file on, later each time, until the kill comes after the end."""
    before, large, kills, instant = everything(gappy.home), size(gappy.home), 0, 0.0
    while True:
        process = in_a_process(gappy.home, stdout=subprocess.DEVNULL)
        while process.poll() is None and not beside(gappy.home):
            time.sleep(0.001)
        time.sleep(instant)
        process.kill()
        process.communicate()
        assert everything(gappy.home) == before
        warehouse.connect(Home(gappy.home)).close()
        assert beside(gappy.home) == []
        if process.returncode != -signal.SIGKILL:
            break
        kills, instant = kills + 1, instant * 1.5 + 0.02
    assert (process.returncode, kills > 0) == (0, True)
    assert size(gappy.home) < large / 2


def test_a_disk_that_cannot_hold_the_copy_is_a_remark(gappy: PublishedHome) -> None:
    """A failure leaves the warehouse unchanged, and nothing of the copy."""
    limit = 4 * MEGABYTE
    with untouched(gappy.home):
        process = in_a_process(gappy.home, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        _, said = process.communicate()
        assert process.returncode == 0, said
        assert "could not be compacted and is unchanged" in said
        assert "has reached the limit on file sizes" in said


@pytest.mark.skipif(not narrow.available(), reason="no file system of one's own here (unshare -rm)")
def test_a_full_disk_is_noticed_before_copying(gappy: PublishedHome) -> None:
    """A real disk with less free space than the copy needs: a remark with both sizes, and the next refresh works."""
    found = narrow.narrowed(gappy.home, gappy.extracts, 1_000, "HOME", str(MEGABYTE), module="support.compacting")
    assert (found["code"], "compacting the warehouse" in found["stderr"]) == (0, False), found
    assert "MB of disk space, 1 MB are free" in found["stderr"]
    assert (found["next_code"], found["left"]) == (0, []), found


def test_compaction_waits_for_other_users_of_the_warehouse(gappy: PublishedHome) -> None:
    """An analyst's dbt holds DuckDB's lock, not the home's: a remark says that compaction is left for later."""
    hold = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(gappy.home / "warehouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    other.stdout.readline()
    inode = (gappy.home / "warehouse.duckdb").stat().st_ino
    said, remarks = compacted(gappy.home)
    other.communicate("\n")
    assert said == []
    assert f"is open in process {other.pid}" in remarks[0]
    assert (gappy.home / "warehouse.duckdb").stat().st_ino == inode


def test_nobody_can_write_to_the_old_file(gappy: PublishedHome) -> None:
    """Not until the new file has replaced it: the work would be lost with the old file."""
    file = gappy.home / "warehouse.duckdb"
    attempt = f"import duckdb; duckdb.connect({str(file)!r})"
    outcomes = []

    def say(_: str) -> None:
        outcomes.append(subprocess.run([sys.executable, "-c", attempt], capture_output=True, check=False).returncode)

    with Home(gappy.home).lock():
        compaction.compact(Home(gappy.home), say, compaction.Worth(free_bytes=MEGABYTE))
    assert outcomes == [1]
    assert subprocess.run([sys.executable, "-c", attempt], check=False).returncode == 0


def test_a_warehouse_with_a_write_ahead_log_is_left_alone(gappy: PublishedHome) -> None:
    """The log of a killed process would be lost, or applied to the new file."""
    write = (
        "import os, sys, duckdb; c = duckdb.connect(sys.argv[1]); "
        "c.execute(\"insert into raw.corrections values ('2026-06-30', '2026-05-31')\"); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", write, str(gappy.home / "warehouse.duckdb")], check=True)
    assert beside(gappy.home) == ["warehouse.duckdb.wal"]
    assert compacted(gappy.home) == ([], [])
    assert beside(gappy.home) == ["warehouse.duckdb.wal"]
    warehouse.connect(Home(gappy.home)).close()
    assert beside(gappy.home) == []
    assert everything(gappy.home)["raw.corrections"] == [("2026-06-30", "2026-05-31")]


def test_the_format_of_the_file_stays(scratch: PublishedHome) -> None:
    """Older DuckDB clients that could read the warehouse still can."""
    old, file = scratch.home / "old.duckdb", scratch.home / "warehouse.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{file}' as warehouse (read_only)")
        connection.execute(f"attach '{old}' as old (storage_version 'v1.0.0')")
        connection.execute("copy from database warehouse to old")
        connection.execute("use old")
        leave_gap(connection, 30 * MEGABYTE)
    old.replace(file)
    said, remarks = compacted(scratch.home)
    assert (len(said), remarks) == (1, [])
    with duckdb.connect(str(file), read_only=True) as connection:
        row = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where path is not null"
        ).fetchone()
    assert "v1.0.0" in str(row)


def test_a_warehouse_on_another_disk_stays_there(gappy: PublishedHome, tmp_path: Path) -> None:
    """If the file is a link, its target is compacted on its own disk."""
    elsewhere = tmp_path / "other disk"
    elsewhere.mkdir()
    (gappy.home / "warehouse.duckdb").rename(elsewhere / "large.duckdb")
    (gappy.home / "warehouse.duckdb").symlink_to(elsewhere / "large.duckdb")
    large = size(gappy.home)
    said, remarks = compacted(gappy.home)
    assert (len(said), remarks) == (1, [])
    assert (gappy.home / "warehouse.duckdb").is_symlink()
    assert [path.name for path in elsewhere.iterdir()] == ["large.duckdb"]
    assert size(gappy.home) < large / 2
