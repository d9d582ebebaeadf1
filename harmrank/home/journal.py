"""The state of the last refresh, for `harmrank status`, which must work without the warehouse."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from harmrank.errors import GateFailed
from harmrank.home.folder import Home
from harmrank.machine import disk, signals, system_errors
from harmrank.machine.clock import utc_text

RUNNING = "running"
PUBLISHED = "published"
NOTHING_NEW = "nothing new"
GATE_FAILED = "gate failed"
WITHHELD = "withheld"
ROLLED_BACK = "rolled back"
FAILED = "failed"
STOPPED = "stopped"

_SUCCESSES = (PUBLISHED, NOTHING_NEW)


class Journal:
    """One refresh, from its first step to its outcome. A killed refresh stays `running`."""

    def __init__(self, home: Home) -> None:
        self._path = home.journal
        earlier = read(home) or {}
        self._entry: dict[str, Any] = {
            "build_id": None,
            "requested_at": None,
            "list_date": None,
            "began_at": utc_text(),
            "process": os.getpid(),
            # The last success in this home, which monitors ask for.
            "ended_well_at": earlier.get("ended_well_at"),
        }

    def step(self, name: str, **facts: Any) -> None:
        """Records that a step (landing or copying, building, publishing) begins. `facts` name the build."""
        self._entry |= {**facts, "step": name, "outcome": RUNNING, "details": []}
        self._write()

    def end(self, outcome: str, details: list[str], **facts: Any) -> None:
        """Records the outcome of the refresh, unless it cannot be written, as on a full disk."""
        self._entry |= {**facts, "outcome": outcome, "details": details}
        if outcome in _SUCCESSES:
            self._entry["ended_well_at"] = utc_text()
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        disk.replace_text(self._path, json.dumps(self._entry, indent=2) + "\n")


@contextmanager
def keep(home: Home, first_step: str = "landing") -> Iterator[Journal]:
    """A journal for one block, which also records the error that ends the block. The caller holds the home's lock."""
    journal = Journal(home)
    journal.step(first_step)
    try:
        yield journal
    except GateFailed:
        raise
    except (Exception, KeyboardInterrupt) as error:
        stopped = signals.received()
        if stopped or isinstance(error, KeyboardInterrupt):
            journal.end(STOPPED, [str(stopped)] if stopped else [])
            raise
        known = system_errors.cause(error)
        journal.end(FAILED, [str(known) if known else f"unexpected {type(error).__name__}: run again with --debug"])
        raise


def read(home: Home) -> dict[str, Any] | None:
    """Returns the entry of the last refresh, or None if there was none or the file is damaged."""
    try:
        entry = json.loads(home.journal.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return entry if isinstance(entry, dict) and "outcome" in entry else None


def at_work(process: str | None, entry: dict[str, Any] | None) -> str | None:
    """Returns who is working in the home (`process`, from its lock), and the step of a running refresh."""
    if process and entry and entry["outcome"] == RUNNING and process == f"process {entry.get('process')}":
        return f"a refresh is running ({process}, since {entry['began_at']}, step {entry['step']})"
    return process and f"{process} is working in the home"


def unfinished(process: str | None, build_id: str | None, entry: dict[str, Any] | None) -> list[str]:
    """Returns why the last refresh did not replace the list (the build `build_id`), and what to do."""
    if entry is None or (build_id and entry["build_id"] == build_id):
        return []
    if entry["outcome"] == GATE_FAILED:
        return [
            f"the last refresh ({entry['build_id']}) did not pass its tests: correct what they name, then run harmrank refresh again"
        ]
    since, step = f"the last refresh (since {entry.get('began_at')})", entry.get("step")
    if entry["outcome"] == FAILED:
        return [f"{since} failed while {step}: {' '.join(entry['details'])}"]
    if entry["outcome"] == STOPPED:
        by = " ".join(entry["details"]) or "by hand"
        return [f"{since} was stopped {by} while {step}: run harmrank refresh again"]
    if entry["outcome"] == RUNNING and process != f"process {entry.get('process')}":
        return [f"{since} did not finish: it was stopped while {step}; run harmrank refresh again"]
    return []
