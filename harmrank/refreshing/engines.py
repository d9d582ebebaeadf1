"""The engine that lands and builds: DuckDB in this process, or Apache Spark. The rest of a refresh is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import duckdb

from harmrank.building import run_dbt
from harmrank.building.run_dbt import BuildResult
from harmrank.errors import UsageError
from harmrank.home import ledger, warehouse
from harmrank.home.folder import Home
from harmrank.landing.files.row_reader import DuckDBRows, Rows
from harmrank.machine import duck
from harmrank.publishing import publish

Progress = Callable[[str, int, int], None]


class Engine(Protocol):
    """What a refresh needs from an engine."""

    name: str

    def rows(self) -> Rows:
        """Returns what reads extracts and keeps their rows."""

    def build(self, progress: Progress, only_changes: bool) -> BuildResult:
        """Builds and tests every model; with `only_changes` only what new extracts touch."""

    def test(self, progress: Progress) -> BuildResult:
        """Runs every data test over every row, without building."""

    def marts(self, built: BuildResult) -> publish.Marts:
        """Returns the marts of this build."""


class DuckDB:
    """DuckDB on the home's warehouse."""

    name = "duckdb"

    def __init__(self, home: Home) -> None:
        self._home = home

    def rows(self) -> Rows:
        """Returns DuckDB's reader with the raw tables of the warehouse."""
        return DuckDBRows()

    def build(self, progress: Progress, only_changes: bool) -> BuildResult:
        """Runs dbt on the warehouse."""
        return run_dbt.build(self._home, progress, only_changes)

    def test(self, progress: Progress) -> BuildResult:
        """Runs dbt's tests on the warehouse."""
        return run_dbt.test(self._home, progress)

    def marts(self, built: BuildResult) -> publish.Marts:
        """Returns the marts of the project in the warehouse."""
        return publish.of_warehouse(self._home, {name for schema, name in built.relations if schema == "mart"})


class Spark:
    """Apache Spark. Its tables are in the home or where its session keeps them."""

    name = "spark"

    def __init__(self, home: Home) -> None:
        from harmrank.spark.session import Session

        self._home = home
        self._session = Session(home)

    def rows(self) -> Rows:
        """Returns Spark's reader with its raw tables. Raises UsageError if Spark is not installed."""
        from harmrank.spark.landing import SparkRows
        from harmrank.spark.session import refuse_without_spark

        refuse_without_spark()
        return SparkRows(self._session, self._home.scratch)

    def build(self, progress: Progress, only_changes: bool) -> BuildResult:
        """Copies the records of landing to Spark, then runs dbt there."""
        from harmrank.spark.session import TARGET, refuse_without_ansi_mode

        with warehouse.connect(self._home) as connection:
            self._session.hand_over(connection)
            ledger.mark_tables_untrusted(connection)
        refuse_without_ansi_mode()
        only_changes = only_changes and self._session.has_built
        built = run_dbt.build(self._home, progress, only_changes, TARGET)
        if not built.failures:
            with warehouse.connect(self._home) as connection:
                self._session.take_back(connection)
        return built

    def test(self, progress: Progress) -> BuildResult:
        """Runs dbt's tests on Spark."""
        from harmrank.spark.session import TARGET

        with warehouse.connect(self._home) as connection:
            self._session.hand_over(connection)
        return run_dbt.test(self._home, progress, TARGET)

    def marts(self, built: BuildResult) -> publish.Marts:
        """Returns the files of Spark's schema mart, with the descriptions of dbt's project."""
        from harmrank.spark.marts import of_project

        return of_project(self._session, built.project)


def of(home: Home, asked: str | None = None) -> Engine:
    """Returns the engine of a home: the one that landed its extracts or, in a new home, the one asked for.

    Raises UsageError if another engine landed them.
    """
    has_landed = _has_landed(home)
    made_by = "spark" if home.spark_place.exists() else "duckdb"
    if has_landed and asked is not None and asked != made_by:
        raise UsageError(f"the extracts of {home.root} are in {made_by}: use a new home for {asked}")
    name = made_by if has_landed or asked is None else asked
    return Spark(home) if name == "spark" else DuckDB(home)


def _has_landed(home: Home) -> bool:
    if not home.warehouse.exists():
        return False
    with warehouse.connect(home, read_only=True) as connection:
        try:
            landed = duck.one_value(connection, "SELECT count(*) FROM raw.extracts")
        except duckdb.CatalogException:
            return False
    return bool(landed)
