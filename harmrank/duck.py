"""Opens DuckDB, always in the same way: with what is in the package and nothing fetched."""

from pathlib import Path

import duckdb

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


def open_database(path: Path | str = ":memory:", read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Connect to a database file, or to a new one in memory; the caller closes it. Raises duckdb.IOException."""
    return duckdb.connect(str(path), read_only=read_only, config=dict(CLOSED))
