"""Runs suites of Great Expectations on an open DuckDB connection.

One query counts the rows of a relation that are not as its suite expects. Great Expectations judges what these counts do not
say is true. It takes seconds to import, so it is loaded only then.
"""

from __future__ import annotations

import gc
import logging
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import duckdb

from harmrank.errors import HarmrankError
from harmrank.expectations.suites import Expectation, Suite
from harmrank.machine import duck, system_errors
from harmrank.text import quoting
from harmrank.text.printable import without_values
from harmrank.text.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from great_expectations.expectations import expectation as gx_expectation
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.validation_graph import MetricEdge, ValidationGraph

# Counts without any of the unexpected values: those are personal data.
_RUNTIME: dict[str, Any] = {"result_format": {"result_format": "BASIC", "partial_unexpected_count": 0}}


class CannotBeRun(HarmrankError):
    """An expectation could not be evaluated, for example because a column is missing. The text holds no data."""


@dataclass(frozen=True)
class Finding:
    """What one expectation found.

    `passed` is None if there was nothing to compare. `rows_checked` counts the rows that have a value. It and
    `rows_unexpected` are None if the expectation is about the table as a whole; `observed` is the value found then.
    `allowed` is the share (0 to 1) of rows that may be unexpected.
    """

    expectation: Expectation
    passed: bool | None
    rows_checked: int | None
    rows_unexpected: int | None
    allowed: float
    observed: str | None = None

    @property
    def failed(self) -> bool:
        """Whether something was compared, and was not as expected."""
        return self.passed is False

    @property
    def is_fatal(self) -> bool:
        """Whether this refuses the extract or stops the publication."""
        return (
            self.failed
            and self.expectation.is_fatal
            and (self.rows_checked is None or self.rows_checked >= self.expectation.fatal_from_rows)
        )

    @property
    def message(self) -> str:
        """The finding as a sentence without its full stop; it holds no value of the data."""
        sentence = self.expectation.sentence.rstrip(".")
        if not self.failed:
            return sentence
        if self.rows_unexpected is None or not self.rows_checked:
            return f"{sentence}: not true" + (f" (found {self.observed})" if self.observed else "")
        allowed = f" (at most {self.allowed:.0%} allowed)" if self.allowed else ""
        return f"{sentence}: not true for {self.rows_unexpected:,} of {plural(self.rows_checked, 'row')}{allowed}"


@cache
def _load() -> Any:
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


@dataclass(frozen=True)
class _Prepared:
    """An expectation in Great Expectations' own form, and the metrics it needs, by name.

    It was made from `expectation` and `values`, and is reused while both are the same. `edges` say which metric must be
    computed before which.
    """

    expectation: Expectation
    values: dict[str, Any]
    made: gx_expectation.Expectation
    metrics: dict[str, MetricConfiguration]
    edges: list[MetricEdge]

    def trouble(self, aborted: dict[Any, Any]) -> str | None:
        """Returns the error of one of its metrics among all metrics that failed, or None."""
        own = {metric.id for edge in self.edges for metric in (edge.left, edge.right) if metric is not None}
        failed = (failure["exception_info"] for metric_id, failure in aborted.items() if metric_id in own)
        return next((str(info["exception_message"]) for info in failed), None)


class Checker:
    """Checks relations that one connection can see, its temporary ones too.

    The connection stays the caller's: this neither closes it nor touches its transactions.

    Great Expectations' own validator works out the metrics of every expectation again for every extract, which takes longer
    than computing them. Here they are kept (docs/decisions/0027-landing-that-keeps-up.md has the figures).
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._prepared: dict[str, _Prepared] = {}

    def check(self, suite: Suite, parameters: dict[str, Any] | None = None) -> list[Finding]:
        """Returns what each expectation of the suite found, in its order. Raises CannotBeRun."""
        values = parameters or {}
        met = {name: finding for name, finding in self._counted(suite, values).items() if not finding.failed}
        judged = self._judged(suite.relation, [one for one in suite.expectations if one.name not in met], values)
        return [{**met, **judged}[expectation.name] for expectation in suite.expectations]

    def places(
        self, suite: Suite, finding: Finding, columns: list[str], limit: int, parameters: dict[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Returns `columns` of the first unexpected rows, ordered by them; none if the expectation is not about rows."""
        sql = _about_rows(finding.expectation, parameters or {})
        if sql is None:
            return []
        listed = ", ".join(map(quoting.identifier, columns))
        return self._connection.execute(
            f"SELECT {listed} FROM {quoting.identifier(suite.relation)} WHERE {sql.checked} AND {sql.unexpected} "
            f"ORDER BY ALL LIMIT {limit}"
        ).fetchall()

    def _counted(self, suite: Suite, parameters: dict[str, Any]) -> dict[str, Finding]:
        """Returns what one query over the relation found, by name of the expectation; none if the query cannot be run."""
        about_rows = {one.name: _about_rows(one, parameters) for one in suite.expectations}
        known = {name: sql for name, sql in about_rows.items() if sql is not None}
        counts = [
            f"count(*) FILTER ({sql.checked}), count(*) FILTER ({sql.checked} AND {sql.unexpected})"
            for sql in known.values()
        ]
        query = f"SELECT {', '.join(['count(*)', *counts])} FROM {quoting.identifier(suite.relation)}"
        # Great Expectations says why it cannot be run: a column is missing, or the disk is full.
        with suppress(duckdb.Error):
            rows, *counted = duck.one_row(self._connection, query)
            found = {
                one.name: _counted(one, rows, *counted[2 * place : 2 * place + 2])
                for place, one in enumerate(one for one in suite.expectations if one.name in known)
            }
            for one in suite.expectations:
                if one.type == "expect_table_row_count_to_be_between" and set(one.arguments) == {"min_value"}:
                    found[one.name] = _finding(one, rows >= one.arguments["min_value"], {"observed_value": rows})
                elif one.type == "expect_table_columns_to_match_set" and one.arguments.get("exact_match") is False:
                    described = self._connection.execute(f"DESCRIBE {quoting.identifier(suite.relation)}").fetchall()
                    names = {name for name, *_ in described}
                    found[one.name] = _finding(one, names >= set(one.arguments["column_set"]), {})
            return found
        return {}

    def _judged(self, relation: str, expectations: list[Expectation], parameters: dict[str, Any]) -> dict[str, Finding]:
        """Returns what Great Expectations found, by name of the expectation. Raises CannotBeRun."""
        if not expectations:
            return {}
        self._turn_to(relation)
        prepared = [self._prepare(expectation, parameters) for expectation in expectations]
        computed, aborted = self._compute([edge for one in prepared for edge in one.edges])
        return {one.expectation.name: self._finding(one, computed, one.trouble(aborted)) for one in prepared}

    @cached_property
    def _engine(self) -> Any:
        return _engine(self._connection)

    def _turn_to(self, relation: str) -> None:
        """Makes a relation the one that is checked."""
        from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData

        # Great Expectations reads the column names from a query's result; it looks a table up in the catalog, which takes
        # longer than all its checks. In brackets, since it embeds the query in others.
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
        # Without samples of unexpected values: they are personal data, and cost a query for each expectation.
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
        """Returns the metrics by id, and those that could not be computed."""
        computed, aborted = self._graph(edges).resolve(show_progress_bars=False)
        return dict(computed), dict(aborted)

    def _graph(self, edges: list[MetricEdge] | None = None) -> ValidationGraph:
        from great_expectations.validator.validation_graph import ValidationGraph

        return ValidationGraph(self._engine, edges)

    def _finding(self, prepared: _Prepared, computed: dict[Any, Any], trouble: str | None) -> Finding:
        missing = [name for name, metric in prepared.metrics.items() if metric.id not in computed]
        if trouble is None and missing:
            trouble = f"{missing[0]} could not be computed"
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


@dataclass(frozen=True)
class _AboutRows:
    """An expectation about each row as SQL: whether a row has something to check, and whether it is not as expected."""

    checked: str
    unexpected: str


def _about_rows(expectation: Expectation, parameters: dict[str, Any]) -> _AboutRows | None:
    """Returns the SQL of an expectation; None for a kind, or arguments, that only Great Expectations knows."""
    values = {**expectation.arguments, **_resolved(expectation.arguments, parameters)}
    values.pop("mostly", None)
    kind = expectation.type.removeprefix("expect_column_")
    names = {
        name: quoting.identifier(values.pop(name)) for name in ("column", "column_A", "column_B") if name in values
    }
    if kind in ("pair_values_a_to_be_greater_than_b", "pair_values_to_be_equal"):
        one, other = names["column_A"], names["column_B"]
        if kind == "pair_values_to_be_equal" and not values:
            return _AboutRows(f"({one} IS NOT NULL OR {other} IS NOT NULL)", f"{one} IS DISTINCT FROM {other}")
        if values == {"or_equal": True, "ignore_row_if": "either_value_is_missing"}:
            return _AboutRows(f"({one} IS NOT NULL AND {other} IS NOT NULL)", f"{one} < {other}")
        return None
    column = names.get("column")
    if kind == "values_to_not_be_null" and not values:
        return _AboutRows("true", f"{column} IS NULL")
    if kind == "values_to_be_null" and not values:
        return _AboutRows("true", f"{column} IS NOT NULL")
    if kind == "values_to_be_in_set" and set(values) == {"value_set"}:
        listed = ", ".join(map(_literal, values["value_set"]))
        return _AboutRows(f"{column} IS NOT NULL", f"{column} NOT IN ({listed})")
    if kind == "values_to_be_between" and set(values) <= {"min_value", "max_value", "strict_max"}:
        least, most = values.get("min_value"), values.get("max_value")
        outside = [f"{column} < {_literal(least)}"] if least is not None else []
        if most is not None:
            outside.append(f"{column} {'>=' if values.get('strict_max') else '>'} {_literal(most)}")
        return _AboutRows(f"{column} IS NOT NULL", f"({' OR '.join(outside)})")
    return None


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool | int | float) else quoting.text(str(value))


def _counted(expectation: Expectation, rows: int, checked: int, unexpected: int) -> Finding:
    """Returns the finding for these numbers of rows, judged as Great Expectations does."""
    passed = not checked or (checked - unexpected) / checked >= expectation.arguments.get("mostly", 1)
    # Without any row, it counts pairs but no values.
    is_counted = rows or expectation.type.startswith("expect_column_pair_")
    return _finding(
        expectation, passed, {"element_count": checked, "unexpected_count": unexpected if is_counted else None}
    )


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
    """Returns the error for an expectation that could not be evaluated."""
    trouble = trouble.split("\n", 1)[0]
    message = f"the check {expectation.name} of {expectation.table} failed to run: {without_values(trouble)}"
    return system_errors.cause(trouble) or CannotBeRun(message)


def _finding(expectation: Expectation, passed: bool, details: dict[str, Any]) -> Finding:
    elements, observed = details.get("element_count"), details.get("observed_value")
    checked, unexpected = (
        None if elements is None else elements - (details.get("missing_count") or 0),
        details.get("unexpected_count"),
    )
    is_too_few = unexpected is not None and unexpected < expectation.least_unexpected
    return Finding(
        expectation,
        passed=None if passed and checked == 0 else passed or is_too_few,
        rows_checked=checked,
        rows_unexpected=unexpected,
        allowed=round(1 - expectation.arguments.get("mostly", 1), 9),
        observed=str(observed) if isinstance(observed, int | float | date) else None,
    )
