"""Opens the warehouse and creates its raw tables in the current layout; `migrations` upgrades older homes."""

import shutil
from pathlib import Path

import duckdb

from harmrank.contract import TABLES, Column, Table
from harmrank.errors import HarmrankError, UsageError
from harmrank.home import migrations
from harmrank.home.folder import Home
from harmrank.machine import duck, system_errors
from harmrank.text import quoting

_BOOKKEEPING = (
    migrations.HOME_LAYOUT,
    """raw.extracts (
        extract_id VARCHAR PRIMARY KEY, extract_at TIMESTAMP NOT NULL, extract_on DATE NOT NULL,
        landed_at TIMESTAMP NOT NULL, content_sha256 VARCHAR NOT NULL)""",
    """raw.extract_files (
        extract_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, file_name VARCHAR NOT NULL,
        bytes BIGINT NOT NULL, modified_ns BIGINT NOT NULL, sha256 VARCHAR NOT NULL,
        rows_read BIGINT NOT NULL, rows_landed BIGINT NOT NULL, rows_quarantined BIGINT NOT NULL,
        CHECK (rows_read = rows_landed + rows_quarantined))""",
    migrations.EXTRACT_FORCES,
    """raw.quarantine (
        extract_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, file_name VARCHAR NOT NULL,
        line_number BIGINT NOT NULL, reason VARCHAR NOT NULL, raw_text VARCHAR, record_key VARCHAR)""",
    "raw.corrections (extract_id VARCHAR NOT NULL, corrects_extract_id VARCHAR NOT NULL)",
    """raw.value_defects (
        extract_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, column_name VARCHAR NOT NULL,
        reason VARCHAR NOT NULL, rows_affected BIGINT NOT NULL)""",
    """raw.refused_extracts (
        extract_id VARCHAR NOT NULL, content_sha256 VARCHAR, refused_at TIMESTAMP NOT NULL, file_name VARCHAR,
        line_number BIGINT, column_name VARCHAR, message VARCHAR NOT NULL)""",
    """raw.extract_checks (
        extract_id VARCHAR NOT NULL, check_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL,
        column_name VARCHAR NOT NULL, sentence VARCHAR NOT NULL, passed BOOLEAN,
        rows_checked BIGINT, rows_unexpected BIGINT)""",
    """raw.value_counts (
        extract_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, measure VARCHAR NOT NULL, value VARCHAR NOT NULL,
        value_rows BIGINT NOT NULL)""",
    """raw.acceptance (
        extract_id VARCHAR PRIMARY KEY, verdict VARCHAR NOT NULL, facts VARCHAR NOT NULL)""",
    """raw.imported_weights (
        harm_index VARCHAR, offence_code VARCHAR, recorded_crime_code VARCHAR, harm_days DOUBLE,
        harm_days_highest DOUBLE, published_days VARCHAR, basis VARCHAR, source VARCHAR)""",
    """raw.built_extracts (
        extract_id VARCHAR PRIMARY KEY, content_sha256 VARCHAR NOT NULL, rules VARCHAR NOT NULL,
        is_whole BOOLEAN NOT NULL)""",
    migrations.BUILT_RELATIONS,
    """raw.crime_digests (
        crime UBIGINT NOT NULL, force VARCHAR NOT NULL, reference UINTEGER NOT NULL, reported_on DATE,
        offence_class USMALLINT, updated_at TIMESTAMP NOT NULL)""",
    """raw.person_digests (
        person UBIGINT NOT NULL, force VARCHAR NOT NULL, reference UINTEGER NOT NULL, date_of_birth DATE, sex VARCHAR,
        updated_at TIMESTAMP NOT NULL)""",
    "raw.digests_made (probe UBIGINT NOT NULL)",
    """raw.published_places (
        build_id VARCHAR NOT NULL, built_at TIMESTAMP NOT NULL, list_date DATE NOT NULL, method VARCHAR NOT NULL,
        code_version VARCHAR, newest_extract_id VARCHAR NOT NULL, harm_rank INTEGER NOT NULL,
        offender_key VARCHAR NOT NULL, harm_days DOUBLE NOT NULL)""",
    """raw.published_evidence (
        build_id VARCHAR NOT NULL, offender_key VARCHAR NOT NULL, force VARCHAR NOT NULL, crime_ref VARCHAR NOT NULL,
        offence_code VARCHAR NOT NULL, status VARCHAR NOT NULL, harm_days DOUBLE)""",
    """raw.build_request (
        build_id VARCHAR, requested_at TIMESTAMP, list_date DATE, method VARCHAR, code_version VARCHAR,
        duckdb_version VARCHAR, dbt_version VARCHAR, known_at DATE)""",
)


def connect(home: Home, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Opens the warehouse of a home; the caller closes it.

    For writing, all tables of the schema raw are in the current layout; a read-only connection may see an older layout.
    Raises UsageError if there is no warehouse to read, or the home holds a list as it was known; HomeBusy if another
    process has the warehouse open; HarmrankError if this DuckDB cannot read the file or a newer harmrank made it.
    """
    home.refuse_past_list()
    if read_only:
        refuse_missing(home)
    try:
        connection = duck.open_database(home.warehouse, read_only)
    except duckdb.Error as error:
        raise _unopened(home, error) from None
    try:
        _prepare(connection, home, read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def refuse_missing(home: Home) -> None:
    """Raises UsageError if the home has no warehouse, or holds a list as it was known."""
    home.refuse_past_list()
    if not home.warehouse.exists():
        raise UsageError(f"{home.root} has no warehouse yet: run harmrank refresh or harmrank land first.")


def _prepare(connection: duckdb.DuckDBPyConnection, home: Home, read_only: bool) -> None:
    if not read_only:
        _remove_leftovers(home)
        home.make_private()
    settle(connection, home)
    connection.execute("SET TimeZone = 'UTC'")
    migrations.refuse_newer(connection, home)
    if not read_only:
        migrations.upgrade(connection, (*_BOOKKEEPING, *(_raw_table(table) for table in TABLES.values())))


def settle(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes DuckDB spill to the scratch folder of the home, and show no progress bar."""
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET temp_directory = {quoting.text(str(home.scratch))}")


def _remove_leftovers(home: Home) -> None:
    """Removes personal data that a dead process left. Only one process can have the warehouse open for writing, so this is safe."""
    shutil.rmtree(home.scratch, ignore_errors=True)
    home.scratch.mkdir(mode=0o700, exist_ok=True)
    remove_compacting(home)


def compacting(home: Home) -> Path:
    """Returns the path of the file that compaction writes before it replaces the warehouse: beside it, on the same disk."""
    file = home.warehouse.resolve()
    return file.with_name(f"{file.name}.compacting")


def remove_compacting(home: Home) -> None:
    """Removes the file of an unfinished compaction, and what DuckDB keeps beside it."""
    unfinished = compacting(home)
    for leftover in unfinished.parent.glob(f"{unfinished.name}*"):
        leftover.unlink(missing_ok=True)


def _unopened(home: Home, error: duckdb.Error) -> HarmrankError:
    """Returns the error for a warehouse that DuckDB refused to open."""
    return system_errors.cause(error) or HarmrankError(
        f"{home.warehouse} is no DuckDB file that version {duckdb.__version__} can open: if a newer version made it, "
        "use that; otherwise move it away and land the extracts again."
    )


def stored_name(column: Column) -> str:
    """Returns the name of a column of the contract in its raw table."""
    return "is_deleted" if column.name == "deleted" else column.name


def _raw_table(table: Table) -> str:
    columns = [
        f"{stored_name(column)} {column.sql_type}"
        + (" NOT NULL" if column.needed_in_tombstone or column.name == "deleted" else "")
        for column in table.columns
    ]
    columns += ["extract_id VARCHAR NOT NULL", "row_number BIGINT NOT NULL"]
    return f"raw.{table.name} ({', '.join(columns)})"
