"""Opens DuckDB with the same settings everywhere: no extension is fetched, and memory is limited."""

import os
from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from harmrank.errors import UsageError
from harmrank.machine.system_errors import MEMORY_SETTING

# profiles/profiles.yml has the same settings for dbt's connections.
CLOSED = {
    # An extension is code: none is fetched, and none is loaded because a query or file asks for it.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    # The user may keep passwords of other systems in DuckDB: they are not read.
    "allow_persistent_secrets": "false",
    # A name in a statement means a table, never a Python variable.
    "python_enable_replacements": "false",
}

_MEMORY_SHARE = 0.5
"""DuckDB's share of the machine's memory by default: Python, dbt and what DuckDB does not count need the rest."""

_MOST_MEGABYTES = 4000
"""DuckDB's memory by default on large machines: it keeps what it may have until the process ends, and other services need theirs."""

_DUCKDB_SHARE = 0.8
"""DuckDB's own default: its share of the memory of the machine, or of the container if that has less."""

_MEGABYTES = {"KiB": 2**10 / 1e6, "MiB": 2**20 / 1e6, "GiB": 2**30 / 1e6, "TiB": 2**40 / 1e6}
"""Megabytes in one of each unit in which DuckDB shows its limit."""

_CURRENT_LIMIT = "select current_setting('memory_limit')"


def open_database(path: Path | str = ":memory:", read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Connects to a database file, or to a new one in memory; the caller closes it.

    Raises duckdb.IOException, and UsageError if HARMRANK_MEMORY_LIMIT is not an amount of memory.
    """
    return duckdb.connect(str(path), read_only=read_only, config={**CLOSED, "memory_limit": memory_limit()})


def one_row(connection: duckdb.DuckDBPyConnection, query: str, values: object = None) -> tuple[Any, ...]:
    """Returns the first row of a query that always has one, such as a count. Raises LookupError if it has none."""
    row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
    if row is None:
        raise LookupError(f"no row: {query}")
    return row


def one_value(connection: duckdb.DuckDBPyConnection, query: str, values: object = None) -> Any:
    """Returns the first value of `one_row`."""
    return one_row(connection, query, values)[0]


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Inserts a few rows in one statement: one statement for each row takes ten times as long."""
    if rows:
        row = f"({', '.join('?' * len(rows[0]))})"
        query = f"INSERT INTO {table} VALUES {', '.join([row] * len(rows))}"  # noqa: S608 - the caller names the table
        connection.execute(query, list(chain.from_iterable(rows)))


def memory_limit() -> str:
    """Returns DuckDB's memory limit in its own form (`4GB`): HARMRANK_MEMORY_LIMIT, or half of the machine's, at most 4 GB.

    Raises UsageError if HARMRANK_MEMORY_LIMIT is not an amount of memory.
    """
    asked = os.environ.get(MEMORY_SETTING)
    if not asked:
        return by_default(_duckdbs_own_limit())
    if not is_amount(asked):
        raise UsageError(f"{MEMORY_SETTING}={asked} is not an amount of memory: write 4GB")
    return asked


@cache
def is_amount(text: str) -> bool:
    """Returns whether DuckDB accepts the text as an amount of memory. Words and negative numbers mean no limit: False."""
    try:
        with duckdb.connect(config={**CLOSED, "memory_limit": text}) as connection:
            connection.execute(_CURRENT_LIMIT)
    except duckdb.Error:
        return False
    return text[0].isdigit()


def by_default(own: str) -> str:
    """Returns the limit if none is set. `own` is DuckDB's own limit as it shows it, such as `18.8 GiB`."""
    number, unit = own.split()
    half = float(number) * _MEGABYTES[unit] * _MEMORY_SHARE / _DUCKDB_SHARE
    return f"{min(half, _MOST_MEGABYTES):.0f}MB"


@cache
def _duckdbs_own_limit() -> str:
    # DuckDB 1.5 takes no percentage, but every version reads cgroups and shows its default.
    with duckdb.connect(config=dict(CLOSED)) as connection:
        return str(one_value(connection, _CURRENT_LIMIT))
