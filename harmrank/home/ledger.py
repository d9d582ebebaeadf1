"""Records which extracts the tables of the warehouse were built from, by which rules, and whether they can be trusted.

A build that only adds changes is right only if the tables are exactly what the last build left. So the tables are
untrusted from the moment dbt starts (a hook of the project, which plain dbt runs too) until a refresh has seen a build
succeed. After an interrupted, failed or manual build the next refresh rebuilds every table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine import duck
from harmrank.text import quoting

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


def mark_tables_trusted(home: Home, rules: str, extracts: Sequence[str], made: frozenset[tuple[str, str]]) -> list[str]:
    """Records that the tables hold these extracts, built by these rules, and `made`: what the project makes, by schema and name.

    Drops what an earlier build made and the project no longer makes. Returns a sentence about that, and one about what is in
    schema mart and was never made by a build: harmrank leaves it alone.
    """
    with warehouse.connect(home) as connection:
        connection.execute("begin")
        connection.execute("delete from raw.built_extracts")
        connection.execute(
            "insert into raw.built_extracts select extract_id, content_sha256, ?, true from raw.extracts "
            "where extract_id in (select unnest(?::varchar[]))",
            [rules, list(extracts)],
        )
        remarks = list(_drop_orphans(connection, made))
        connection.execute("delete from raw.built_relations")
        connection.executemany("insert into raw.built_relations values (?, ?)", sorted(made))
        connection.execute("commit")
    return remarks


def _drop_orphans(connection: duckdb.DuckDBPyConnection, made: frozenset[tuple[str, str]]) -> Iterator[str]:
    there = {
        (schema, name): kind
        for schema, name, kind in connection.execute(
            "select schema_name, table_name, 'table' from duckdb_tables() where database_name = current_database() "
            "union all select schema_name, view_name, 'view' from duckdb_views() where database_name = current_database()"
        ).fetchall()
    }
    earlier = set(connection.execute("select schema_name, relation_name from raw.built_relations").fetchall())
    orphans = sorted((earlier - made) & there.keys())
    for schema, name in orphans:
        connection.execute(f"drop {there[schema, name]} {quoting.identifier(schema)}.{quoting.identifier(name)}")
    if orphans:
        yield f"no model makes these any more, so they were dropped: {_listed(orphans)}"
    if foreign := sorted(found for found in there.keys() - made - earlier if found[0] == "mart"):
        yield f"no model of harmrank makes these, so they are not published: {_listed(foreign)} in the warehouse"


def _listed(relations: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{schema}.{name}" for schema, name in relations)
