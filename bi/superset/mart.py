"""Opens a published build for Superset: read-only, with no way to another file, and with names only for operational readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import yaml

DATASETS = Path(__file__).with_name("datasets.yml")

LIST = "list"
"""The connection for everybody: the DuckDB file without names."""
NAMES = "names"
"""The connection for operational readers: the same tables, and the names of the people on the list."""

_SETTINGS = {
    "memory_limit": "1GB",
    "threads": 2,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
# From here on DuckDB opens no file, for any SQL, and nobody can change that.
_CLOSED = {"enable_external_access": False, "lock_configuration": True}
_ATTEMPTS = 3


class Reader:
    """A DuckDB connection that answers SELECT and nothing else.

    DuckDB refuses to write into the build, but `copy ... to` could still replace the file itself, and EXPLAIN ANALYZE runs
    what it explains. So DuckDB's own parser decides the kind of each statement.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database

    def execute(self, statement: str, *parameters: Any) -> Any:
        """Runs a statement. Raises duckdb.PermissionException for anything but SELECT."""
        if any(part.type != duckdb.StatementType.SELECT for part in self._database.extract_statements(statement)):
            raise duckdb.PermissionException("The published mart is read-only: only SELECT is answered.")
        return self._database.execute(statement, *parameters)

    def executemany(self, statement: str, *parameters: Any) -> Any:
        """Raises duckdb.PermissionException: drivers use this for writing only."""
        raise duckdb.PermissionException("The published mart is read-only: only SELECT is answered.")

    def __getattr__(self, name: str) -> Any:
        """Passes everything else (fetching, closing) to the connection."""
        return getattr(self._database, name)


def open_build(published: Path, connection: str) -> Reader:
    """Returns a connection to the current build. A new one reads the newest build; an open one keeps its own.

    Raises FileNotFoundError if nothing is published, duckdb.IOException if this process may not read the file.
    """
    for attempt in range(_ATTEMPTS):
        build = (published / "current").resolve()
        if not build.exists():
            raise FileNotFoundError(f"nothing is published in {published}")
        try:
            return Reader(_with_names(build) if connection == NAMES else _without(build))
        except duckdb.IOException:
            # An old build may be removed between two steps; then another one is current.
            if attempt == _ATTEMPTS - 1 or (published / "current").resolve() == build:
                raise
    raise AssertionError("not reached")


def _without(build: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(build / "harm_mart.duckdb"), read_only=True, config={**_SETTINGS, **_CLOSED})


def _with_names(build: Path) -> duckdb.DuckDBPyConnection:
    """Returns a database in memory with views of the list and, copied, the names of the people on it and of nobody else."""
    tables = yaml.safe_load(DATASETS.read_text(encoding="utf-8"))["tables"]
    database = duckdb.connect(":memory:", config=_SETTINGS)
    database.execute("create schema mart")
    database.execute(f"attach {_quoted(build / 'harm_mart.duckdb')} as list (read_only)")
    database.execute(f"attach {_quoted(build / 'operational' / 'offender_people.duckdb')} as named (read_only)")
    for table in tables[LIST]:
        database.execute(f"create view mart.{table} as from list.mart.{table}")
    for table in tables[NAMES]:
        database.execute(
            f"create table mart.{table} as from named.mart.{table} semi join list.mart.top_100 using (offender_key)"
        )
    database.execute("detach named")
    for setting, value in _CLOSED.items():
        database.execute(f"set {setting} = {value}")
    return database


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
