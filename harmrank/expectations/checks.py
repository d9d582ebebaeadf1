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

from harmrank.errors import HarmrankError
from harmrank.expectations.suites import Expectation, Suite
from harmrank.machine import system_errors
from harmrank.text import quoting
from harmrank.text.printable import without_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from great_expectations.expectations import expectation as gx_expectation
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.validation_graph import MetricEdge, ValidationGraph

# One worker of the import system must not wait for another: whoever comes second waits for the first.
_loading = threading.Lock()


# What is wanted to know of each expectation.
_RUNTIME: dict[str, Any] = {"result_format": {"result_format": "BASIC", "partial_unexpected_count": 0}}


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


@dataclass(frozen=True)
class _Prepared:
    """An expectation as Great Expectations has it, and the metrics that it needs, by what it calls them.

    `expectation` and `values` are what it was made of: where they are the same, it can be used again. `edges` say which
    metric has to be known before which.
    """

    expectation: Expectation
    values: dict[str, Any]
    made: gx_expectation.Expectation
    metrics: dict[str, MetricConfiguration]
    edges: list[MetricEdge]

    def trouble(self, aborted: dict[Any, Any]) -> str | None:
        """What went wrong with a metric of this, if anything did, of all that went wrong."""
        own = {metric.id for edge in self.edges for metric in (edge.left, edge.right) if metric is not None}
        failed = (what["exception_info"] for metric_id, what in aborted.items() if metric_id in own)
        return next((str(info["exception_message"]) for info in failed), None)


@dataclass(frozen=True)
class _Query:
    """The metric of an expectation that gives the query for rows that are not as expected; None where it is not about rows."""

    of: _Prepared
    metric: MetricConfiguration | None
    edges: list[MetricEdge]


class Checker:
    """Checks relations that one connection can see, its temporary ones too.

    The connection stays the caller's: it is neither closed nor are its transactions touched.

    Great Expectations' own way to check a suite finds out for each expectation, each time, what it needs to know, which
    takes longer than to know it. Here that is kept from one time to the next.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._engine = _engine(connection)
        self._prepared: dict[str, _Prepared] = {}
        self._queries: dict[tuple[str, ...], _Query] = {}

    def check(self, suite: Suite, parameters: dict[str, Any] | None = None) -> list[Finding]:
        """What each expectation of the suite finds, in its order. Raises CannotBeRun if one cannot."""
        self._turn_to(suite.relation)
        prepared = [self._prepare(expectation, parameters or {}) for expectation in suite.expectations]
        computed, aborted = self._compute([edge for one in prepared for edge in one.edges])
        return [self._finding(one, computed, one.trouble(aborted)) for one in prepared]

    def places(
        self, suite: Suite, finding: Finding, columns: list[str], limit: int, parameters: dict[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The values of `columns` in the first rows that are not as expected, in order of these columns.

        None where the expectation is not about rows.
        """
        self._turn_to(suite.relation)
        prepared = self._prepare(finding.expectation, parameters or {})
        key = (finding.expectation.name, *columns)
        kept = self._queries.get(key)
        if kept is None or kept.of is not prepared:
            kept = self._queries[key] = self._query(prepared, columns)
        if kept.metric is None:
            return []
        computed, _ = self._compute(kept.edges)
        statement = str(computed[kept.metric.id]).strip().rstrip(";")
        listed = ", ".join(map(quoting.identifier, columns))
        return self._connection.execute(f"SELECT {listed} FROM ({statement}) ORDER BY ALL LIMIT {limit}").fetchall()

    def _query(self, prepared: _Prepared, columns: list[str]) -> _Query:
        wanted = {"result_format": {"result_format": "COMPLETE", "unexpected_index_column_names": columns}}
        metrics = self._needs(prepared.made, wanted)
        found = [metrics[name] for name in metrics if name.endswith(".unexpected_index_query")]
        return _Query(prepared, found[0] if found else None, self._edges(found))

    def _turn_to(self, relation: str) -> None:
        """Make a relation the one that is checked."""
        from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData

        # Of a query Great Expectations reads the names of the columns; a table it looks up in the catalog, for longer
        # than all its checks take. In brackets, since it is put into other queries as it is.
        query = f"(SELECT * FROM {quoting.identifier(relation)})"
        data = SqlAlchemyBatchData(execution_engine=self._engine, query=query, create_temp_table=False)
        self._engine.load_batch_data(relation, data)

    def _prepare(self, expectation: Expectation, parameters: dict[str, Any]) -> _Prepared:
        values = _resolved(expectation.arguments, parameters)
        kept = self._prepared.get(expectation.name)
        if kept is None or (kept.expectation, kept.values) != (expectation, values):
            made = _made(expectation, values)
            metrics = self._needs(made, _RUNTIME)
            try:
                edges = self._edges(list(metrics.values()))
            except Exception as error:
                raise _stopped(expectation, str(error)) from None
            kept = self._prepared[expectation.name] = _Prepared(expectation, values, made, metrics, edges)
        return kept

    def _needs(self, made: gx_expectation.Expectation, runtime: dict[str, Any]) -> dict[str, MetricConfiguration]:
        needed = made.get_validation_dependencies(execution_engine=self._engine, runtime_configuration=runtime)
        # Samples of the values that are not as expected: a query for each expectation, and nobody may see them.
        return {
            name: metric
            for name, metric in needed.metric_configurations.items()
            if not name.endswith(".unexpected_values")
        }

    def _edges(self, metrics: list[MetricConfiguration]) -> list[MetricEdge]:
        graph = self._graph()
        for metric in metrics:
            graph.build_metric_dependency_graph(metric)
        return list(graph.edges)

    def _compute(self, edges: list[MetricEdge]) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Metrics by their ids, and those that could not be computed."""
        computed, aborted = self._graph(edges).resolve(show_progress_bars=False)
        return dict(computed), dict(aborted)

    def _graph(self, edges: list[MetricEdge] | None = None) -> ValidationGraph:
        from great_expectations.validator.validation_graph import ValidationGraph

        return ValidationGraph(self._engine, edges)

    def _finding(self, prepared: _Prepared, computed: dict[Any, Any], trouble: str | None) -> Finding:
        missing = [name for name, metric in prepared.metrics.items() if metric.id not in computed]
        if trouble is None and missing:
            trouble = f"{missing[0]} could not be found out"
        if trouble is not None:
            raise _stopped(prepared.expectation, trouble)
        metrics = {name: computed[metric.id] for name, metric in prepared.metrics.items()}
        try:
            result = prepared.made._build_evr(
                prepared.made._validate(metrics, runtime_configuration=_RUNTIME, execution_engine=self._engine)
            )
        except Exception as error:
            raise _stopped(prepared.expectation, str(error)) from None
        return _finding(prepared.expectation, bool(result.success), result.result or {})


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


def _made(expectation: Expectation, values: dict[str, Any]) -> gx_expectation.Expectation:
    """The expectation in Great Expectations' own form, with the values of its parameters."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.util import convert_to_json_serializable

    arguments = {**expectation.arguments, **convert_to_json_serializable(values)}
    return ExpectationConfiguration(type=expectation.type, kwargs=arguments).to_domain_obj()


def _resolved(arguments: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        name: parameters[value["$PARAMETER"]]
        for name, value in arguments.items()
        if isinstance(value, dict) and "$PARAMETER" in value
    }


def _stopped(expectation: Expectation, trouble: str) -> HarmrankError:
    """What to raise where an expectation could not be looked at."""
    trouble = trouble.split("\n", 1)[0]
    said = f"the check {expectation.name} of {expectation.table} could not be run: {without_values(trouble)}"
    return system_errors.cause(trouble) or CannotBeRun(said)


def _finding(expectation: Expectation, passed: bool, details: dict[str, Any]) -> Finding:
    elements, observed = details.get("element_count"), details.get("observed_value")
    return Finding(
        expectation,
        passed=passed,
        rows_checked=None if elements is None else elements - (details.get("missing_count") or 0),
        rows_unexpected=details.get("unexpected_count"),
        allowed=round(1 - expectation.arguments.get("mostly", 1), 9),
        observed=str(observed) if isinstance(observed, int | float | date) else None,
    )
