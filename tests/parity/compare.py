"""Holds the marts that Spark has made against those that DuckDB has made: every column, every row, every value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

FIRST = 3
# What is printed may be read by others: of these only that they are there.
PERSONAL = {"forename", "middle_names", "surname", "date_of_birth", "birth_year"}


@dataclass(frozen=True)
class Mart:
    """One mart: how many rows each engine gives it, and what differs, in lines; nothing where they are equal."""

    name: str
    duckdb_rows: int
    spark_rows: int
    differences: list[str]


def marts(warehouse: Path, spark_home: Path) -> list[Mart]:
    """Compare every mart of a warehouse with the tables under a home of Spark; a mart that only one has is a difference."""
    tables = spark_home / "spark" / "warehouse" / "mart.db"
    with _both(warehouse) as connection:
        names = {
            str(name)
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where database_name = 'theirs' and schema_name = 'mart'"
            ).fetchall()
        }
        made = {folder.name for folder in tables.iterdir()} if tables.is_dir() else set()
        return [
            *(Mart(name, 0, 0, ["only DuckDB has it"]) for name in sorted(names - made)),
            *(Mart(name, 0, 0, ["only Spark has it"]) for name in sorted(made - names)),
            *(_compared(connection, name, tables / name) for name in sorted(names & made)),
        ]


@contextmanager
def _both(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as theirs (read_only)")
        yield connection


def _compared(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> Mart:
    one = f"theirs.mart.{name}"
    other = f"read_parquet('{folder}/*.parquet')"
    rows = _count(connection, one), _count(connection, other)
    columns, made = _columns(connection, one), _columns(connection, other)
    if columns != made:
        differences = [
            f"DuckDB has {column}, Spark {found}"
            for column, found in zip(columns, made, strict=False)
            if column != found
        ]
        return Mart(name, *rows, differences or [f"{len(columns)} columns on DuckDB, {len(made)} on Spark"])
    return Mart(name, *rows, [*_only(connection, one, other, "DuckDB"), *_only(connection, other, one, "Spark")])


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    return int(rows)


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Names and types, in their order."""
    return [f"{row[0]} {row[1]}" for row in connection.execute(f"describe select * from {table}").fetchall()]


def _only(connection: duckdb.DuckDBPyConnection, one: str, other: str, engine: str) -> list[str]:
    """The first rows that only one has, as often as it has them more often."""
    found = connection.execute(f"(from {one}) except all (from {other}) order by all")
    names = [column[0] for column in found.description]
    rows = found.fetchall()
    more = [f"and {len(rows) - FIRST:,} more only in {engine}"] if len(rows) > FIRST else []
    return [f"only in {engine}: {_readable(names, row)}" for row in rows[:FIRST]] + more


def _readable(names: list[str], row: tuple[object, ...]) -> str:
    """The values of a row, those that say who somebody is left out."""
    return ", ".join(
        "..." if name in PERSONAL and value is not None else str(value) for name, value in zip(names, row, strict=True)
    )
