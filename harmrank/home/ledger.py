"""Records which extracts the tables of the warehouse were built from, by which rules, and whether they can be trusted.

A build that only adds changes is right only if the tables are exactly what the last build left. So the tables are
untrusted from the moment dbt starts (a hook of the project, which plain dbt runs too) until a refresh has seen a build
succeed. After an interrupted, failed or manual build the next refresh rebuilds every table.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine import duck

MODELS_READ = ("int_quarantined_rows", "int_extract_reconciliation", "int_build")
"""The models that harmrank itself reads in the warehouse, on every engine."""


def tables_are_trusted(connection: duckdb.DuckDBPyConnection, rules: str) -> bool:
    """Returns whether the tables are trusted, and their rules (a digest) and the content of their extracts unchanged."""
    query = (
        "select count(*) > 0 and bool_and(is_whole and rules = ? and extracts.extract_id is not null) "
        "from raw.built_extracts left join raw.extracts using (extract_id, content_sha256)"
    )
    return bool(duck.one_value(connection, query, [rules]))


def mark_tables_untrusted(connection: duckdb.DuckDBPyConnection) -> None:
    """Does what the hook of the project does, for an engine whose dbt cannot write into the warehouse."""
    connection.execute("update raw.built_extracts set is_whole = false")


def mark_tables_trusted(home: Home, rules: str, extracts: Sequence[str]) -> None:
    """Records that the tables hold these extracts, built by these rules."""
    with warehouse.connect(home) as connection:
        connection.execute("begin")
        connection.execute("delete from raw.built_extracts")
        connection.execute(
            "insert into raw.built_extracts select extract_id, content_sha256, ?, true from raw.extracts "
            "where extract_id in (select unnest(?::varchar[]))",
            [rules, list(extracts)],
        )
        connection.execute("commit")
