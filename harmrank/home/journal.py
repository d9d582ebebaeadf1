"""What the last refresh is doing or did, step by step, for `harmrank status`, which must not need the warehouse."""

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
FAILED = "failed"
STOPPED = "stopped"

_WELL = (PUBLISHED, NOTHING_NEW)


class Journal:
    """One refresh, from its first step to its outcome. A refresh that was killed stays `running` in it."""

    def __init__(self, home: Home) -> None:
        self._path = home.journal
        earlier = read(home) or {}
        self._entry: dict[str, Any] = {
            "build_id": None,
            "requested_at": None,
            "list_date": None,
            "began_at": utc_text(),
            "process": os.getpid(),
            # Of this home, not of this refresh: what monitors ask for.
            "ended_well_at": earlier.get("ended_well_at"),
        }

    def step(self, name: str, **facts: Any) -> None:
        """The refresh begins `name` (landing or copying, building, publishing). `facts` say which build it is about."""
        self._entry |= {**facts, "step": name, "outcome": RUNNING, "details": []}
        self._write()

    def end(self, outcome: str, details: list[str], **facts: Any) -> None:
        """The refresh is over. The outcome is left out where it cannot be written, as on a full disk."""
        self._entry |= {**facts, "outcome": outcome, "details": details}
        if outcome in _WELL:
            self._entry["ended_well_at"] = utc_text()
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
    except GateFailed:
        raise
    except (Exception, KeyboardInterrupt) as error:
        stopped = signals.heard()
        if stopped or isinstance(error, KeyboardInterrupt):
            journal.end(STOPPED, [str(stopped)] if stopped else [])
            raise
        known = system_errors.cause(error)
        journal.end(FAILED, [str(known) if known else f"unexpected {type(error).__name__}: run again with --debug"])
        raise


def read(home: Home) -> dict[str, Any] | None:
    """What the journal says of the last refresh, or None where there was none or its file is damaged."""
    try:
        entry = json.loads(home.journal.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return entry if isinstance(entry, dict) and "outcome" in entry else None


def at_work(process: str | None, entry: dict[str, Any] | None) -> str | None:
    """Who is at work in the home (`process`, as its lock says), and how far a refresh has come."""
    if process and entry and entry["outcome"] == RUNNING and process == f"process {entry.get('process')}":
        return f"a refresh is running ({process}, since {entry['began_at']}, step {entry['step']})"
    return process and f"{process} is at work in the home"


def unfinished(process: str | None, build_id: str | None, entry: dict[str, Any] | None) -> list[str]:
    """Why the last refresh left the list (the build `build_id`) as it was, with what to do."""
    if entry is None or (build_id and entry["build_id"] == build_id):
        return []
    if entry["outcome"] == GATE_FAILED:
        return [f"the last refresh ({entry['build_id']}) did not pass its tests: mend what it names, refresh again"]
    since, step = f"the last refresh (since {entry.get('began_at')})", entry.get("step")
    if entry["outcome"] == FAILED:
        return [f"{since} failed while {step}: {' '.join(entry['details'])}"]
    if entry["outcome"] == STOPPED:
        by = " ".join(entry["details"]) or "by hand"
        return [f"{since} was stopped {by} while {step}: run harmrank refresh again"]
    if entry["outcome"] == RUNNING and process != f"process {entry.get('process')}":
        return [f"{since} did not finish: it was stopped while {step}; run harmrank refresh again"]
    return []
