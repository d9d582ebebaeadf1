"""Compares what Spark and DuckDB have published from the same extracts: every column, every row, every value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from harmrank.home.folder import Home
from harmrank.publishing.current_build import read_manifest

FIRST = 3
# Columns in which two builds of the same extracts always differ: their names and times.
OWN = {"build_id", "built_at"}
# The comparison is printed, so these columns are shown as "...".
PERSONAL = {"forename", "middle_names", "surname", "date_of_birth", "birth_year"}


@dataclass(frozen=True)
class Mart:
    """One mart: its rows on each engine, and one line for each difference (no line where they are equal)."""

    name: str
    duckdb_rows: int
    spark_rows: int
    differences: list[str]


def published(home: Path, spark_home: Path) -> list[Mart]:
    """Returns a comparison of every table that two homes have published, and of its entry in their manifests."""
    one, other = ((read_manifest(Home(root)) or {"tables": {}})["tables"] for root in (home, spark_home))
    with duckdb.connect() as connection:
        found = [Mart(name, 0, 0, ["only DuckDB has it"]) for name in sorted(one.keys() - other.keys())]
        found += [Mart(name, 0, 0, ["only Spark has it"]) for name in sorted(other.keys() - one.keys())]
        for name in sorted(one.keys() & other.keys()):
            in_manifests = [
                f"the manifests differ in its {fact}"
                for fact in ("description", "keys", "columns")
                if one[name][fact] != other[name][fact]
            ]
            columns = [column["name"] for column in one[name]["columns"] if column["name"] not in OWN]
            files = [
                f"(select {', '.join(columns)} from '{root.resolve()}/published/current/{entry[name]['file']}')"
                for root, entry in ((home, one), (spark_home, other))
            ]
            rows = [_count(connection, file) for file in files]
            rows_apart = [*_only(connection, *files, "DuckDB"), *_only(connection, *files[::-1], "Spark")]
            found.append(Mart(name, *rows, [*in_manifests, *rows_apart]))
        return found


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    return int(rows)


def _only(connection: duckdb.DuckDBPyConnection, one: str, other: str, engine: str) -> list[str]:
    """Returns a line for each of the first rows that only one file has, or has more often."""
    found = connection.execute(f"(from {one}) except all (from {other}) order by all")
    names = [column[0] for column in found.description]
    rows = found.fetchall()
    more = [f"and {len(rows) - FIRST:,} more only in {engine}"] if len(rows) > FIRST else []
    return [f"only in {engine}: {_readable(names, row)}" for row in rows[:FIRST]] + more


def _readable(names: list[str], row: tuple[object, ...]) -> str:
    """Returns the values of a row as text, without those that name a person."""
    return ", ".join(
        "..." if name in PERSONAL and value is not None else str(value) for name, value in zip(names, row, strict=True)
    )
