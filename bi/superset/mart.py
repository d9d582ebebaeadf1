"""Reads a published mart for Superset, through a DuckDB in memory that can open a few Parquet files and nothing else."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import yaml

DATASETS = Path(__file__).with_name("datasets.yml")

LIST = "list"
"""The connection for everybody: no names."""
NAMES = "names"
"""The connection for operational readers: the same tables and those with names."""

_MEMORY_LIMIT = "1GB"
_KEPT_OPEN = 4
"""Databases that a process keeps open: both connections, for the current and the previous build."""
_ATTEMPTS = 3


@functools.cache
def _listed() -> dict[str, list[str]]:
    tables: dict[str, list[str]] = yaml.safe_load(DATASETS.read_text(encoding="utf-8"))["tables"]
    return tables


def tables_of(connection: str) -> tuple[str, ...]:
    """Returns the tables of a connection: those that datasets.yml lists for it, and no others."""
    return (*_listed()[LIST], *(_listed()[NAMES] if connection == NAMES else []))


class Reader:
    """A DuckDB connection that answers SELECT and nothing else.

    A connection could also write the files it may read (`copy ... to`), so DuckDB's own parser decides the kind of each
    statement. Superset's row rules see the tables that a query names. A function that takes the name of a table or a query
    as text would bypass them, so it is refused.
    """

    _ANSWERS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database

    def execute(self, statement: str, *parameters: Any) -> Any:
        """Runs a statement. Raises PermissionError for anything but SELECT and EXPLAIN."""
        if any(part.type not in self._ANSWERS for part in self._database.extract_statements(statement)):
            raise PermissionError("The published mart is read-only: only SELECT is answered.")
        refused = sorted(set(self._table_functions(statement)) - _HARMLESS)
        if refused:
            raise PermissionError(f"Ask the tables of the mart by their names: {refused[0]}() is not answered.")
        return self._database.execute(statement, *parameters)

    def _table_functions(self, statement: str) -> Iterator[str]:
        """Yields the table functions that a statement reads from, found by DuckDB's own parser."""
        for part in self._database.extract_statements(statement):
            if part.type == duckdb.StatementType.SELECT:
                (tree,) = self._database.execute("select json_serialize_sql(?)", [part.query]).fetchone() or ("{}",)
                yield from _functions_in(json.loads(tree))

    def executemany(self, statement: str, *parameters: Any) -> Any:
        """Raises PermissionError: drivers use this for writing only."""
        raise PermissionError("The published mart is read-only: only SELECT is answered.")

    def __getattr__(self, name: str) -> Any:
        """Passes everything else (fetching, closing) to the connection."""
        return getattr(self._database, name)


# Functions that the driver reads names and types of tables from, and functions that make rows of their arguments.
_HARMLESS = frozenset(
    ("duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_indexes", "duckdb_schemas", "duckdb_tables")
    + ("duckdb_views", "generate_series", "range", "unnest")
)


def _functions_in(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if tree.get("type") == "TABLE_FUNCTION":
            yield str(tree["function"].get("function_name"))
        if tree.get("error"):
            # DuckDB cannot parse it, so it is not known what it reads.
            yield "such a query"
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _functions_in(inner)


def open_build(published: Path, connection: str) -> Reader:
    """Returns a connection to the current build, as views in schema `mart` of a database in memory.

    DuckDB itself refuses every file except those of the listed tables, for any SQL, and locks its settings. Tables with
    names are copied into memory here, so that no query can open their files. A new connection reads the newest build; an
    open one keeps its own. Each process opens a build once and shares it between connections. Raises FileNotFoundError
    if nothing is published.
    """
    for attempt in range(_ATTEMPTS):
        build = (published / "current").resolve()
        try:
            return Reader(_open(build, tables_of(connection)).cursor())
        except (FileNotFoundError, duckdb.IOException):
            # An old build may be removed between two steps; then another one is current.
            if attempt == _ATTEMPTS - 1 or (published / "current").resolve() == build:
                raise
    raise AssertionError("not reached")


@functools.lru_cache(maxsize=_KEPT_OPEN)
def _open(build: Path, tables: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    manifest = json.loads((build / "manifest.json").read_text(encoding="utf-8"))
    files = {table: str(build / manifest["tables"][table]["file"]) for table in tables if table in manifest["tables"]}
    database = duckdb.connect(
        ":memory:", config={"memory_limit": _MEMORY_LIMIT, "threads": 2, "autoinstall_known_extensions": False}
    )
    database.execute("create schema mart")
    for table, file in files.items():
        kind = "table" if table in _listed()[NAMES] else "view"
        database.execute(f"create {kind} mart.{table} as select * from read_parquet({_quoted(file)})")
    open_files = [file for table, file in files.items() if table not in _listed()[NAMES]]
    database.execute(f"set allowed_paths = [{', '.join(map(_quoted, open_files))}]")
    database.execute("set enable_external_access = false")
    database.execute("set lock_configuration = true")
    return database


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
