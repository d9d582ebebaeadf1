"""What the last refresh is doing or did, step by step, for `harmrank status`, which must not need the warehouse."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from harmrank import disk, surroundings
from harmrank.errors import GateFailed
from harmrank.home import Home

RUNNING = "running"
PUBLISHED = "published"
NOTHING_NEW = "nothing new"
GATE_FAILED = "gate failed"
FAILED = "failed"
STOPPED = "stopped"


class Journal:
    """One refresh, from its first step to its outcome. A refresh that was killed stays `running` in it."""

    def __init__(self, home: Home) -> None:
        self._path = home.journal
        self._entry: dict[str, Any] = {
            "build_id": None,
            "requested_at": None,
            "list_date": None,
            "began_at": datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z",
            "process": os.getpid(),
        }

    def step(self, name: str, **facts: Any) -> None:
        """The refresh begins `name` (landing or copying, building, publishing). `facts` say which build it is about."""
        self._entry |= {**facts, "step": name, "outcome": RUNNING, "details": []}
        self._write()

    def end(self, outcome: str, details: list[str], **facts: Any) -> None:
        """The refresh is over. The outcome is left out where it cannot be written, as on a full disk."""
        self._entry |= {**facts, "outcome": outcome, "details": details}
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        disk.replace_text(self._path, json.dumps(self._entry, indent=2) + "\n")


@contextmanager
def keep(home: Home, first_step: str = "landing") -> Iterator[Journal]:
    """A journal that also tells how the block ended if it ended with an error. The caller holds the home's lock."""
    journal = Journal(home)
    journal.step(first_step)
    try:
        yield journal
    except KeyboardInterrupt:
        journal.end(STOPPED, [])
        raise
    except GateFailed:
        raise
    except Exception as error:
        known = surroundings.cause(error)
        journal.end(FAILED, [str(known) if known else f"unexpected {type(error).__name__}: run again with --debug"])
        raise


def read(home: Home) -> dict[str, Any] | None:
    """What the journal says of the last refresh, or None where there was none or its file is damaged."""
    try:
        entry = json.loads(home.journal.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return entry if isinstance(entry, dict) and "outcome" in entry else None
