"""Reads the quarantine: rows that could not be used, extracts that were refused, and what cleared them.

The model int_quarantined_rows decides which rows are cleared; its last build is read here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from harmrank.errors import HomeBusy, UsageError
from harmrank.home import migrations, warehouse
from harmrank.home.folder import Home
from harmrank.home.ledger import MODELS_READ
from harmrank.machine import disk, duck
from harmrank.text import spreadsheet

FIRST_LINES = 5
"""How many line numbers of a group are listed."""


@dataclass(frozen=True)
class Filter:
    """Which rows to read; None means all. `reason` matches any part of the reason, upper or lower case."""

    extract_id: str | None = None
    table_name: str | None = None
    reason: str | None = None
    with_cleared: bool = False


@dataclass(frozen=True)
class Group:
    """Rows of one file with one reason: their number, first line numbers, and the extract that cleared them or None."""

    extract_id: str
    table_name: str
    file_name: str
    reason: str
    rows: int
    first_lines: list[int]
    cleared_by: str | None


@dataclass(frozen=True)
class RefusedExtract:
    """A refused extract with its last refusal, and the extract that cleared it or None."""

    extract_id: str
    message: str
    cleared_by: str | None


@dataclass(frozen=True)
class Quarantine:
    """The quarantine of a home.

    `build_id` is the build that says which rows are cleared; None before the first build, when every row is open.
    `landed_since` are the extracts that landed after this build.
    """

    groups: list[Group]
    refused: list[RefusedExtract]
    build_id: str | None
    landed_since: list[str] = field(default_factory=list)


def read(home: Home, only: Filter) -> Quarantine:
    """Returns the quarantine of a home: open rows only, unless the filter includes cleared ones.

    Raises UsageError for a home without a warehouse or an unknown extract, HomeBusy while a refresh has the warehouse
    open, HarmrankError for a home of another layout.
    """
    with _opened(home, only) as connection:
        build_id, landed_since = _build(connection)
        return Quarantine(_groups(connection, only), _refused(connection, only), build_id, landed_since)


def export(home: Home, only: Filter, path: Path, with_text: bool) -> int:
    """Writes the rows to a new CSV file that its owner alone can read (mode 600). Returns their number.

    Columns: extract_id, table, file, line, reason, record_key, cleared_by and, if `with_text`, raw_text: the row as sent,
    which is personal data. A spreadsheet runs no value as a formula. Raises UsageError if the file exists or cannot be
    created, otherwise as `read`.
    """
    columns = ["extract_id", "table", "file", "line", "reason", "record_key", "cleared_by"]
    columns += ["raw_text"] if with_text else []
    with _opened(home, only) as connection, disk.new_file(path) as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        where, values = _where(only)
        cursor = connection.execute(
            f"SELECT extract_id, table_name, file_name, line_number, reason, record_key, cleared_by"
            f"{', raw_text' if with_text else ''} FROM ({_rows(connection)}) WHERE {where} "
            "ORDER BY extract_id, table_name, file_name, line_number",
            values,
        )
        written = 0
        while batch := cursor.fetchmany(10_000):
            writer.writerows([[_cell(value) for value in row] for row in batch])
            written += len(batch)
        return written


def refused_extracts(connection: duckdb.DuckDBPyConnection) -> list[RefusedExtract]:
    """Returns every refused extract by id, with its last refusal.

    A refused extract is cleared by a later extract of the same id, or else by the first one that names it in `corrects`.
    """
    # A home of layout version 1 has no corrections.
    has_corrections = (migrations.layout_of(connection) or 1) > 1
    corrections = (
        "SELECT extract_id, corrects_extract_id FROM raw.corrections"
        if has_corrections
        else "SELECT NULL::VARCHAR AS extract_id, NULL::VARCHAR AS corrects_extract_id"
    )
    query = f"""
        WITH last_refusals AS (
            SELECT extract_id, message, refused_at FROM raw.refused_extracts
            QUALIFY row_number() OVER (PARTITION BY extract_id ORDER BY refused_at DESC) = 1
        )
        SELECT
            last_refusals.extract_id,
            last_refusals.message,
            coalesce(any_value(landed.extract_id), min(corrections.extract_id)) AS cleared_by
        FROM last_refusals
        LEFT JOIN raw.extracts AS landed
            ON last_refusals.extract_id = landed.extract_id AND last_refusals.refused_at < landed.landed_at
        LEFT JOIN ({corrections}) AS corrections ON last_refusals.extract_id = corrections.corrects_extract_id
        GROUP BY last_refusals.extract_id, last_refusals.message
        ORDER BY last_refusals.extract_id
    """
    return [RefusedExtract(*row) for row in connection.execute(query).fetchall()]


@contextmanager
def _opened(home: Home, only: Filter) -> Iterator[duckdb.DuckDBPyConnection]:
    with home.looked_at() as at_work:
        if at_work:
            raise HomeBusy(f"{home.root} is in use by {at_work}: wait until it has finished.")
        with _warehouse(home, only) as connection:
            yield connection


@contextmanager
def _warehouse(home: Home, only: Filter) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.connect(home, read_only=True) as connection:
        migrations.refuse_older(connection, home)
        known = "SELECT 1 FROM raw.extracts WHERE extract_id = $1 UNION SELECT 1 FROM raw.refused_extracts WHERE extract_id = $1"
        if only.extract_id is not None and not connection.execute(known, [only.extract_id]).fetchone():
            raise UsageError(
                f"{home.root} has no extract of that id, landed or refused: harmrank status --json lists them"
            )
        yield connection


def _build(connection: duckdb.DuckDBPyConnection) -> tuple[str | None, list[str]]:
    """Returns the build that says what is cleared, and the extracts that landed after it."""
    if not _is_built(connection):
        return None, []
    build_id = duck.one_value(connection, "SELECT build_id FROM intermediate.int_build")
    since = connection.execute(
        "SELECT extract_id FROM raw.extracts "
        "WHERE extract_id NOT IN (SELECT extract_id FROM intermediate.int_extract_reconciliation) ORDER BY 1"
    ).fetchall()
    return build_id, [extract_id for (extract_id,) in since]


def _is_built(connection: duckdb.DuckDBPyConnection) -> bool:
    """Returns whether all models that are read here have been built."""
    query = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'intermediate' AND list_contains(?, table_name)"
    built = duck.one_value(connection, query, [list(MODELS_READ)])
    return bool(built == len(MODELS_READ))


def _rows(connection: duckdb.DuckDBPyConnection) -> str:
    """Returns a query for every quarantined row, including rows landed after the build, with the extract that cleared it."""
    if not _is_built(connection):
        return "SELECT *, NULL::VARCHAR AS cleared_by FROM raw.quarantine"
    return (
        "SELECT quarantine.*, built.cleared_by_extract_id AS cleared_by FROM raw.quarantine "
        "LEFT JOIN intermediate.int_quarantined_rows AS built USING (extract_id, table_name, file_name, line_number)"
    )


def _where(only: Filter) -> tuple[str, list[str]]:
    conditions = {
        "extract_id = ?": only.extract_id,
        "table_name = ?": only.table_name,
        "contains(lower(reason), lower(?))": only.reason,
    }
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    open_only = [] if only.with_cleared else ["cleared_by IS NULL"]
    return " AND ".join([*asked, *open_only, "true"]), list(asked.values())


def _groups(connection: duckdb.DuckDBPyConnection, only: Filter) -> list[Group]:
    where, values = _where(only)
    query = f"""
        SELECT
            extract_id, table_name, file_name, reason, count(*),
            list(line_number ORDER BY line_number)[:{FIRST_LINES}], cleared_by
        FROM ({_rows(connection)})
        WHERE {where}
        GROUP BY extract_id, table_name, file_name, reason, cleared_by
        ORDER BY extract_id, table_name, file_name, count(*) DESC, reason, cleared_by NULLS FIRST
    """
    return [Group(*row) for row in connection.execute(query, values).fetchall()]


def _refused(connection: duckdb.DuckDBPyConnection, only: Filter) -> list[RefusedExtract]:
    """Returns the refused extracts that match; none if the filter names a table or a reason, which only rows have."""
    if only.table_name is not None or only.reason is not None:
        return []
    return [
        refused
        for refused in refused_extracts(connection)
        if only.extract_id in (None, refused.extract_id) and (only.with_cleared or refused.cleared_by is None)
    ]


def _cell(value: Any) -> Any:
    return spreadsheet.as_text(value) if isinstance(value, str) else value
