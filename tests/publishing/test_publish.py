"""What a build holds: what the project makes and nothing else, and names in a folder with permissions of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY, Command, PublishedHome

from harmrank.errors import HarmrankError, UsageError
from harmrank.home.folder import Home
from harmrank.publishing import current_build, publish
from harmrank.reading import explaining, published_mart
from harmrank.reading.briefing import facts

# The suspect of the small feed, and what only a file with names may say of him.
KEY = "met|p1"
NAMED = re.compile("Invented|Mann|1980-01-01")
NOBODY = 65534
BEFORE_BUILT_RELATIONS = 7


@pytest.fixture
def reachable(published: PublishedHome) -> Iterator[PublishedHome]:
    """A copy of the published home where every user of the machine can reach it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    shutil.copytree(published.home, folder / "home", symlinks=True)
    yield PublishedHome(folder / "home", published.extracts)
    shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Runs the block as a user without any group."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def access(build: Path) -> set[tuple[int, int]]:
    """Returns mode and group of the folder with names and of the files in it."""
    folder = build / "operational"
    return {(path.stat().st_mode & 0o777, path.stat().st_gid) for path in (folder, *folder.iterdir())}


def test_no_file_outside_operational_holds_a_name(published: PublishedHome) -> None:
    """Neither a table, a comment, the manifest, a Parquet file's own metadata, nor what the home keeps for operators."""
    build = published.mart.parent.resolve()
    with duckdb.connect(str(build / "harm_mart.duckdb"), read_only=True) as mart:
        said = [
            str(mart.execute(f"from {catalogue}()").fetchall()) for catalogue in ("duckdb_columns", "duckdb_tables")
        ]
        for (table,) in mart.execute("select table_name from duckdb_tables()").fetchall():
            said.append(str(mart.execute(f"select t::varchar from mart.{table} as t").fetchall()))
        for file in build.glob("*.parquet"):
            said.append(str(mart.execute(f"from parquet_metadata('{file}')").fetchall()))
            said.append(str(mart.execute(f"select t::varchar from '{file}' as t").fetchall()))
    kept = [build / "manifest.json", *(published.home / "logs").iterdir(), *(published.home / "reports").iterdir()]
    said += [path.read_text(encoding="utf-8") for path in kept]
    assert [text for text in said if NAMED.search(text)] == []
    with duckdb.connect(str(published.names), read_only=True) as names:
        assert NAMED.search(str(names.execute("from mart.offender_people").fetchall()))


def test_names_keep_their_own_permissions_from_build_to_build(scratch: PublishedHome, without_dbt: Command) -> None:
    """Closed at first, also under --published-mode; an operator opens them to a group once, and every build follows."""
    home, published = scratch.home, scratch.home / "published"
    assert {mode for mode, _ in access(published / "current")} == {0o700, 0o600}
    refresh = ("refresh", scratch.extracts, "--home", home)
    assert without_dbt(*refresh, "--full", "--published-mode", "755").returncode == 0
    assert {mode for mode, _ in access(published / "current")} == {0o700, 0o600}
    group = 4711 if os.getuid() == 0 else os.getgid()
    os.chown(published / "current" / "operational", -1, group)
    assert without_dbt(*refresh, "--operational-mode", "750").returncode == 0
    before = (published / "current").resolve()
    assert access(before) == {(0o750, group), (0o640, group)}
    assert before.stat().st_gid == published.stat().st_gid and before.stat().st_mode & 0o777 == 0o755
    assert without_dbt(*refresh, "--full").returncode == 0
    after = (published / "current").resolve()
    assert after != before and access(after) == {(0o750, group), (0o640, group)}
    assert without_dbt(*refresh, "--full", "--operational-mode", "700").returncode == 0
    assert {mode for mode, _ in access(published / "current") | access(after)} == {0o700, 0o600}


def test_a_reader_who_may_not_read_names_gets_a_message(reachable: PublishedHome) -> None:
    """Commands read what the reader may read and say what is left out; none acts as if there were no name."""
    home = Home(reachable.home)
    publish.share(home, 0o755, None)
    with as_nobody():
        assert current_build.faults(home) == []
        explanation = published_mart.explain(home, KEY)
        with pytest.raises(UsageError, match="Whether it was merged into another key is unknown: only operational"):
            published_mart.explain(home, "met|p7")
        with pytest.raises(HarmrankError, match="only operational readers may read HOME/published/current/operational"):
            facts.read(home, with_names=True)
        assert facts.read(home, with_names=False).people == {}
        with pytest.raises(PermissionError):
            current_build.faults(home, thoroughly=True)
    assert explanation.records is None
    said = [note for note in explaining.sheet(explanation).notes if "only operational readers may read" in note]
    assert len(said) == 1
    publish.share(home, None, 0o755)
    with as_nobody():
        assert facts.read(home, with_names=True).people.keys() == {KEY}


def test_a_damaged_file_of_names_is_a_fault(scratch: PublishedHome) -> None:
    """The integrity of both files with names is checked like that of every other."""
    for name in ("offender_people.duckdb", "offender_people.parquet"):
        path = scratch.mart.parent.resolve() / "operational" / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert current_build.faults(Home(scratch.home)) == []
        assert current_build.faults(Home(scratch.home), thoroughly=True) == [
            f"{path} is damaged (its SHA-256 has changed)"
        ]
        path.write_bytes(whole[:9])
        assert current_build.faults(Home(scratch.home)) == [f"{path} is damaged (its size has changed)"]
        path.write_bytes(whole)
    path = scratch.mart.parent.resolve() / "operational" / "offender_people.duckdb"
    path.write_bytes(bytes(20_000))
    with pytest.raises(HarmrankError, match="offender_people.duckdb is damaged: run harmrank refresh"):
        published_mart.explain(Home(scratch.home), KEY)


def test_builds_of_an_older_harmrank_are_closed(scratch: PublishedHome, without_dbt: Command) -> None:
    """They have names in files for all readers: once they are no longer current, only their owner can read them."""
    home = scratch.home
    old = (home / "published" / "current").resolve()
    (old / "operational" / "offender_people.parquet").rename(old / "offender_people.parquet")
    shutil.rmtree(old / "operational")
    manifest = json.loads((old / "manifest.json").read_text(encoding="utf-8"))
    del manifest["names_file"]
    manifest["tables"]["offender_people"]["file"] = "offender_people.parquet"
    (old / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (home / "published").chmod(0o755)
    old.chmod(0o755)
    assert current_build.faults(Home(home), thoroughly=True) == []
    with pytest.raises(HarmrankError, match="published by an older harmrank"):
        published_mart.explain(Home(home), KEY)
    done = without_dbt("refresh", scratch.extracts, "--home", home, "--full")
    assert (done.returncode, f"build {old.name} has names in files for all readers" in done.stderr) == (0, True)
    assert (old.stat().st_mode & 0o777, scratch.mart.parent.resolve().stat().st_mode & 0o777) == (0o700, 0o755)
    done = without_dbt("refresh", scratch.extracts, "--home", home, "--published-mode", "755")
    assert (done.returncode, old.stat().st_mode & 0o777) == (0, 0o700)


def test_what_no_model_makes_is_not_published(scratch: PublishedHome, without_dbt: Command) -> None:
    """A mart that has left the project goes, from the warehouse too, with what else earlier builds have left there. A table or
    view of an analyst stays, is named, and is no obstacle. An older home knows its own tables by their descriptions."""
    warehouse = scratch.home / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        for kind, name in (("table", "mart.old_mart"), ("table", "intermediate.int_old"), ("view", "staging.stg_old")):
            connection.execute(f"create {kind} {name} as select 1 as one")
            connection.execute(f"comment on column {name}.one is 'What an earlier model said.'")
        connection.execute(
            "create table mart.notes as from mart.top_100; create table intermediate.mine as select 1 as a"
        )
        connection.execute("create view mart.my_view as from mart.old_mart")
        connection.execute("drop table raw.built_relations; delete from raw.home_layout")
        connection.execute("insert into raw.home_layout values (?, current_timestamp)", [BEFORE_BUILT_RELATIONS])
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home, "--full")
    assert done.returncode == 0, done.stderr
    dropped = (
        "no model makes these any more, so they were dropped: intermediate.int_old, mart.old_mart, staging.stg_old"
    )
    foreign = "no model of harmrank makes these, so they are not published: mart.my_view, mart.notes in the warehouse"
    assert [line for line in done.stderr.splitlines() if "no model" in line] == [dropped, foreign]
    models = {path.stem for path in (REPOSITORY / "models" / "marts").rglob("*.sql")}
    manifest = json.loads((scratch.mart.parent / "manifest.json").read_text(encoding="utf-8"))
    files = {path.stem for path in scratch.mart.parent.resolve().rglob("*.parquet")}
    assert manifest["tables"].keys() == files == models
    kept = {"mart.notes", "intermediate.mine"}
    with duckdb.connect(str(warehouse)) as connection:
        tables = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        assert kept <= {name for (name,) in tables} and not {("mart.old_mart",), ("intermediate.int_old",)} & {*tables}
        connection.execute("drop table mart.notes; drop view mart.my_view")
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home, "--full")
    assert (done.returncode, "no model" in done.stderr) == (0, False)


def test_a_mart_that_the_warehouse_lacks_is_named(scratch: PublishedHome, without_dbt: Command) -> None:
    """It must not be missing from the published build in silence."""
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        connection.execute("drop table mart.rule_effect")
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home, "--full")
    assert (done.returncode, "the warehouse has no mart.rule_effect: run harmrank refresh" in done.stderr) == (1, True)
