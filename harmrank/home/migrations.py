"""Brings a home made by an older harmrank to the layout of this one: the tables that landing and builds write to.

A change of the raw tables is made twice: in their definition (`warehouse`), which a new home is made from, and as
a step here, which an older home takes. A test holds the two against each other.
"""

from __future__ import annotations

import duckdb

from harmrank.errors import HarmrankError
from harmrank.home.folder import Home
from harmrank.machine import duck
from harmrank.machine.clock import utc_now

# The statements that lead from version 1 to 2, from 2 to 3, and so on. Tables that are missing are made from their
# definition afterwards, so a step for a new table alone is empty. A step that was released is never changed.
STEPS: tuple[tuple[str, ...], ...] = (
    # Quarantined rows keep their key; raw.corrections, raw.extract_checks and raw.acceptance are new.
    ("ALTER TABLE IF EXISTS raw.quarantine ADD COLUMN IF NOT EXISTS record_key VARCHAR",),
    # raw.built_extracts is new.
    (),
    # raw.crime_digests, raw.person_digests and raw.digests_made are new; landing fills them.
    (),
    # raw.published_places and raw.published_evidence are new; the next build begins them with the list that stands.
    (),
    # A build may be asked for as things were known on a day.
    ("ALTER TABLE IF EXISTS raw.build_request ADD COLUMN IF NOT EXISTS known_at DATE",),
)

HOME_LAYOUT = "raw.home_layout (version INTEGER NOT NULL, set_at TIMESTAMP NOT NULL)"
"""The definition of the table that says which version a home is of: its highest. A home without it is of version 1."""


def newest_layout() -> int:
    """The version this harmrank makes and reads."""
    return 1 + len(STEPS)


def layout_of(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The version of an open home, or None where there is nothing in it yet."""
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
    """Raise HarmrankError for a home of a version that this harmrank does not know."""
    found = layout_of(connection)
    if found is not None and found > newest_layout():
        raise HarmrankError(
            f"{home.root} was made by a newer harmrank (layout {found}, this one knows up to {newest_layout()}): "
            "install that one."
        )


def refuse_older(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Raise HarmrankError for a home that a step still has to be applied to, for readers that need the new layout."""
    if layout_of(connection) != newest_layout():
        raise HarmrankError(
            f"{home.root} was made by an older harmrank: run harmrank refresh EXTRACTS --home {home.root} once, "
            "then this again."
        )


def bring_up(connection: duckdb.DuckDBPyConnection, definitions: tuple[str, ...]) -> None:
    """Apply every step that is still to be taken, in order, then make the tables that are missing.

    Each step and the number of its version are one transaction: killed or failed in between, the home is of the
    version before. `definitions` are those of all raw tables. Raises duckdb.Error where a step fails.
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
