"""Checks the metadata of a Parquet file before any row is read."""

import duckdb

from harmrank import limits
from harmrank.landing.files import typing_sql
from harmrank.landing.files.extract_folder import TableFile, open_regular
from harmrank.landing.outcome import Unusable

_FIELDS = """
    SELECT name, coalesce(num_children, 0) AS children
    FROM parquet_schema(?)
"""


def check_parquet(connection: duckdb.DuckDBPyConnection, file: TableFile) -> None:
    """Raises Unusable for a file that is encrypted, claims too many rows or names a column of the contract twice.

    Raises duckdb.Error for damaged metadata.
    """
    with open_regular(file.path) as opened:
        is_encrypted = opened.read(4) == b"PARE"
    if is_encrypted:
        raise Unusable("it is encrypted", "Send it as plain Parquet.", file.name)
    path = typing_sql.glob_escaped(str(file.path))
    metadata = connection.execute(
        "SELECT num_rows, encryption_algorithm FROM parquet_file_metadata(?)", [path]
    ).fetchone()
    rows, encryption = metadata or (0, None)
    if encryption:
        raise Unusable("it is encrypted", "Send it as plain Parquet.", file.name)
    allowed = limits.FREE_PARQUET_ROWS + limits.MAX_PARQUET_ROWS_PER_BYTE * file.bytes
    if not 0 <= rows <= min(allowed, limits.MAX_PARQUET_ROWS):
        raise Unusable(f"it claims {rows:,} rows, more than a file of its size can hold", file_name=file.name)
    _refuse_repeated(file, _columns(connection, path))


def int96_columns(connection: duckdb.DuckDBPyConnection, file: TableFile) -> list[str]:
    """Returns the columns of the old type INT96, which holds instants in UTC; DuckDB shows them as times without a zone."""
    path = typing_sql.glob_escaped(str(file.path))
    found = connection.execute("SELECT name FROM parquet_schema(?) WHERE type = 'INT96'", [path]).fetchall()
    return [str(name) for (name,) in found]


def _columns(connection: duckdb.DuckDBPyConnection, path: str) -> list[str]:
    """Returns the names of the columns as written in the file: DuckDB renames repeated ones."""
    fields = connection.execute(_FIELDS, [path]).fetchall()
    names: list[str] = []
    inner = 0
    for name, children in fields[1:]:
        if inner:
            inner -= 1
        else:
            names.append(str(name))
        inner += int(children)
    return names


def _refuse_repeated(file: TableFile, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        known = file.table.column(name.strip().lower())
        if known is None:
            continue
        if known.name in seen:
            raise Unusable(f"it has the column {known.name} twice", file_name=file.name, column_name=known.name)
        seen.add(known.name)
