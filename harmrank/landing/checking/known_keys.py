"""Keeps a digest of every version of a crime and person that has landed: the door in compares an extract with them.

A look-up in the raw tables slows down with every extract; a digest takes about thirty bytes. Among a hundred million keys,
two share a digest in one of 4,000 homes. The only effect is an unknown reference that counts as known.
"""

import duckdb

from harmrank.building.macro_sql import normalise_offence_code
from harmrank.machine import duck

# Another version of DuckDB may hash differently: digests by another hash are rebuilt.
_PROBE = "hash('harmrank', 'hashes like this')"

AFTER_ALL = 2**62
"""A place after every row that has landed before: an extract that lands is the latest."""


def digest(key: str) -> str:
    """Returns an SQL expression: the digest of the key of a crime (`crime_ref`) or of a person (`person_ref`)."""
    return f"hash(force, {key})"


def plain(reference: str) -> str:
    """Returns an SQL expression: a reference without what an export may lose. That is case, signs, and leading zeros."""
    unpadded = f"regexp_replace(lower({reference}), '(^|[^0-9])0+', '\\1', 'g')"
    return f"regexp_replace({unpadded}, '[^0-9a-z]', '', 'g')"


def _short_digest(reference: str) -> str:
    # Compared only together with a date, so half of the bits are enough.
    return f"(hash({plain(reference)}) >> 32)::UINTEGER"


def offence_class(code: str) -> str:
    """Returns an SQL expression: the number at the start of a code in the form of the seeds, 19 for 019/08 and for 19C.

    The police often correct a code within its class.
    """
    return f"try_cast(regexp_extract({code}, '^[0-9]+') AS USMALLINT)"


_KEPT_IN = {"crimes": "raw.crime_digests", "people": "raw.person_digests"}
_DIGESTS = {
    "crimes": {
        "crime": digest("crime_ref"),
        "force": "force",
        "reference": _short_digest("crime_ref"),
        "reported_on": "reported_on",
        "offence_class": offence_class(normalise_offence_code("offence_code")),
        "updated_at": "updated_at",
    },
    "people": {
        "person": digest("person_ref"),
        "force": "force",
        "reference": _short_digest("person_ref"),
        "date_of_birth": "date_of_birth",
        "sex": "sex",
        "updated_at": "updated_at",
    },
}


def digests(table: str, **ready: str) -> str:
    """Returns the digests of a table as a SELECT list over its rows. `ready` are SQL expressions for some of its columns."""
    return ", ".join(f"{sql} AS {column}" for column, sql in {**_DIGESTS[table], **ready}.items())


def version(place: str) -> str:
    """Returns an SQL expression that orders versions: the newest `updated_at` wins, then the later `place` (below 2^63)."""
    return f"epoch_us(updated_at)::HUGEINT * 9223372036854775808 + {place}"


def rebuild_if_outdated(connection: duckdb.DuckDBPyConnection) -> None:
    """Rebuilds all digests if they are missing or by another hash: in a home of an older layout or DuckDB."""
    if duck.one_value(connection, f"SELECT count(*) > 0 AND bool_and(probe = {_PROBE}) FROM raw.digests_made"):
        return
    connection.execute("BEGIN")
    for name, table in _KEPT_IN.items():
        connection.execute(f"DELETE FROM {table}")
        connection.execute(f"INSERT INTO {table} SELECT {digests(name)} FROM raw.{name}")
    connection.execute("DELETE FROM raw.digests_made")
    connection.execute(f"INSERT INTO raw.digests_made SELECT {_PROBE}")
    connection.execute("COMMIT")


def add(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> None:
    """Adds the digests of a table, within the open transaction. `rows` names a relation that has them, and `place`."""
    columns = ", ".join(_DIGESTS[table])
    connection.execute(f"INSERT INTO {_KEPT_IN[table]} SELECT {columns} FROM {rows} ORDER BY place")
