"""Checks a build at the door out: as its readers will get it, before they can."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from harmrank.expectations import checks, suites
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine import duck
from harmrank.publishing.current_build import MART_FILE
from harmrank.text import quoting
from harmrank.text.printable import without_values

_SCHEMA = "published.mart"
_COMPARABLE_DAYS = 45
"""How far two list dates may be apart for one list to say something of the other: a month and a half."""


def check(home: Home, folder: Path, manifest: dict[str, Any], standing: dict[str, Any] | None) -> list[checks.Finding]:
    """What every expectation about the build in `folder` found.

    `manifest` is that of the build, `standing` that of the build that stands, or None.
    """
    parameters = {"list_date": date.fromisoformat(manifest["list_date"]), "build_ids": [manifest["build_id"]]}
    with duck.open_database() as connection:
        warehouse.settle(connection, home)
        connection.execute(f"attach {quoting.text(str(folder / MART_FILE))} as published (read_only)")
        for table in manifest["tables"]:
            name = quoting.identifier(table)
            connection.execute(f"create temp view {name} as select * from {_SCHEMA}.{name}")
        _offer_files(connection, folder, manifest)
        _offer_changes(connection, home, manifest, standing)
        checker = checks.Checker(connection)
        found: list[checks.Finding] = []
        for suite in suites.load("door_out"):
            try:
                if suite.query:
                    connection.execute(
                        f"create or replace temp view {quoting.identifier(suite.relation)} as {suite.query}"
                    )
                found += checker.check(suite, parameters)
            except (checks.CannotBeRun, duckdb.BinderException) as error:
                found.append(_broken(suite, error))
    return found


def _broken(suite: suites.Suite, error: Exception) -> checks.Finding:
    """A suite that cannot be run, for want of a column it speaks of: worse than any finding."""
    said = str(error) if isinstance(error, checks.CannotBeRun) else without_values(str(error))
    expectation = suites.Expectation(
        name="the_suite_can_be_run",
        type="",
        arguments={},
        table=suite.expectations[0].table,
        column="(columns)",
        sentence=f"What readers rely on in {suite.relation} can be checked ({said})",
        mend="See whether a column that the contract names is missing.",
        is_fatal=True,
        fatal_from_rows=0,
    )
    return checks.Finding(expectation, passed=False, rows_checked=None, rows_unexpected=None, allowed=0)


def _offer_files(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: dict[str, Any]) -> None:
    connection.execute(
        "create temp table door_files (table_name varchar, rows_in_duckdb bigint, rows_in_parquet bigint, "
        "rows_in_manifest bigint, columns_without_description bigint)"
    )
    for name, entry in manifest["tables"].items():
        parquet = quoting.text(str(folder / entry["file"]))
        connection.execute(
            f"insert into door_files select ?, (select count(*) from {_SCHEMA}.{quoting.identifier(name)}), "
            f"(select count(*) from read_parquet({parquet})), ?, "
            "(select count(*) from duckdb_columns() where database_name = 'published' and schema_name = 'mart' "
            "and table_name = ? and coalesce(comment, '') = '')",
            [name, entry["rows"], name],
        )


def _offer_changes(
    connection: duckdb.DuckDBPyConnection, home: Home, manifest: dict[str, Any], standing: dict[str, Any] | None
) -> None:
    """The list beside the one that stands: the share (0 to 1) of its people who stay, and how many are ranked now as a
    multiple of before."""
    empty = "select null::double as share_of_places_kept, null::double as offenders_as_multiple"
    connection.execute(f"create temp table door_changes as {empty}")
    if standing is not None and _are_comparable(manifest, standing):
        # What stands may be damaged, or have been published by another version: then there is nothing to compare with.
        with suppress(duckdb.Error, KeyError):
            _compare(connection, home.published / standing["build_id"], standing["tables"])


def _compare(connection: duckdb.DuckDBPyConnection, before: Path, tables: dict[str, Any]) -> None:
    listed, ranked = (
        f"read_parquet({quoting.text(str(before / tables[table]['file']))})" for table in ("top_100", "offender_harm")
    )
    connection.execute(f"""
        create or replace temp table door_changes as select
            (select avg((offender_key in (select offender_key from top_100))::int) from {listed})
                as share_of_places_kept,
            (select count(*) from offender_harm) / nullif((select count(*) from {ranked}), 0) as offenders_as_multiple
    """)


def _are_comparable(one: dict[str, Any], other: dict[str, Any]) -> bool:
    apart = date.fromisoformat(one["list_date"]) - date.fromisoformat(other["list_date"])
    return one["method"] == other["method"] and abs(apart.days) <= _COMPARABLE_DAYS
