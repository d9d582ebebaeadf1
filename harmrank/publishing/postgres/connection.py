"""Connects to PostgreSQL and turns its errors into one line that holds no password and no value of the data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from harmrank.errors import HarmrankError, HomeBusy, UsageError
from harmrank.text.printable import printable, printable_name

Connection = psycopg.Connection[tuple[Any, ...]]

LOCK_TIMEOUT_SECONDS = 30
"""How long a statement waits for a lock on a table before the publication gives up."""

# Unless the address sets them.
_DEFAULTS = {"connect_timeout": "10", "application_name": "harmrank"}
# What to do where the server's own sentence does not say it.
_ADVICE: dict[type[psycopg.Error], str] = {
    errors.LockNotAvailable: f"a reader has held the table for {LOCK_TIMEOUT_SECONDS} s: publish again when it has finished",
    errors.DependentObjectsStillExist: "drop the view that needs it, publish again, then recreate the view",
    errors.UntranslatableCharacter: "use a database in UTF8",
    errors.CharacterNotInRepertoire: "use a database in UTF8",
}
# SQLSTATE classes whose sentences can quote values: data exceptions, broken constraints, and errors of triggers.
_QUOTES_VALUES = ("22", "23", "P0")


@contextmanager
def connected(address: str) -> Iterator[Connection]:
    """A connection to the server at an address (a URL or `key=value` words, as libpq reads them) for one block.

    libpq takes what the address leaves out from PGHOST, PGPASSWORD, PGSERVICE, .pgpass and so on. Raises UsageError if
    the address cannot be read, and HarmrankError if the connection or any statement of the block fails; the
    transaction is rolled back by then.
    """
    parts = _parts(address)
    try:
        connection = psycopg.connect(**{**_DEFAULTS, **parts, "client_encoding": "utf8"}, autocommit=True)
    except psycopg.Error as error:
        raise HarmrankError(
            f"no connection to {_server(parts)} ({_without_secrets(error, parts)}). Check the address, and the password "
            "in it, in PGPASSWORD or in .pgpass."
        ) from None
    try:
        yield connection
    except psycopg.Error as error:
        raise _failed(error) from None
    finally:
        connection.close()


def place(connection: Connection) -> str:
    """Returns the database and its server, as in `police at 10.0.0.1`."""
    return _server({"host": connection.info.host, "dbname": connection.info.dbname})


def busy(schema: str) -> HarmrankError:
    """Returns the error for a schema that another harmrank is publishing into."""
    return HomeBusy(f"another harmrank is publishing into {schema}: wait until it has finished.")


def _failed(error: psycopg.Error) -> HarmrankError:
    is_lost = error.sqlstate is None and isinstance(error, psycopg.OperationalError)
    if is_lost or isinstance(error, errors.AdminShutdown):
        said = "the connection to PostgreSQL was lost: try again"
    elif error.sqlstate is None or error.sqlstate.startswith(_QUOTES_VALUES):
        said = f"PostgreSQL refused a value ({type(error).__name__})"
    else:
        said = f"PostgreSQL says: {printable(error.diag.message_primary or type(error).__name__, 200)}"
    advice = f"; {_ADVICE[type(error)]}" if type(error) in _ADVICE else ""
    return HarmrankError(f"{said}{advice}. What was published there before is still current.")


def _parts(address: str) -> dict[str, Any]:
    """The parts of an address. libpq's message about an unreadable one may quote the password and is not repeated."""
    try:
        return dict(conninfo_to_dict(address))
    except psycopg.Error:
        raise UsageError(
            "this is no address of a database: write postgresql://USER@HOST/DATABASE, signs such as @ or / in a "
            "password as %40 or %2F, or leave the password to PGPASSWORD or .pgpass"
        ) from None


def _server(parts: dict[str, Any]) -> str:
    # An unescaped @ or / leaves the end of the password in front of the host or the database.
    host = str(parts.get("host") or os.environ.get("PGHOST") or "this machine").rsplit("@", 1)[-1]
    database = str(parts.get("dbname") or os.environ.get("PGDATABASE") or "PostgreSQL").rsplit("@", 1)[-1]
    return printable_name(f"{database} at {host}")


def _without_secrets(error: psycopg.Error, parts: dict[str, Any]) -> str:
    """The first line of libpq's message without the password, or any part of it that a mistyped address put elsewhere."""
    said = str(error).split("\n", 1)[0]
    secrets = [parts.get("password"), os.environ.get("PGPASSWORD")]
    secrets += [str(parts.get(name, "")).rpartition("@")[0] for name in ("host", "dbname")]
    # After an unescaped / in a password, its beginning is the port and its end is in the database: even digits are secret.
    port, is_mistyped = str(parts.get("port", "")), "@" in str(parts.get("dbname", ""))
    secrets += [port] if is_mistyped or not port.replace(",", "").isdecimal() else []
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret, "***")
    return printable(said, 300)
