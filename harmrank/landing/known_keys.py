"""Keeps digests of the keys of all crimes and people that have landed: the door in looks references up in them.

A look-up in the keys themselves slows down with every extract; a digest takes eight bytes. Among a hundred million keys,
two share a digest in one of 4,000 homes. The only effect is an unknown reference that counts as known.
"""

import duckdb

from harmrank.contract import Table
from harmrank.machine import duck

# Another version of DuckDB may hash differently: digests by another hash are rebuilt.
_PROBE = "hash('harmrank', 'hashes like this')"

SEX_IS_KNOWN = "coalesce(sex IN ('F', 'M'), false)"

_QUERIES = {
    "crimes": ("raw.crime_digests", "SELECT DISTINCT {crime} FROM {rows}"),
    "people": ("raw.person_digests", "SELECT {person}, bool_or({sex_is_known}) FROM {rows} GROUP BY ALL"),
}


def digest(key: str) -> str:
    """Returns an SQL expression: the digest of the key of a crime (`crime_ref`) or of a person (`person_ref`)."""
    return f"hash(force, {key})"


def rebuild_if_outdated(connection: duckdb.DuckDBPyConnection) -> None:
    """Rebuilds all digests if they are missing or by another hash: in a home of an older layout or DuckDB."""
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
    """Adds the digests of `rows`, a FROM clause over rows of this table, within the open transaction."""
    if table.name in _QUERIES:
        connection.execute(_insert(table.name, rows))


def _insert(name: str, rows: str) -> str:
    table, query = _QUERIES[name]
    digests = query.format(crime=digest("crime_ref"), person=digest("person_ref"), sex_is_known=SEX_IS_KNOWN, rows=rows)
    return f"INSERT INTO {table} {digests}"
