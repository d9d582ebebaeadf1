"""Upgrades the raw tables of a home that an older harmrank made.

Every change of the raw tables is written twice: in their definition (`warehouse`) for new homes, and as a step here for
older ones. A test compares the two.
"""

from __future__ import annotations

import duckdb

from harmrank.errors import HarmrankError
from harmrank.home.folder import Home
from harmrank.machine import duck
from harmrank.machine.clock import utc_now

BUILT_RELATIONS = "raw.built_relations (schema_name VARCHAR NOT NULL, relation_name VARCHAR NOT NULL)"
"""The table of what builds have made: the next one drops what the project no longer makes."""
EXTRACT_FORCES = (
    "raw.extract_forces (extract_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, force VARCHAR NOT NULL, "
    "rows_landed BIGINT NOT NULL)"
)
"""The table of how many rows of a force each file had, by which a force or table that has gone silent is noticed."""

# The statements from version 1 to 2, from 2 to 3, and so on. Missing tables are created from their definition afterwards,
# so the step for a new table is empty. Never change a released step.
STEPS: tuple[tuple[str, ...], ...] = (
    # Quarantined rows keep their key; raw.corrections, raw.extract_checks and raw.acceptance are new.
    ("ALTER TABLE IF EXISTS raw.quarantine ADD COLUMN IF NOT EXISTS record_key VARCHAR",),
    # raw.built_extracts is new.
    (),
    # raw.crime_digests, raw.person_digests and raw.digests_made are new; landing fills them.
    (),
    # raw.published_places and raw.published_evidence are new; the next build records the current list in them.
    (),
    # A build can be requested as it was known on a day.
    ("ALTER TABLE IF EXISTS raw.build_request ADD COLUMN IF NOT EXISTS known_at DATE",),
    # The digests say what is known of each version, and their tables are made again; landing fills them.
    (
        "DROP TABLE IF EXISTS raw.crime_digests",
        "DROP TABLE IF EXISTS raw.person_digests",
        "DROP TABLE IF EXISTS raw.digests_made",
    ),
    # raw.built_relations is new: so far a build has described every column that it made, and probably nobody else has.
    (
        f"CREATE TABLE IF NOT EXISTS {BUILT_RELATIONS}",
        "INSERT INTO raw.built_relations SELECT schema_name, table_name FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name IN ('reference', 'staging', 'intermediate', 'mart') "
        "GROUP BY ALL HAVING bool_and(comment IS NOT NULL)",
    ),
    # raw.extract_forces is new; what has landed is counted. With Apache Spark its rows are elsewhere and count from now on.
    (
        f"CREATE OR REPLACE TABLE {EXTRACT_FORCES}",
        "INSERT INTO raw.extract_forces "
        "SELECT extract_id, 'crimes', force, count(*) FROM raw.crimes GROUP BY ALL UNION ALL "
        "SELECT extract_id, 'people', force, count(*) FROM raw.people GROUP BY ALL UNION ALL "
        "SELECT extract_id, 'involvements', force, count(*) FROM raw.involvements GROUP BY ALL UNION ALL "
        "SELECT extract_id, 'custody', force, count(*) FROM raw.custody GROUP BY ALL UNION ALL "
        "SELECT extract_id, 'person_merges', force, count(*) FROM raw.person_merges GROUP BY ALL",
    ),
    # A check that had nothing to compare has neither passed nor failed.
    ("ALTER TABLE IF EXISTS raw.extract_checks ALTER COLUMN passed DROP NOT NULL",),
    # raw.value_counts is new: an extract is compared with those that land from now on.
    (),
)

HOME_LAYOUT = "raw.home_layout (version INTEGER NOT NULL, set_at TIMESTAMP NOT NULL)"
"""The table whose highest version is that of the home. A home without this table has version 1."""


def newest_layout() -> int:
    """Returns the version that this harmrank writes."""
    return 1 + len(STEPS)


def layout_of(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Returns the version of an open home, or None if it is still empty."""
    tables = {
        str(name)
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'raw'"
        ).fetchall()
    }
    if "home_layout" not in tables:
        return 1 if tables else None
    version = duck.one_value(connection, "SELECT max(version) FROM raw.home_layout")
    return 1 if version is None else int(version)


def refuse_newer(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Raises HarmrankError if a newer harmrank made the home."""
    found = layout_of(connection)
    if found is not None and found > newest_layout():
        raise HarmrankError(
            f"{home.root} was made by a newer harmrank (layout {found}, this one knows up to {newest_layout()}): "
            "install that one."
        )


def refuse_older(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Raises HarmrankError if the home needs an upgrade, for readers that need the current layout."""
    if layout_of(connection) != newest_layout():
        raise HarmrankError(
            f"{home.root} was made by an older harmrank: run harmrank refresh EXTRACTS --home {home.root} once, "
            "then this again."
        )


def upgrade(connection: duckdb.DuckDBPyConnection, definitions: tuple[str, ...]) -> None:
    """Applies every missing step in order, then creates the missing tables from `definitions` (of all raw tables).

    Each step is one transaction together with its version number: after a kill or failure the home has the version
    before. Raises duckdb.Error if a step fails.
    """
    version = layout_of(connection)
    if version is not None:
        for number in range(version, newest_layout()):
            _in_one_transaction(
                connection, (*STEPS[number - 1], f"CREATE TABLE IF NOT EXISTS {HOME_LAYOUT}"), number + 1
            )
    tables = ("CREATE SCHEMA IF NOT EXISTS raw", *(f"CREATE TABLE IF NOT EXISTS {text}" for text in definitions))
    _in_one_transaction(connection, tables, newest_layout() if version is None else None)


def _in_one_transaction(
    connection: duckdb.DuckDBPyConnection, statements: tuple[str, ...], version: int | None
) -> None:
    connection.execute("BEGIN")
    try:
        for statement in statements:
            connection.execute(statement)
        if version is not None:
            connection.execute("INSERT INTO raw.home_layout VALUES (?, ?)", [version, utc_now()])
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
