"""The log of refreshes: one JSON line a step, for whoever collects logs and for the question of what happened last night.

`journal` says how the last refresh stands and is replaced each time; this keeps what many of them did. Its lines name
extracts, builds and files, never a person, and no value of a row.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harmrank.home.folder import Home
from harmrank.machine.clock import utc_now, utc_text
from harmrank.text.printable import printable_rows

if TYPE_CHECKING:
    from harmrank.landing.outcome import LandingResult
    from harmrank.publishing.publish import Publication

MAX_BYTES = 1 << 20
"""Of one file. A refresh writes a line an extract and some ten more, about 300 bytes each: a year of days and more."""

KEPT_FILES = 5
"""Earlier files that stay beside it: `refresh.jsonl.1` is the latest of them."""

_MOST_DETAILS = 20
"""Sentences that one line holds; how many there are is said beside them."""


class Logbook:
    """One refresh. What it has come to is kept here too, so that its end can be told however it ends.

    Where the log cannot be written, as on a full disk, the refresh goes on, and `trouble` says why.
    """

    def __init__(self, home: Home, also: Callable[[str], None] | None = None) -> None:
        """`also` gets each line as it is written."""
        now = utc_now()
        self.home, self.path = home, home.log
        self.refresh_id = f"{now:%Y%m%dT%H%M%SZ}-{os.getpid()}"
        self.landing: LandingResult | None = None
        self.publication: Publication | None = None
        self.build: dict[str, Any] = {"build_id": None, "list_date": None}
        self.seconds: dict[str, float] = {}
        self.trouble: str | None = None
        self._also = also
        self._began_at = time.monotonic()
        self._begun = {"refresh": self._began_at}
        self._logger: logging.Logger | None = None

    @property
    def step(self) -> str:
        """The step that has begun last and not ended."""
        return list(self._begun)[-1]

    @property
    def elapsed(self) -> float:
        """Seconds since the refresh began."""
        return time.monotonic() - self._began_at

    def begin(self, step: str) -> None:
        """A step begins; nothing is written before it ends."""
        self._begun[step] = time.monotonic()

    def end(self, step: str, outcome: str, **facts: Any) -> None:
        """Write the line of a step: what came of it, in how many seconds, and `facts` (counts, ids, sentences)."""
        self.seconds[step] = time.monotonic() - self._begun.pop(step)
        self._write(step, outcome, {"seconds": round(self.seconds[step], 3), **facts})

    def forget(self, step: str) -> None:
        """A step that has begun will not be told of."""
        self._begun.pop(step, None)

    def say(self, step: str, outcome: str, **facts: Any) -> None:
        """Write a line of something that takes no time of its own."""
        self._write(step, outcome, facts)

    def _write(self, step: str, outcome: str, facts: dict[str, Any]) -> None:
        line = {
            "at": utc_text("milliseconds"),
            "refresh": self.refresh_id,
            **self.build,
            "step": step,
            "outcome": outcome,
            **_bounded(facts),
        }
        # ASCII, and nothing a terminal obeys: the words in it may have come from outside.
        text = json.dumps(printable_rows(line), default=str)
        if self._also:
            self._also(text)
        # Before there is a home nothing is made in its place, and a past list stays as it was made.
        if self.path.parent.is_dir() and self.home.remade is None:
            self._file().info(text)

    def _file(self) -> logging.Logger:
        if self._logger is None:
            self._logger = logging.Logger("harmrank.refresh")
            self._logger.addHandler(_File(self))
        return self._logger


class _File(logging.handlers.RotatingFileHandler):
    """The file, for its owner alone, and no traceback where it cannot be written."""

    def __init__(self, log: Logbook) -> None:
        super().__init__(log.path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True)
        self._log = log

    def _open(self) -> Any:
        return open(  # noqa: SIM115 - the handler closes it
            self.baseFilename, self.mode, encoding=self.encoding, opener=lambda path, flags: os.open(path, flags, 0o600)
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """Keep what was in the way."""
        import sys

        self._log.trouble = f"{self._log.path} could not be written ({type(sys.exc_info()[1]).__name__})"


def _bounded(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts, with long lists of sentences cut."""
    return {name: value[:_MOST_DETAILS] if isinstance(value, list) else value for name, value in facts.items()}
