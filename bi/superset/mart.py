"""How Superset reads a published mart: by a DuckDB in memory that can open a few Parquet files and nothing else."""

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
"""The connection of everybody: no names."""
NAMES = "names"
"""The connection of operational readers: the same tables and those with names."""

_MEMORY_LIMIT = "1GB"
_KEPT_OPEN = 4
"""Databases that a process keeps open: both connections, of the build that stands and of the one before."""
_ATTEMPTS = 3


@functools.cache
def _listed() -> dict[str, list[str]]:
    tables: dict[str, list[str]] = yaml.safe_load(DATASETS.read_text(encoding="utf-8"))["tables"]
    return tables


def tables_of(connection: str) -> tuple[str, ...]:
    """The tables of the mart that a connection shows; what datasets.yml does not list for it, it does not have."""
    return (*_listed()[LIST], *(_listed()[NAMES] if connection == NAMES else []))


class Reader:
    """A DuckDB connection that answers questions and does nothing else.

    The files it may open it could also write (`copy ... to`): what a statement is, DuckDB's own parser says. Superset's
    rules on rows see the tables that a query names; a function that takes the name of a table or a query as a text would
    go past them.
    """

    _ANSWERS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database

    def execute(self, statement: str, *parameters: Any) -> Any:
        """Raises PermissionError for whatever is no question."""
        if any(part.type not in self._ANSWERS for part in self._database.extract_statements(statement)):
            raise PermissionError("The published mart is read-only: only SELECT is answered.")
        refused = sorted(set(self._table_functions(statement)) - _HARMLESS)
        if refused:
            raise PermissionError(f"Ask the tables of the mart by their names: {refused[0]}() is not answered.")
        return self._database.execute(statement, *parameters)

    def _table_functions(self, statement: str) -> Iterator[str]:
        """The functions that a statement reads from as from a table, by DuckDB's own parser."""
        for part in self._database.extract_statements(statement):
            if part.type == duckdb.StatementType.SELECT:
                (tree,) = self._database.execute("select json_serialize_sql(?)", [part.query]).fetchone() or ("{}",)
                yield from _functions_in(json.loads(tree))

    def executemany(self, statement: str, *parameters: Any) -> Any:
        """Nothing that is asked many times over is a question."""
        raise PermissionError("The published mart is read-only: only SELECT is answered.")

    def __getattr__(self, name: str) -> Any:
        """Everything else (fetching, closing) is the connection's own."""
        return getattr(self._database, name)


# What the driver asks for the names and types of tables, and what makes rows of its own arguments.
_HARMLESS = frozenset(
    ("duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_indexes", "duckdb_schemas", "duckdb_tables")
    + ("duckdb_views", "generate_series", "range", "unnest")
)


def _functions_in(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if tree.get("type") == "TABLE_FUNCTION":
            yield str(tree["function"].get("function_name"))
        if tree.get("error"):
            # DuckDB cannot take it apart, so nobody can say what it reads.
            yield "such a query"
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _functions_in(inner)


def open_build(published: Path, connection: str) -> Reader:
    """The build that stands now, as views in schema `mart` of a database in memory.

    DuckDB itself refuses every file but those of the listed tables, whatever SQL is asked, and takes no other setting
    afterwards. Tables with names are read here, so that their files are open to nobody either. The build is looked up
    here, so a new connection is a look at the newest build; one that is open keeps reading its own. A build is opened
    once a process, and asked by as many connections as there are questions. Raises FileNotFoundError where nothing is
    published.
    """
    for attempt in range(_ATTEMPTS):
        build = (published / "current").resolve()
        try:
            return Reader(_open(build, tables_of(connection)).cursor())
        except (FileNotFoundError, duckdb.IOException):
            # A build past its time may be removed between two steps; then another one stands.
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
