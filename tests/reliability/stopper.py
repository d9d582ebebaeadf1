"""Runs harmrank and kills it (SIGKILL) just before its n-th step on the file system.

`python -m reliability.stopper N TRACE [--without-dbt] refresh ...`: N = 0 kills nothing. The file TRACE gets one line
before each step on a home's `published`, `logs`, `reports` or `scratch` folder or its lock.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.without_dbt import stand_in_for_dbt

# The calls that change a folder or write to disk.
STEPS = ("mkdir", "rename", "replace", "symlink", "unlink", "rmdir", "chmod", "chown", "fsync", "open")
PLACES = ("/published", "/logs", "/reports", "/scratch", "/.lock")


class Stopper:
    """Counts the steps and kills the process before the chosen one."""

    def __init__(self, fatal: int, trace: Path) -> None:
        self._fatal = fatal
        self._done = 0
        self._trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._paths: dict[int, str] = {}

    def watch(self) -> None:
        """Counts every step from now on."""
        for name in STEPS:
            setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            place = self._place(name, arguments, named)
            if place is not None and (name != "open" or arguments[1] & os.O_CREAT):
                self._done += 1
                os.write(self._trace, f"{name} {place}\n".encode())
                if self._done == self._fatal:
                    os.kill(os.getpid(), signal.SIGKILL)
            result = step(*arguments, **named)
            if name == "open":
                self._paths[result] = f"/{place or 'elsewhere'}"
            return result

        return counted

    def _place(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> str | None:
        """Returns the path of a step in a home, relative to the home, or None. A step on a file descriptor has the path it was opened with."""
        first = arguments[0]
        if isinstance(first, int):
            return self._paths.get(first, "").removeprefix("/") or None
        paths = [os.fspath(path) for path in arguments[:2] if isinstance(path, str | os.PathLike)]
        if named.get("dir_fd") is not None:
            paths = [f"{self._paths.get(named['dir_fd'], '')}/{paths[0]}"]
        places = [path[path.index(part) + 1 :] for path in paths for part in PLACES if part in path]
        if not places:
            return None
        return " -> ".join(paths[:1] + places if name == "symlink" else places)


def main() -> None:
    """Watches the steps of the harmrank command in the arguments."""
    fatal, trace, arguments = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    if "--without-dbt" in arguments:
        arguments.remove("--without-dbt")
        stand_in_for_dbt()
    from harmrank.cli import main as cli
    from harmrank.refreshing import refresh  # noqa: F401 (imported before watching, because imports open files)

    Stopper(fatal, trace).watch()
    cli.main(arguments)


if __name__ == "__main__":
    main()
