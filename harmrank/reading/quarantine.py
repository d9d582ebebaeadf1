"""Reads what lies in quarantine: rows that could not be used, extracts that were refused, and what cleared them.

Which rows are cleared is a rule of the model int_quarantined_rows and read from there, as its last build left it.
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
"""How many lines of a group are named."""


@dataclass(frozen=True)
class Filter:
    """Which rows are asked for. None asks for all of them; `reason` is a part of the reason, in any case."""

    extract_id: str | None = None
    table_name: str | None = None
    reason: str | None = None
    with_cleared: bool = False


@dataclass(frozen=True)
class Group:
    """Rows of one file with one reason: how many, the first lines, and the extract that cleared them, or None."""

    extract_id: str
    table_name: str
    file_name: str
    reason: str
    rows: int
    first_lines: list[int]
    cleared_by: str | None


@dataclass(frozen=True)
class RefusedExtract:
    """An extract that was refused, with its last refusal, and the extract that cleared it, or None."""

    extract_id: str
    message: str
    cleared_by: str | None


@dataclass(frozen=True)
class Quarantine:
    """What lies in quarantine.

    `build_id` is the build that says which rows are cleared, None where the home has not been built yet: then every
    row is open. `landed_since` are extracts that this build does not know.
    """

    groups: list[Group]
    refused: list[RefusedExtract]
    build_id: str | None
    landed_since: list[str] = field(default_factory=list)


def read(home: Home, wanted: Filter) -> Quarantine:
    """The quarantine of a home, open rows alone unless cleared ones are wanted too.

    Raises UsageError for a home without a warehouse or an extract it does not know, HomeBusy while a refresh has
    the warehouse open, HarmrankError for a home of another layout.
    """
    with _opened(home, wanted) as connection:
        build_id, landed_since = _build(connection)
        return Quarantine(_groups(connection, wanted), _refused(connection, wanted), build_id, landed_since)


def export(home: Home, wanted: Filter, path: Path, with_text: bool) -> int:
    """Write the rows to a new CSV file that its owner alone may read; give their number.

    Columns: extract_id, table, file, line, reason, record_key, cleared_by, and raw_text where it is asked for: that
    is the row as it was sent, personal data. No value is one that a spreadsheet would run. Raises UsageError where
    the file exists or cannot be made, else as `read`.
    """
    columns = ["extract_id", "table", "file", "line", "reason", "record_key", "cleared_by"]
    columns += ["raw_text"] if with_text else []
    with _opened(home, wanted) as connection, disk.new_file(path) as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        where, values = _where(wanted)
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
    """Every extract that was refused, by id, with its last refusal.

    It is cleared by the extract of the same id that landed later, else by the first one that says it corrects it.
    """
    # Homes of version 1 are read too; nothing could be corrected there.
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
def _opened(home: Home, wanted: Filter) -> Iterator[duckdb.DuckDBPyConnection]:
    with home.looked_at() as at_work:
        if at_work:
            raise HomeBusy(f"{home.root} is in use by {at_work}: wait until it has finished.")
        with _warehouse(home, wanted) as connection:
            yield connection


@contextmanager
def _warehouse(home: Home, wanted: Filter) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.connect(home, read_only=True) as connection:
        migrations.refuse_older(connection, home)
        known = "SELECT 1 FROM raw.extracts WHERE extract_id = $1 UNION SELECT 1 FROM raw.refused_extracts WHERE extract_id = $1"
        if wanted.extract_id is not None and not connection.execute(known, [wanted.extract_id]).fetchone():
            raise UsageError(
                f"{home.root} has no extract of that id, landed or refused: harmrank status --json lists them"
            )
        yield connection


def _build(connection: duckdb.DuckDBPyConnection) -> tuple[str | None, list[str]]:
    """The build that says what is cleared, and the extracts that came after it."""
    if not _is_built(connection):
        return None, []
    build_id = duck.one_value(connection, "SELECT build_id FROM intermediate.int_build")
    since = connection.execute(
        "SELECT extract_id FROM raw.extracts "
        "WHERE extract_id NOT IN (SELECT extract_id FROM intermediate.int_extract_reconciliation) ORDER BY 1"
    ).fetchall()
    return build_id, [extract_id for (extract_id,) in since]


def _is_built(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the models that are read here have been built, all of them."""
    query = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'intermediate' AND list_contains(?, table_name)"
    built = duck.one_value(connection, query, [list(MODELS_READ)])
    return bool(built == len(MODELS_READ))


def _rows(connection: duckdb.DuckDBPyConnection) -> str:
    """Every quarantined row, also those that landed after the build, with the extract that cleared it."""
    if not _is_built(connection):
        return "SELECT *, NULL::VARCHAR AS cleared_by FROM raw.quarantine"
    return (
        "SELECT quarantine.*, built.cleared_by_extract_id AS cleared_by FROM raw.quarantine "
        "LEFT JOIN intermediate.int_quarantined_rows AS built USING (extract_id, table_name, file_name, line_number)"
    )


def _where(wanted: Filter) -> tuple[str, list[str]]:
    conditions = {
        "extract_id = ?": wanted.extract_id,
        "table_name = ?": wanted.table_name,
        "contains(lower(reason), lower(?))": wanted.reason,
    }
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    open_only = [] if wanted.with_cleared else ["cleared_by IS NULL"]
    return " AND ".join([*asked, *open_only, "true"]), list(asked.values())


def _groups(connection: duckdb.DuckDBPyConnection, wanted: Filter) -> list[Group]:
    where, values = _where(wanted)
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


def _refused(connection: duckdb.DuckDBPyConnection, wanted: Filter) -> list[RefusedExtract]:
    """Refused extracts that are asked for; a table and a reason are those of rows, so then there is none."""
    if wanted.table_name is not None or wanted.reason is not None:
        return []
    return [
        refused
        for refused in refused_extracts(connection)
        if wanted.extract_id in (None, refused.extract_id) and (wanted.with_cleared or refused.cleared_by is None)
    ]


def _cell(value: Any) -> Any:
    return spreadsheet.as_text(value) if isinstance(value, str) else value
