"""Runs suites with Great Expectations on a DuckDB connection that is open already.

Great Expectations takes seconds to import, so it is loaded when there is something to check and not before.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb

from harmrank import sql, surroundings
from harmrank.errors import HarmrankError
from harmrank.printable import without_values
from harmrank.suites import Expectation, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from great_expectations.validator.validator import Validator

# One worker of the import system must not wait for another: whoever comes second waits for the first.
_loading = threading.Lock()


class CannotBeRun(HarmrankError):
    """An expectation could not be looked at: a fault of ours, or of what it looks at. Its text holds no data."""


@dataclass(frozen=True)
class Finding:
    """What one expectation found.

    `rows_checked` are those that have a value; it and `rows_unexpected` are None where the expectation is about the
    table as a whole; `observed` is what was found then. `allowed` is the share (0 to 1) of rows that may be other than expected.
    """

    expectation: Expectation
    passed: bool
    rows_checked: int | None
    rows_unexpected: int | None
    allowed: float
    observed: str | None = None

    @property
    def is_fatal(self) -> bool:
        """Whether this stops what was checked."""
        return (
            not self.passed
            and self.expectation.is_fatal
            and (self.rows_checked is None or self.rows_checked >= self.expectation.fatal_from_rows)
        )

    @property
    def said(self) -> str:
        """The finding as a clause for its reader, without a value of the data."""
        sentence = self.expectation.sentence.rstrip(".")
        if self.passed:
            return sentence
        if self.rows_unexpected is None or not self.rows_checked:
            return f"{sentence}: not so" + (f" (found {self.observed})" if self.observed else "")
        allowed = f"; at most {self.allowed:.0%} may be otherwise" if self.allowed else ""
        return f"{sentence}: not so in {self.rows_unexpected:,} of {self.rows_checked:,} rows{allowed}"


def preload() -> None:
    """Begin to load Great Expectations beside other work."""
    threading.Thread(target=_load, daemon=True).start()


@cache
def _gx() -> Any:
    # Nothing calls home.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Looking for garbage takes a quarter of the import, which leaves none.
    gc.disable()
    try:
        import great_expectations
    finally:
        gc.enable()

    # What goes wrong is raised below, as one line; the log would tell it with the data.
    logger = logging.getLogger("great_expectations")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return great_expectations


def _load() -> Any:
    with _loading:
        return _gx()


class Checker:
    """Checks relations that one connection can see, its temporary ones too.

    The connection stays the caller's: it is neither closed nor are its transactions touched.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._engine = _engine(connection)
        self._context = _load().get_context(mode="ephemeral")
        from great_expectations.data_context.types.base import ProgressBarsConfig

        self._context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)

    def check(self, suite: Suite, parameters: dict[str, Any] | None = None) -> list[Finding]:
        """What each expectation of the suite finds, in its order. Raises CannotBeRun if one cannot."""
        from great_expectations.core.expectation_suite import ExpectationSuite

        expectations = [_configuration(expectation) for expectation in suite.expectations]
        outcome = self._validator(suite.relation).validate(
            ExpectationSuite(name=suite.relation, expectations=expectations),
            suite_parameters=parameters or {},
            result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
        )
        found = {result.expectation_config.meta["name"]: result for result in outcome.results}
        return [_finding(expectation, found[expectation.name]) for expectation in suite.expectations]

    def places(
        self, suite: Suite, finding: Finding, columns: list[str], limit: int, parameters: dict[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The values of `columns` in the first rows that are not as expected, in order of these columns.

        None where the expectation is not about rows.
        """
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        configuration = ExpectationConfiguration(**_configuration(finding.expectation))
        # Parameters are resolved by the suite alone, so they are put in here as they will have been there.
        configuration.kwargs.update(_resolved(finding.expectation.arguments, parameters or {}))
        wanted = {"result_format": {"result_format": "COMPLETE", "unexpected_index_column_names": columns}}
        dependencies = configuration.to_domain_obj().get_validation_dependencies(
            execution_engine=self._engine, runtime_configuration=wanted
        )
        metrics = dependencies.metric_configurations
        query = next((metrics[name] for name in metrics if name.endswith(".unexpected_index_query")), None)
        if query is None:
            return []
        computed, _ = self._validator(suite.relation).compute_metrics([query])
        statement = str(computed[query.id]).strip().rstrip(";")
        listed = ", ".join(map(sql.identifier, columns))
        return self._connection.execute(f"SELECT {listed} FROM ({statement}) ORDER BY ALL LIMIT {limit}").fetchall()

    def _validator(self, relation: str) -> Validator:
        from great_expectations.core.batch import Batch
        from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
        from great_expectations.validator.validator import Validator

        # Of a query Great Expectations reads the names of the columns; a table it looks up in the catalog, for longer
        # than all its checks take. In brackets, since it is put into other queries as it is.
        query = f"(SELECT * FROM {sql.identifier(relation)})"
        data = SqlAlchemyBatchData(execution_engine=self._engine, query=query, create_temp_table=False)
        return Validator(execution_engine=self._engine, batches=[Batch(data=data)], data_context=self._context)


def _engine(connection: duckdb.DuckDBPyConnection) -> Any:
    """An execution engine of Great Expectations on this very connection.

    Great Expectations closes the connection before it has read a result, for every database that is not on its list
    of those that need one kept open. DuckDB is not on it, so this engine keeps its own open.
    """
    _load()
    import sqlalchemy
    from duckdb_engine import ConnectionWrapper
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine

    class OpenConnection(ConnectionWrapper):  # type: ignore[misc]
        """A connection whose end and transactions are its owner's business."""

        def begin(self) -> None:
            """Nothing: the owner may have begun already."""

        commit = rollback = close = begin

    class Engine(SqlAlchemyExecutionEngine):  # type: ignore[misc]
        """Keeps one connection."""

        _connection: sqlalchemy.Connection | None

        @contextmanager
        def get_connection(self) -> Iterator[sqlalchemy.Connection]:
            """The one connection."""
            if self._connection is None:
                self._connection = self.engine.connect()
            yield self._connection

    engine = sqlalchemy.create_engine(
        "duckdb:///:memory:",
        creator=lambda: OpenConnection(connection),
        poolclass=sqlalchemy.pool.StaticPool,
        pool_reset_on_return=None,
    )
    return Engine(engine=engine, create_temp_table=False)


def _configuration(expectation: Expectation) -> dict[str, Any]:
    return {
        "type": expectation.type,
        "kwargs": dict(expectation.arguments),
        "severity": "critical" if expectation.is_fatal else "warning",
        "meta": {"name": expectation.name},
    }


def _resolved(arguments: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        name: parameters[value["$PARAMETER"]]
        for name, value in arguments.items()
        if isinstance(value, dict) and "$PARAMETER" in value
    }


def _finding(expectation: Expectation, result: Any) -> Finding:
    if trouble := _trouble(result.exception_info):
        stopped_by = surroundings.cause(trouble)
        if stopped_by:
            raise stopped_by
        said = without_values(trouble)
        raise CannotBeRun(f"the check {expectation.name} of {expectation.table} could not be run: {said}")
    details = result.result or {}
    elements, observed = details.get("element_count"), details.get("observed_value")
    return Finding(
        expectation,
        passed=bool(result.success),
        rows_checked=None if elements is None else elements - (details.get("missing_count") or 0),
        rows_unexpected=details.get("unexpected_count"),
        allowed=round(1 - expectation.arguments.get("mostly", 1), 9),
        observed=str(observed) if isinstance(observed, int | float | date) else None,
    )


def _trouble(exception_info: dict[str, Any] | None) -> str | None:
    """What went wrong in a check, if anything did."""
    info = exception_info or {}
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    raised = next((entry for entry in entries if entry.get("raised_exception")), None)
    if raised is None:
        return None
    return str(raised.get("exception_message") or "unknown").split("\n", 1)[0]
