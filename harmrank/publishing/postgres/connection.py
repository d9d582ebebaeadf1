"""A connection to PostgreSQL, and what its server says put into one line: never the password, never a value of the data."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from harmrank.errors import HarmrankError, HomeBusy, UsageError
from harmrank.text.printable import printable_name

Connection = psycopg.Connection[tuple[Any, ...]]

PATIENCE_SECONDS = 30
"""How long a statement waits for others to let go of a table before the publication gives up."""

# Unless the address says otherwise.
_DEFAULTS = {"connect_timeout": "10", "application_name": "harmrank"}
# In the order in which they are looked for; the server's own words, as far as they are in English.
_REFUSALS = (
    (
        r"password authentication failed|no password supplied|Wrong password",
        "{place} does not accept the password{user}: is it right in the address, PGPASSWORD, or the file .pgpass?",
    ),
    (r"role .* does not exist|user .* does not exist", "{place} knows no user{name}"),
    (r"database .* does not exist", "there is no such database: {place}"),
    (r"no pg_hba.conf entry|no encryption", "{place} lets nobody in from here{user}: ask who keeps it (pg_hba.conf)"),
    (r"service .* not found|definition of service", "no file of services knows the service that the address names"),
    (r"SSL|certificate", "no safe connection to {place}: see sslmode and its certificates"),
    (r"too many (clients|connections)|connection slots", "{place} has no connection to spare: try again later"),
    (r"starting up|shutting down", "{place} is starting or stopping: try again in a moment"),
    (
        r"refused|timeout|timed out|translate host|resolve host|No such file|not known|unreachable",
        "nobody answers at {place}: is the server running, and are host and port right?",
    ),
)


@contextmanager
def connected(address: str) -> Iterator[Connection]:
    """A connection to the server that the address (a URL or `key=value` words, as libpq reads them) names, until the
    block ends. What the address leaves out comes from PGHOST, PGPASSWORD, PGSERVICE, .pgpass and so on.

    Raises UsageError where it is no address; HarmrankError where nobody answers, the server refuses, or whatever the
    block asks of it fails: the transaction is undone by then.
    """
    facts = _facts(address)
    given = {**_DEFAULTS, **facts, "client_encoding": "utf8"}
    try:
        connection = psycopg.connect(**given, autocommit=True)
    except psycopg.Error as error:
        raise HarmrankError(_refusal(str(error), facts)) from None
    try:
        yield connection
    except psycopg.Error as error:
        raise cause(error, connection) from None
    finally:
        connection.close()


def place(connection: Connection) -> str:
    """Where the connection leads, without its password."""
    return _place({"host": connection.info.host, "dbname": connection.info.dbname})


def cause(error: psycopg.Error, connection: Connection | None = None) -> HarmrankError:
    """What the server objected to, for whoever publishes; of its own words only names of tables and roles."""
    named = error.diag
    user = printable_name(connection.info.user) if connection is not None and not connection.closed else "the user"
    table = f" table {printable_name(named.table_name)}" if named.table_name else " a table"
    stands = "What was published there before still stands."
    if isinstance(error, errors.InsufficientPrivilege):
        return HarmrankError(f"{user} may not do that ({_primary(error)}): ask who keeps the database. {stands}")
    if isinstance(error, errors.LockNotAvailable):
        return HarmrankError(
            f"somebody has held{table} in use for {PATIENCE_SECONDS} s, which has to change its columns: "
            f"try again when they have finished. {stands}"
        )
    if isinstance(error, errors.DependentObjectsStillExist):
        return HarmrankError(
            f"a view of yours needs what this build no longer has ({_primary(error)}): drop it, publish again, "
            f"make it anew. {stands}"
        )
    if isinstance(error, errors.DiskFull | errors.OutOfMemory):
        return HarmrankError(f"the server has no room left ({_primary(error)}): make room there. {stands}")
    if isinstance(error, errors.UntranslatableCharacter | errors.CharacterNotInRepertoire):
        return HarmrankError(
            f"the database cannot hold every character: it has to be one in UTF8, and no text may hold a NUL. {stands}"
        )
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return HarmrankError(f"the server only reads, as a copy of another does: name the one that writes. {stands}")
    if isinstance(error, errors.UndefinedObject):
        return HarmrankError(f"PostgreSQL says: {_primary(error)}. {stands}")
    if isinstance(error, errors.QueryCanceled):
        return HarmrankError(
            f"the server ended the publication before it was done: does it limit the time of a statement "
            f"(statement_timeout)? {stands}"
        )
    if isinstance(error, errors.DeadlockDetected | errors.SerializationFailure):
        return HarmrankError(f"others change{table} at the same moment: try again. {stands}")
    if isinstance(error, psycopg.OperationalError):
        return HarmrankError(f"the connection to PostgreSQL was lost: try again. {stands}")
    return HarmrankError(f"PostgreSQL objects ({type(error).__name__}, {error.sqlstate}): its log says more. {stands}")


def busy(schema: str) -> HarmrankError:
    """Another publication is at work on the same schema."""
    return HomeBusy(f"another harmrank is publishing into {schema}: wait until it has finished.")


def _facts(address: str) -> dict[str, Any]:
    """The parts of an address. What libpq says of a broken one may quote the password, so it is not repeated."""
    try:
        return dict(conninfo_to_dict(address))
    except psycopg.Error:
        raise UsageError(
            "this is no address of a database: write postgresql://USER@HOST/DATABASE, signs such as @ or / in a "
            "password as %40 or %2F, or leave the password to PGPASSWORD or .pgpass"
        ) from None


def _place(facts: dict[str, Any]) -> str:
    """The database and its server. A password with an @ that is not escaped ends in the name of the host: cut off."""
    host = str(facts.get("host") or os.environ.get("PGHOST") or "this machine").rsplit("@", 1)[-1]
    database = facts.get("dbname") or os.environ.get("PGDATABASE")
    return printable_name(f"{database} at {host}" if database else f"PostgreSQL at {host}")


def _refusal(said: str, facts: dict[str, Any]) -> str:
    where, user = _place(facts), facts.get("user") or os.environ.get("PGUSER")
    name = f" {printable_name(str(user))}" if user else ""
    for pattern, sentence in _REFUSALS:
        if re.search(pattern, said, re.IGNORECASE):
            return sentence.format(place=where, user=f" of{name}" if name else "", name=name)
    return f"no connection to {where}: are host, port, user and password right, and does the server let this user in?"


def _primary(error: psycopg.Error) -> str:
    """The server's own sentence, which for these errors holds names of tables, columns and roles only."""
    return " ".join((error.diag.message_primary or type(error).__name__).split())[:200]
