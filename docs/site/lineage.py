"""Finds where a column is made: sqlglot follows it through the compiled SQL of the models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.dialects import DuckDB
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

Manifest = dict[str, Any]


class _Dialect(DuckDB):
    """DuckDB's dialect with `force` as a column name: sqlglot takes it for a keyword of other engines."""

    class Tokenizer(DuckDB.Tokenizer):
        KEYWORDS = {word: token for word, token in DuckDB.Tokenizer.KEYWORDS.items() if word != "FORCE"}


@dataclass(frozen=True)
class Step:
    """A model on the way of a column, and what it does with the column."""

    model: str
    column: str
    # The SQL that makes the column here; None if the model passes it on or stores it.
    made_by: str | None
    # Whether the model stores the column unchanged, from outside this project.
    is_held: bool = False


class Lineage:
    """The lineage of all columns in a manifest with compiled SQL (`dbt compile`)."""

    def __init__(self, manifest: Manifest) -> None:
        nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
        self._compiled = {node["name"]: node["compiled_code"] for node in nodes if node["resource_type"] == "model"}
        self._schema: dict[str, Any] = {}
        for node in [*nodes, *manifest["sources"].values()]:
            columns = {name: column.get("data_type") or "text" for name, column in node["columns"].items()}
            self._schema.setdefault(node["database"], {}).setdefault(node["schema"], {})[node["name"]] = columns
        self._read: dict[str, tuple[exp.Expression, Scope]] = {}
        self._steps: dict[tuple[str, str], tuple[Step, list[tuple[str, str]]]] = {}

    def trail(self, model: str, column: str) -> Iterator[Step]:
        """Yields the models that a column passes through, from this one back, while exactly one column leads on."""
        while True:
            step, sources = self._step(model, column)
            yield step
            # A column passed on may have another name before; of a computed one, the source of the same name is followed.
            following = sources if step.made_by is None else [source for source in sources if source[1] == column]
            if len(following) != 1:
                yield from (Step(*source, None, is_held=True) for source in following if len(following) > 1)
                return
            model, column = following[0]

    def made_in(self, model: str, column: str) -> str:
        """Returns the model whose SQL makes the column, or the seed or extract table that has it unchanged."""
        while True:
            step, sources = self._step(model, column)
            if step.made_by is not None or len(sources) != 1:
                return model
            model, column = sources[0]

    def _step(self, model: str, column: str) -> tuple[Step, list[tuple[str, str]]]:
        """Returns what a model does with a column, and the columns of other relations behind it."""
        if (model, column) not in self._steps:
            nodes = list(self._lineage(model, column).walk()) if model in self._compiled else []
            made_by = next((_sql(node) for node in nodes if not _is_handed_on(node)), None)
            sources = sorted({source for node in nodes if (source := _source(node))})
            self._steps[model, column] = Step(model, column, made_by, is_held=not sources), sources
        return self._steps[model, column]

    def _lineage(self, model: str, column: str) -> Node:
        if model not in self._read:
            select = qualify(
                parse_one(self._compiled[model], dialect=_Dialect),
                schema=self._schema,
                dialect=_Dialect,
                validate_qualify_columns=False,
            )
            scope = build_scope(select)
            if scope is None:
                raise ValueError(f"{model} is not a SELECT")
            self._read[model] = select, scope
        select, scope = self._read[model]
        return lineage(column, select, schema=self._schema, scope=scope, dialect=_Dialect)


def _source(node: Node) -> tuple[str, str] | None:
    """Returns table and column if the node is a column of another relation, otherwise None."""
    if isinstance(node.expression, exp.Table) and not node.downstream:
        return node.expression.name, exp.to_column(node.name).name
    return None


def _is_handed_on(node: Node) -> bool:
    """Returns whether the node is the same column one step further, perhaps renamed or with another type."""
    expression = node.expression
    while isinstance(expression, (exp.Alias, exp.Cast, exp.Paren)):
        expression = expression.this
    return isinstance(expression, (exp.Column, exp.Table))


def _sql(node: Node) -> str:
    expression = node.expression.unalias() if isinstance(node.expression, exp.Alias) else node.expression
    for column in list(expression.find_all(exp.Column)):
        column.set("table", None)
    return str(expression.sql(dialect=_Dialect, identify=False, comments=False)).replace('"', "").lower()
