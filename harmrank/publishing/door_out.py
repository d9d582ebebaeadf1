"""Checks a build as its readers will get it, before it is published."""

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
from harmrank.publishing.current_build import MART_FILE, NAMES, NAMES_FILE, OPERATIONAL
from harmrank.text import quoting
from harmrank.text.printable import without_values

_IN_OPEN_TABLES = {"offender_key", "force", "sex", "is_surviving_record"}
"""Columns of the table with names that say nothing about who a person is: other tables may have them, too."""


def check(home: Home, folder: Path, manifest: dict[str, Any], before: dict[str, Any] | None) -> list[checks.Finding]:
    """Returns what every expectation found about the build in `folder`.

    `manifest` belongs to this build, `before` to the published one to compare it with (None if there is none).
    """
    parameters = {"list_date": date.fromisoformat(manifest["list_date"]), "build_ids": [manifest["build_id"]]}
    with duck.open_database() as connection:
        warehouse.settle(connection, home)
        for database, file in (("published", MART_FILE), (OPERATIONAL, NAMES_FILE)):
            connection.execute(f"attach {quoting.text(str(folder / file))} as {database} (read_only)")
        for table in manifest["tables"]:
            name = quoting.identifier(table)
            connection.execute(f"create temp view {name} as select * from {_database(table)}.mart.{name}")
        _create_door_files(connection, folder, manifest)
        _create_door_changes(connection, home, before)
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
    """The finding for a suite that cannot be run because a column is missing: always fatal."""
    reason = str(error) if isinstance(error, checks.CannotBeRun) else without_values(str(error))
    expectation = suites.Expectation(
        name="the_suite_can_be_run",
        type="",
        arguments={},
        table=suite.expectations[0].table,
        column="(columns)",
        sentence=f"The checks of {suite.relation} can be run ({reason})",
        mend="Check whether a column that the contract names is missing.",
        is_fatal=True,
        fatal_from_rows=0,
    )
    return checks.Finding(expectation, passed=False, rows_checked=None, rows_unexpected=None, allowed=0)


def _create_door_files(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: dict[str, Any]) -> None:
    connection.execute(
        "create temp table door_files (table_name varchar, rows_in_duckdb bigint, rows_in_parquet bigint, "
        "rows_in_manifest bigint, columns_without_description bigint, columns_of_names bigint)"
    )
    named = manifest["tables"].get(NAMES, {"columns": []})
    of_names = {column["name"] for column in named["columns"]} - _IN_OPEN_TABLES
    for name, entry in manifest["tables"].items():
        parquet = quoting.text(str(folder / entry["file"]))
        connection.execute(
            f"insert into door_files select ?, (select count(*) from {quoting.identifier(name)}), "
            f"(select count(*) from read_parquet({parquet})), ?, count(*) filter (where coalesce(comment, '') = ''), "
            f"count(*) filter (where database_name = 'published' and column_name in (select unnest(?::varchar[]))) "
            "from duckdb_columns() where database_name = ? and schema_name = 'mart' and table_name = ?",
            [name, entry["rows"], sorted(of_names), _database(name), name],
        )


def _database(table: str) -> str:
    return OPERATIONAL if table == NAMES else "published"


def _create_door_changes(connection: duckdb.DuckDBPyConnection, home: Home, before: dict[str, Any] | None) -> None:
    """A row for each person ranked in the build before: whether the person is still listed (null if not listed then),
    and whether as many people are ranked now; in the first row, how many times as many."""
    empty = "null::boolean as is_still_listed, null::boolean as is_matched, null::double as offenders_as_multiple"
    connection.execute(f"create temp table door_changes as select {empty} where false")
    if before is not None:
        # The build before may come from another version: then it is not compared.
        with suppress(duckdb.Error, KeyError):
            _compare(connection, home.published / before["build_id"], before["tables"])


def _compare(connection: duckdb.DuckDBPyConnection, before: Path, tables: dict[str, Any]) -> None:
    listed, ranked = (
        f"read_parquet({quoting.text(str(before / tables[table]['file']))})" for table in ("top_100", "offender_harm")
    )
    connection.execute(f"""
        insert into door_changes
        with ranked as (
            select offender_key, row_number() over () as place, (select count(*) from offender_harm) as ranked_now,
                (select count(*) from {ranked}) as ranked_before
            from {ranked}
        )
        select
            case when ranked.offender_key in (select offender_key from {listed})
                then ranked.offender_key in (select offender_key from top_100) end,
            ranked.place <= ranked.ranked_now,
            case when ranked.place = 1 then ranked.ranked_now / ranked.ranked_before end
        from ranked
    """)
