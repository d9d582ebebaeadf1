"""What a refresh reports of dbt's results."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from harmrank.building import mart_keys, run_dbt
from harmrank.home.folder import Home


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("select 'harm_days' as column_name, range as value from range(1000000)", ["harm_days"]),
        ("select column_name from a_table_that_is_gone", []),
    ],
)
def test_a_failed_test_names_its_columns_if_it_can(tmp_path: Path, query: str, columns: list[str]) -> None:
    """If the query cannot be repeated, the failure is reported all the same."""
    home = Home(tmp_path)
    duckdb.connect(str(home.warehouse)).close()
    test = SimpleNamespace(test_metadata=SimpleNamespace(name="at_least"), compiled_code=query)
    assert run_dbt._columns_found(home, test) == columns


def test_views_that_a_build_of_changes_makes_otherwise_are_made_again() -> None:
    """A view left from a full build would hide new extracts: `only_changes` may be in its text, or behind macros and an engine's
    own version of one. Tables are made in every build."""

    def macro(name: str, sql: str, package: str = "harmrank") -> SimpleNamespace:
        return SimpleNamespace(name=name, macro_sql=sql, package_name=package)

    def model(name: str, sql: str, materialized: str = "view") -> SimpleNamespace:
        config = SimpleNamespace(materialized=materialized)
        return SimpleNamespace(name=name, raw_code=sql, resource_type="model", config=config)

    macros = [
        macro("only_changes", "env_var('HARMRANK_ONLY_CHANGES')"),
        macro("where_few", "{{ adapter.dispatch('where_few') }}"),
        macro("duckdb__where_few", "{% if rebuilds_part() %} where few {% endif %}"),
        macro("rebuilds_part", "{{ only_changes() and is_incremental() }}"),
        macro("add_days", "interval"),
        macro("other", "only_changes", package="dbt"),
    ]
    nodes = [
        model("itself", "select 1 {% if only_changes() %} limit 0 {% endif %}"),
        model("behind_macros", "select 1 {{ where_few() }}"),
        model("a_table", "select 1 {{ where_few() }}", "table"),
        model("the_same", "select {{ add_days(1) }} as only_changes_of, {{ other() }}"),
    ]
    project = SimpleNamespace(macros=dict(enumerate(macros)), nodes=dict(enumerate(nodes)))
    assert mart_keys.views_of_changes(project) == ["behind_macros", "itself"]
