"""Finds the marts of a Spark build for publication: their files, and the descriptions of dbt's project."""

from __future__ import annotations

from typing import Any

import duckdb

from harmrank.publishing.publish import Column, Mart, Marts
from harmrank.spark.session import Session


def of_project(spark: Session, project: Any) -> Marts:
    """Returns the function that finds the marts of a parsed project (dbt's Manifest), as files that DuckDB reads."""

    def marts(connection: duckdb.DuckDBPyConnection) -> list[Mart]:
        models = {
            node.name: node
            for node in project.nodes.values()
            if str(node.resource_type) == "model" and node.schema == "mart"
        }
        return [_mart(connection, spark, models[name]) for name in sorted(models)]

    return marts


def _mart(connection: duckdb.DuckDBPyConnection, spark: Session, model: Any) -> Mart:
    relation = spark.relation("mart", model.name)
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return Mart(
        model.name,
        relation,
        model.description or None,
        [_column(model.columns[name], str(sql_type)) for name, sql_type, *_ in described],
    )


def _column(column: Any, sql_type: str) -> Column:
    is_required = any(str(getattr(found.type, "value", found.type)) == "not_null" for found in column.constraints)
    return Column(column.name, sql_type, not is_required, column.description or None)
