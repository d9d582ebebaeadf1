"""Keeps a digest of every version of a crime and person that has landed: the door in compares an extract with them.

A look-up in the raw tables slows down with every extract; a digest takes about thirty bytes. Among a hundred million keys,
two share a digest in one of 4,000 homes. The only effect is an unknown reference that counts as known.
"""

import duckdb

from harmrank.building.macro_sql import normalise_offence_code
from harmrank.contract import Table
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


# The class of an offence is the number at the start of its code: 19 for 019/08 and for 19C. The police often correct a code
# within its class.
OFFENCE_CLASS = f"try_cast(regexp_extract({normalise_offence_code('offence_code')}, '^[0-9]+') AS USMALLINT)"

DIGESTS = {
    "crimes": f"{digest('crime_ref')} AS crime, force, {_short_digest('crime_ref')} AS reference, reported_on, "
    f"{OFFENCE_CLASS} AS offence_class, updated_at",
    "people": f"{digest('person_ref')} AS person, force, {_short_digest('person_ref')} AS reference, date_of_birth, sex, "
    "updated_at",
}
"""By table, the columns of its digests as SQL over its rows."""

_KEPT_IN = {"crimes": "raw.crime_digests", "people": "raw.person_digests"}


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
        connection.execute(_insert(name, f"raw.{name}"))
    connection.execute("DELETE FROM raw.digests_made")
    connection.execute(f"INSERT INTO raw.digests_made SELECT {_PROBE}")
    connection.execute("COMMIT")


def add(connection: duckdb.DuckDBPyConnection, table: Table, rows: str) -> None:
    """Adds the digests of `rows`, a FROM clause over rows of this table, within the open transaction."""
    if table.name in _KEPT_IN:
        connection.execute(_insert(table.name, rows))


def _insert(name: str, rows: str) -> str:
    return f"INSERT INTO {_KEPT_IN[name]} SELECT {DIGESTS[name]} FROM {rows}"
