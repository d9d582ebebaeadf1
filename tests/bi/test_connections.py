"""What a connection of Superset can do: no SQL finds a name on that of everybody, or changes what is published."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import mart
import pytest
from conftest import PublishedHome
from ways_to_ask import READING, WAYS

# Of the suspect of the small feed, the one who is ranked.
NAMED = re.compile("Mann|Invented")


def with_names(connection: Any, published: Path, ways: Sequence[str] = WAYS) -> list[str]:
    """Returns the ways to ask that a connection answers with a name, in its rows or in its error."""
    build = (published / "current").resolve()
    found = []
    for way in ways:
        try:
            asked = way.format(build=build, names=build / "operational", home=published.parent)
            said = str(connection.execute(asked).fetchall())
        except duckdb.Error as error:
            said = str(error)
        if NAMED.search(said):
            found.append(way)
    return found


@pytest.fixture
def copied(published: PublishedHome, tmp_path: Path) -> Path:
    """A copy of the published folder, for statements that would write."""
    return Path(shutil.copytree(published.home / "published", tmp_path / "published", symlinks=True))


def test_no_way_to_ask_finds_a_name_on_the_connection_of_everybody(copied: Path) -> None:
    """The file has none, DuckDB opens no other, and nothing on disk or on the connection changes."""
    assert len(WAYS) > 100

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}

    before = files()
    reader = mart.open_build(copied, mart.LIST)
    assert with_names(reader, copied) == []
    # Below the reader that looks at the kind of each statement, DuckDB itself finds none either.
    assert (
        with_names(mart.open_build(copied, mart.LIST)._database, shutil.copytree(copied, copied.parent / "other")) == []
    )
    assert reader.execute("select count(*) from mart.top_100").fetchone() == (1,)
    assert files() == before


def test_most_of_these_ways_find_one_where_nothing_prevents_it(copied: Path) -> None:
    """The test above could fail."""
    build = copied / "current"
    with duckdb.connect() as plain:
        plain.execute("create schema mart")
        plain.execute(f"attach '{build / 'operational' / 'offender_people.duckdb'}' as operational (read_only)")
        plain.execute("create table mart.offender_people as from operational.mart.offender_people")
        plain.execute(f"create table mart.top_100 as from '{build / 'top_100.parquet'}'")
        assert len(with_names(plain, copied, READING)) > 50


def test_the_operational_connection_has_the_names_of_the_list_and_no_others(copied: Path) -> None:
    """Nor those of the others who are ranked, whatever is asked: it reads no file once it is open, and writes none."""
    query = "select harm_rank, surname from mart.top_100 join mart.offender_people using (offender_key)"
    assert mart.open_build(copied, mart.NAMES).execute(query).fetchall() == [(1, "Mann")]
    with duckdb.connect(str(copied / "current" / "harm_mart.duckdb")) as file:
        file.execute("delete from mart.top_100")
    assert with_names(mart.open_build(copied, mart.NAMES), copied) == []


@pytest.mark.parametrize("connection", [mart.LIST, mart.NAMES])
@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1 as one) to '{build}/harm_mart.duckdb.wal' (format csv)",
        "explain analyze create temp table mine as select 1",
        "call enable_logging()",
        "select 1; drop view mart.top_100",
        "create temp macro harm_days() as 1",
    ],
)
def test_only_select_is_answered(copied: Path, connection: str, statement: str) -> None:
    """Statements that DuckDB would run although the file is read-only and every other file is closed."""
    with pytest.raises(duckdb.PermissionException, match="only SELECT"):
        mart.open_build(copied, connection).execute(statement.format(build=(copied / "current").resolve()))


def test_a_home_without_a_build_is_an_error(tmp_path: Path) -> None:
    """An empty mart would look like a list without people."""
    with pytest.raises(FileNotFoundError):
        mart.open_build(tmp_path, mart.LIST)
