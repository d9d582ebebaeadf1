"""What a refresh reports of dbt's results."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from harmrank.building import run_dbt
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
