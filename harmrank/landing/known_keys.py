"""Remembers which crimes and people have landed, as digests of their keys, for the door to look references up in.

Looking through the keys themselves takes longer with every extract that has landed; a digest takes eight bytes. Two keys
of a hundred million share one in one of 4,000 homes, and all that comes of it is a reference that counts as known.
"""

import duckdb

from harmrank.contract import Table
from harmrank.machine import duck

# DuckDB may come to hash otherwise: what was made by another hash is made anew.
_PROBE = "hash('harmrank', 'hashes like this')"

SEX_IS_KNOWN = "coalesce(sex IN ('F', 'M'), false)"

_QUERIES = {
    "crimes": ("raw.crime_digests", "SELECT DISTINCT {crime} FROM {rows}"),
    "people": ("raw.person_digests", "SELECT {person}, bool_or({sex_is_known}) FROM {rows} GROUP BY ALL"),
}


def digest(key: str) -> str:
    """An expression: the digest of the key of a crime (`crime_ref`) or of a person (`person_ref`)."""
    return f"hash(force, {key})"


def rebuild_if_outdated(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the digests of all that has landed where they are missing: in a home of an older layout or DuckDB."""
    if duck.one_value(connection, f"SELECT count(*) > 0 AND bool_and(probe = {_PROBE}) FROM raw.digests_made"):
        return
    connection.execute("BEGIN")
    for name, (table, _) in _QUERIES.items():
        connection.execute(f"DELETE FROM {table}")
        connection.execute(_insert(name, f"raw.{name}"))
    connection.execute("DELETE FROM raw.digests_made")
    connection.execute(f"INSERT INTO raw.digests_made SELECT {_PROBE}")
    connection.execute("COMMIT")


def add(connection: duckdb.DuckDBPyConnection, table: Table, rows: str) -> None:
    """Add those of `rows`, a FROM clause over rows of a table of the contract, in the transaction that is open."""
    if table.name in _QUERIES:
        connection.execute(_insert(table.name, rows))


def _insert(name: str, rows: str) -> str:
    table, query = _QUERIES[name]
    made = query.format(crime=digest("crime_ref"), person=digest("person_ref"), sex_is_known=SEX_IS_KNOWN, rows=rows)
    return f"INSERT INTO {table} {made}"
