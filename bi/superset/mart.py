"""How Superset reads a published mart: by a DuckDB in memory that can open a few Parquet files and nothing else."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import duckdb
import yaml

DATASETS = Path(__file__).with_name("datasets.yml")

LIST = "list"
"""The connection of everybody: no names."""
NAMES = "names"
"""The connection of operational readers: the same tables and those with names."""

_MEMORY_LIMIT = "1GB"
_ATTEMPTS = 3


@functools.cache
def tables_of(connection: str) -> tuple[str, ...]:
    """The tables of the mart that a connection shows; what datasets.yml does not list for it, it does not have."""
    listed: dict[str, list[str]] = yaml.safe_load(DATASETS.read_text(encoding="utf-8"))["tables"]
    return (*listed[LIST], *(listed[NAMES] if connection == NAMES else []))


class Reader:
    """A DuckDB connection that answers questions and does nothing else.

    The files it may open it could also write (`copy ... to`): what a statement is, DuckDB's own parser says.
    """

    _ANSWERS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database

    def execute(self, statement: str, *parameters: Any) -> Any:
        """Raises PermissionError for whatever is no question."""
        if any(part.type not in self._ANSWERS for part in self._database.extract_statements(statement)):
            raise PermissionError("The published mart is read-only: only SELECT is answered.")
        return self._database.execute(statement, *parameters)

    def executemany(self, statement: str, *parameters: Any) -> Any:
        """Nothing that is asked many times over is a question."""
        raise PermissionError("The published mart is read-only: only SELECT is answered.")

    def __getattr__(self, name: str) -> Any:
        """Everything else (fetching, closing) is the connection's own."""
        return getattr(self._database, name)


def open_build(published: Path, connection: str) -> Reader:
    """The build that stands now, as views in schema `mart` of a database in memory.

    DuckDB itself refuses every file but those of the listed tables, whatever SQL is asked, and takes no other setting
    afterwards. The build is looked up here, so a new connection is a look at the newest build; one that is open keeps
    reading its own. Raises FileNotFoundError where nothing is published.
    """
    for attempt in range(_ATTEMPTS):
        build = (published / "current").resolve()
        try:
            return Reader(_open(build, tables_of(connection)))
        except (FileNotFoundError, duckdb.IOException):
            # A build past its time may be removed between two steps; then another one stands.
            if attempt == _ATTEMPTS - 1 or (published / "current").resolve() == build:
                raise
    raise AssertionError("not reached")


def _open(build: Path, tables: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    manifest = json.loads((build / "manifest.json").read_text(encoding="utf-8"))
    files = {table: str(build / manifest["tables"][table]["file"]) for table in tables if table in manifest["tables"]}
    database = duckdb.connect(
        ":memory:", config={"memory_limit": _MEMORY_LIMIT, "threads": 2, "autoinstall_known_extensions": False}
    )
    database.execute("create schema mart")
    for table, file in files.items():
        database.execute(f"create view mart.{table} as select * from read_parquet({_quoted(file)})")
    database.execute(f"set allowed_paths = [{', '.join(map(_quoted, files.values()))}]")
    database.execute("set enable_external_access = false")
    database.execute("set lock_configuration = true")
    return database


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
