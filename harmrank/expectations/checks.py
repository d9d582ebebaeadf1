"""Runs suites with Great Expectations on an open DuckDB connection.

Great Expectations takes seconds to import, so it is loaded only when there is something to check.
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

from harmrank.errors import HarmrankError
from harmrank.expectations.suites import Expectation, Suite
from harmrank.machine import system_errors
from harmrank.text import quoting
from harmrank.text.printable import without_values
from harmrank.text.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

# Two threads that import it at once can deadlock in Python's import system: the second one waits here.
_loading = threading.Lock()

# Counts without any of the unexpected values: those are personal data.
_COUNTS: dict[str, Any] = {"result_format": "BASIC", "partial_unexpected_count": 0, "exclude_unexpected_values": True}


class CannotBeRun(HarmrankError):
    """An expectation could not be evaluated, for example because a column is missing. The text holds no data."""


@dataclass(frozen=True)
class Finding:
    """What one expectation found.

    `rows_checked` counts the rows that have a value. It and `rows_unexpected` are None if the expectation is about the
    table as a whole; `observed` is the value found then. `allowed` is the share (0 to 1) of rows that may be unexpected.
    """

    expectation: Expectation
    passed: bool
    rows_checked: int | None
    rows_unexpected: int | None
    allowed: float
    observed: str | None = None

    @property
    def is_fatal(self) -> bool:
        """Whether this refuses the extract or stops the publication."""
        return (
            not self.passed
            and self.expectation.is_fatal
            and (self.rows_checked is None or self.rows_checked >= self.expectation.fatal_from_rows)
        )

    @property
    def message(self) -> str:
        """The finding as a sentence without its full stop; it holds no value of the data."""
        sentence = self.expectation.sentence.rstrip(".")
        if self.passed:
            return sentence
        if self.rows_unexpected is None or not self.rows_checked:
            return f"{sentence}: not true" + (f" (found {self.observed})" if self.observed else "")
        allowed = f" (at most {self.allowed:.0%} allowed)" if self.allowed else ""
        return f"{sentence}: not true for {self.rows_unexpected:,} of {plural(self.rows_checked, 'row')}{allowed}"


def preload() -> None:
    """Starts loading Great Expectations in a thread."""
    threading.Thread(target=_load, daemon=True).start()


@cache
def _gx() -> Any:
    # No usage statistics.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Garbage collection takes a quarter of the import, and finds nothing.
    gc.disable()
    try:
        import great_expectations
    finally:
        gc.enable()

    # Errors are raised below as one line; the log would repeat them with the data.
    logger = logging.getLogger("great_expectations")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return great_expectations


def _load() -> Any:
    with _loading:
        return _gx()


class Checker:
    """Checks relations that one connection can see, its temporary ones too.

    The connection stays the caller's: this neither closes it nor touches its transactions.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._engine = _engine(connection)

    def check(self, suite: Suite, parameters: dict[str, Any] | None = None) -> list[Finding]:
        """Returns what each expectation of the suite found, in its order. Raises CannotBeRun."""
        results = self._validate(suite, suite.expectations, parameters or {}, _COUNTS)
        return [_finding(expectation, result) for expectation, result in zip(suite.expectations, results, strict=True)]

    def places(
        self, suite: Suite, finding: Finding, columns: list[str], limit: int, parameters: dict[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Returns `columns` of the first unexpected rows, ordered by them; none if the expectation is not about rows."""
        asked = {**_COUNTS, "return_unexpected_index_query": True, "unexpected_index_column_names": columns}
        (result,) = self._validate(suite, (finding.expectation,), parameters or {}, asked)
        query = (result.result or {}).get("unexpected_index_query")
        if query is None:
            return []
        listed = ", ".join(map(quoting.identifier, columns))
        statement = str(query).strip().rstrip(";")
        return self._connection.execute(f"SELECT {listed} FROM ({statement}) ORDER BY ALL LIMIT {limit}").fetchall()

    def _validate(
        self,
        suite: Suite,
        expectations: Sequence[Expectation],
        parameters: dict[str, Any],
        result_format: dict[str, Any],
    ) -> list[ExpectationValidationResult]:
        """Great Expectations' results, one for each expectation. Raises CannotBeRun."""
        from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
        from great_expectations.validator.validator import Validator

        # Great Expectations reads the column names from a query's result; it looks a table up in the catalog, which takes
        # longer than all its checks. In brackets, since it embeds the query in others.
        query = f"(SELECT * FROM {quoting.identifier(suite.relation)})"
        data = SqlAlchemyBatchData(execution_engine=self._engine, query=query, create_temp_table=False)
        self._engine.load_batch_data(suite.relation, data)
        validator = Validator(execution_engine=self._engine)
        validator.metrics_calculator.show_progress_bars = False
        results = validator.graph_validate(
            configurations=[_configuration(expectation, parameters) for expectation in expectations],
            runtime_configuration={"result_format": result_format},
        )
        by_name = {expectation.name: expectation for expectation in expectations}
        for result in results:
            if trouble := _trouble(result.exception_info or {}):
                raise _stopped(by_name[result.expectation_config.meta["name"]], trouble)
        return list(results)


def _engine(connection: duckdb.DuckDBPyConnection) -> Any:
    """Returns an execution engine of Great Expectations that uses this connection.

    Great Expectations closes a connection before it has read the result, unless the database is on its list of those
    that must keep one. DuckDB is not on the list, so this engine keeps its connection open.
    """
    _load()
    import sqlalchemy
    from duckdb_engine import ConnectionWrapper
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine

    class OpenConnection(ConnectionWrapper):  # type: ignore[misc]
        """Leaves transactions and closing to the owner of the connection."""

        def begin(self) -> None:
            """Does nothing: the owner may have begun a transaction."""

        commit = rollback = close = begin

    class Engine(SqlAlchemyExecutionEngine):  # type: ignore[misc]
        """Keeps one connection open."""

        _connection: sqlalchemy.Connection | None

        @contextmanager
        def get_connection(self) -> Iterator[sqlalchemy.Connection]:
            """The open connection."""
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


def _configuration(expectation: Expectation, parameters: dict[str, Any]) -> ExpectationConfiguration:
    """The expectation in Great Expectations' own form, with the values of its parameters."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.util import convert_to_json_serializable

    values = {
        name: parameters[value["$PARAMETER"]]
        for name, value in expectation.arguments.items()
        if isinstance(value, dict) and "$PARAMETER" in value
    }
    arguments = {**expectation.arguments, **convert_to_json_serializable(values)}
    return ExpectationConfiguration(type=expectation.type, kwargs=arguments, meta={"name": expectation.name})


def _trouble(exception_info: dict[Any, Any]) -> str | None:
    """The message of an exception: Great Expectations keeps one of its own, or one for each metric that failed."""
    kept = [exception_info, *(inner for inner in exception_info.values() if isinstance(inner, dict))]
    return next((str(found["exception_message"]) for found in kept if found.get("exception_message")), None)


def _stopped(expectation: Expectation, trouble: str) -> HarmrankError:
    """Returns the error for an expectation that could not be evaluated."""
    trouble = trouble.split("\n", 1)[0]
    message = f"the check {expectation.name} of {expectation.table} failed to run: {without_values(trouble)}"
    return system_errors.cause(trouble) or CannotBeRun(message)


def _finding(expectation: Expectation, result: ExpectationValidationResult) -> Finding:
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
