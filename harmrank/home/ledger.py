"""What the tables of the warehouse hold: the extracts they were made from, by which rules, and whether they are whole.

A build on top of them remakes only what has changed, which is right only if they are just what the last build left.
So they are doubted from when dbt begins (a hook of the project, for plain dbt too) until a refresh has seen a build
end well; whatever was cut off, failed or done by hand in between, the next refresh makes every table anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from harmrank.home import warehouse
from harmrank.home.folder import Home


def can_be_built_on(connection: duckdb.DuckDBPyConnection, rules: str) -> bool:
    """Whether the tables are whole and were made by these rules (a digest) from extracts that are landed still, with the same content."""
    row = connection.execute(
        "select count(*) > 0 and bool_and(is_whole and rules = ? and extracts.extract_id is not null) "
        "from raw.built_extracts left join raw.extracts using (extract_id, content_sha256)",
        [rules],
    ).fetchone()
    return bool(row and row[0])


def doubt(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep that the tables may be no longer whole: for an engine whose dbt cannot do so in the warehouse."""
    connection.execute("update raw.built_extracts set is_whole = false")


def remember(home: Home, rules: str, extracts: Sequence[str]) -> None:
    """Keep that the tables hold these extracts, by these rules, and are whole."""
    with warehouse.connect(home) as connection:
        connection.execute("begin")
        connection.execute("delete from raw.built_extracts")
        connection.execute(
            "insert into raw.built_extracts select extract_id, content_sha256, ?, true from raw.extracts "
            "where extract_id in (select unnest(?::varchar[]))",
            [rules, list(extracts)],
        )
        connection.execute("commit")
