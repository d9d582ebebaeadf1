"""The log of refreshes: one JSON line for each step of each refresh.

The journal holds the state of the last refresh only; the log keeps many refreshes. Its lines name extracts, builds and
files, never a person, and no value of a row.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
from collections.abc import Callable
from typing import Any

from harmrank.home.folder import Home
from harmrank.machine.clock import utc_now, utc_text
from harmrank.text.printable import printable_rows

MAX_BYTES = 1 << 20
"""Size of one file. A refresh writes one line per extract and about ten more, 300 bytes each: daily refreshes fill a file
in a year."""

KEPT_FILES = 5
"""Number of earlier files to keep: `refresh.jsonl.1` is the latest of them."""

_MOST_DETAILS = 20
"""A line holds at most this many sentences; counts beside them give the full number."""


class Logbook:
    """The lines of one refresh. If the file cannot be written, as on a full disk, `trouble` says why; nothing is raised."""

    def __init__(self, home: Home, copy_line: Callable[[str], None] | None = None) -> None:
        """`copy_line` gets each line, too."""
        self.path = home.log
        self.refresh_id = f"{utc_now():%Y%m%dT%H%M%SZ}-{os.getpid()}"
        self.trouble: str | None = None
        self._home = home
        self._copy_line = copy_line
        self._logger: logging.Logger | None = None

    def write(self, build: dict[str, Any], step: str, outcome: str, facts: dict[str, Any]) -> None:
        """Writes a line: the build, the outcome of a step, and `facts` (counts, ids, sentences)."""
        line = {
            "at": utc_text("milliseconds"),
            "refresh": self.refresh_id,
            **build,
            "step": step,
            "outcome": outcome,
            **_bounded(facts),
        }
        # Words from outside may hold control characters: ASCII and printable only.
        text = json.dumps(printable_rows(line), default=str)
        if self._copy_line:
            self._copy_line(text)
        # A home that does not exist yet gets no log, and a past list stays unchanged.
        if self.path.parent.is_dir() and self._home.past_list is None:
            self._file().info(text)

    def _file(self) -> logging.Logger:
        if self._logger is None:
            self._logger = logging.Logger("harmrank.refresh")
            self._logger.addHandler(_File(self))
        return self._logger


class _File(logging.handlers.RotatingFileHandler):
    """The file: only its owner may read it, and a failed write prints no traceback."""

    def __init__(self, log: Logbook) -> None:
        super().__init__(log.path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True)
        self._log = log

    def _open(self) -> Any:
        return open(  # noqa: SIM115 - the handler closes it
            self.baseFilename, self.mode, encoding=self.encoding, opener=lambda path, flags: os.open(path, flags, 0o600)
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """Keeps the reason."""
        self._log.trouble = f"{self._log.path} could not be written ({type(sys.exc_info()[1]).__name__})"


def _bounded(facts: dict[str, Any]) -> dict[str, Any]:
    """Returns the facts with long lists cut."""
    return {name: value[:_MOST_DETAILS] if isinstance(value, list) else value for name, value in facts.items()}
