"""Opens DuckDB, always in the same way: nothing fetched, and no more memory than it may have."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from harmrank.errors import UsageError
from harmrank.machine.system_errors import MEMORY_SETTING

# The same settings stand in profiles/profiles.yml, for dbt's connections.
CLOSED = {
    # An extension is code: none is fetched, none loaded because some query or file would like it.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    # Passwords for other systems that this user keeps for DuckDB are none of our business.
    "allow_persistent_secrets": "false",
    # A name in a statement is a table, never a variable of Python.
    "python_enable_replacements": "false",
}

_MEMORY_SHARE = 0.5
"""Of the machine's memory, where nothing is set: Python, dbt and what DuckDB does not count need some too."""

_DUCKDB_SHARE = 0.8
"""Of the machine's memory (of the container's, where that has less), DuckDB's own default."""

_IN_FORCE = "select current_setting('memory_limit')"


def open_database(path: Path | str = ":memory:", read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Connect to a database file, or to a new one in memory; the caller closes it.

    Raises duckdb.IOException, and UsageError where HARMRANK_MEMORY_LIMIT is no amount of memory.
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


def memory_limit() -> str:
    """What DuckDB may use, as it takes it (`4GB`): HARMRANK_MEMORY_LIMIT, else half of the machine's memory.

    Raises UsageError where HARMRANK_MEMORY_LIMIT is no amount of memory.
    """
    asked = os.environ.get(MEMORY_SETTING)
    if not asked:
        return _half()
    if not is_amount(asked):
        raise UsageError(f"{MEMORY_SETTING}={asked} is no amount of memory: write 4GB")
    return asked


@cache
def is_amount(text: str) -> bool:
    """Whether DuckDB can work with so much memory. Words and minus signs, which mean no limit to it, are no amount."""
    try:
        with duckdb.connect(config={**CLOSED, "memory_limit": text}) as connection:
            connection.execute(_IN_FORCE)
    except duckdb.Error:
        return False
    return text[0].isdigit()


@cache
def _half() -> str:
    # Version 1.5 has no word for a share, but every version looks at cgroups and tells its own default: `18.8 GiB`.
    with duckdb.connect(config=dict(CLOSED)) as connection:
        number, unit = str(one_value(connection, _IN_FORCE)).split()
    return f"{float(number) * _MEMORY_SHARE / _DUCKDB_SHARE:.2f}{unit}"
