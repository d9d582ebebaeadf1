"""Opens the warehouse and makes its raw tables."""

import re

import duckdb

from harmrank import duck, sql
from harmrank.contract import TABLES, Column, Table
from harmrank.errors import HarmrankError, HomeBusy, UsageError
from harmrank.home import Home

_BOOKKEEPING = (
    """raw.extracts (
        extract_id VARCHAR PRIMARY KEY, extract_at TIMESTAMP NOT NULL, extract_on DATE NOT NULL,
        landed_at TIMESTAMP NOT NULL, content_sha256 VARCHAR NOT NULL)""",
    """raw.extract_files (
        extract_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, file_name VARCHAR NOT NULL,
        bytes BIGINT NOT NULL, modified_ns BIGINT NOT NULL, sha256 VARCHAR NOT NULL,
        rows_read BIGINT NOT NULL, rows_landed BIGINT NOT NULL, rows_quarantined BIGINT NOT NULL,
        CHECK (rows_read = rows_landed + rows_quarantined))""",
    """raw.quarantine (
        extract_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, file_name VARCHAR NOT NULL,
        line_number BIGINT NOT NULL, reason VARCHAR NOT NULL, raw_text VARCHAR)""",
    """raw.value_defects (
        extract_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, column_name VARCHAR NOT NULL,
        reason VARCHAR NOT NULL, rows_affected BIGINT NOT NULL)""",
    """raw.refused_extracts (
        extract_id VARCHAR NOT NULL, content_sha256 VARCHAR, refused_at TIMESTAMP NOT NULL, file_name VARCHAR,
        line_number BIGINT, column_name VARCHAR, message VARCHAR NOT NULL)""",
    """raw.imported_weights (
        harm_index VARCHAR, offence_code VARCHAR, recorded_crime_code VARCHAR, harm_days DOUBLE,
        harm_days_highest DOUBLE, published_days VARCHAR, basis VARCHAR, source VARCHAR)""",
    """raw.build_request (
        build_id VARCHAR, requested_at TIMESTAMP, list_date DATE, method VARCHAR, code_version VARCHAR,
        duckdb_version VARCHAR, dbt_version VARCHAR)""",
)


def connect(home: Home, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a home; the caller closes it.

    A writable connection has schema raw with all its tables. Raises UsageError if a read-only one is asked
    for and there is no warehouse yet, HomeBusy if another process has it open, HarmrankError if it is no
    DuckDB file that this version reads.
    """
    if read_only and not home.warehouse.exists():
        raise UsageError(f"{home.root} has no warehouse yet: run harmrank refresh or harmrank land first.")
    try:
        connection = duck.open_database(home.warehouse, read_only)
    except duckdb.IOException as error:
        raise _unopened(home, str(error)) from None
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    if not read_only:
        home.scratch.mkdir(mode=0o700, exist_ok=True)
        home.make_private()
        connection.execute(f"SET temp_directory = {sql.text(str(home.scratch))}")
        _create_raw(connection)
    return connection


def _unopened(home: Home, said: str) -> HarmrankError:
    """What DuckDB's refusal to open the warehouse means for its reader."""
    if "lock" in said.lower():
        owner = re.search(r"PID (\d+)", said)
        process = f"process {owner[1]}" if owner else "another process"
        return HomeBusy(f"{home.warehouse} is open in {process}: close it there, then run this again.")
    if "permission" in said.lower():
        return HarmrankError(f"{home.warehouse} may not be opened by this user: ask its owner, or use your own home.")
    return HarmrankError(
        f"{home.warehouse} is no DuckDB file that version {duckdb.__version__} can open: if it was made with a newer "
        "one, use that; else move it away and land the extracts again."
    )


def stored_name(column: Column) -> str:
    """What the raw table calls a column of the contract."""
    return "is_deleted" if column.name == "deleted" else column.name


def _create_raw(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
    for definition in (*_BOOKKEEPING, *(_raw_table(table) for table in TABLES.values())):
        connection.execute(f"CREATE TABLE IF NOT EXISTS {definition}")


def _raw_table(table: Table) -> str:
    columns = [
        f"{stored_name(column)} {column.sql_type}"
        + (" NOT NULL" if column.needed_in_tombstone or column.name == "deleted" else "")
        for column in table.columns
    ]
    columns += ["extract_id VARCHAR NOT NULL", "row_number BIGINT NOT NULL"]
    return f"raw.{table.name} ({', '.join(columns)})"
