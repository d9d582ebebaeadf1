"""Commands that are called after a refresh: one where a list was published, one where something failed.

A command is a program with its arguments, split as a shell would and run without one: what a refresh has to tell reaches it
by environment variables and as JSON on its standard input, never as a part of the command.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from harmrank.text.durations import spoken
from harmrank.text.printable import printable, printable_rows

ON_PUBLISH = "HARMRANK_ON_PUBLISH"
ON_FAILURE = "HARMRANK_ON_FAILURE"

_GRACE_SECONDS = 5.0
"""Between asking a hook to end and ending it."""

# Those a hook gets, in this order in the documentation; empty where there is nothing to say.
FACTS = ("event", "exit_code", "message", "home", "build_id", "list_date", "published", "log")


@dataclass(frozen=True)
class Hooks:
    """The commands, as lists of arguments, and how long each may take."""

    on_publish: tuple[str, ...] | None
    on_failure: tuple[str, ...] | None
    time_limit: timedelta


def split(command: str) -> tuple[str, ...]:
    """The program and its arguments. Raises ValueError, in words for who wrote it, where it cannot be run."""
    try:
        arguments = tuple(shlex.split(command))
    except ValueError as error:
        raise ValueError(f"{printable(command)} cannot be read as a command ({str(error).lower()})") from None
    if not arguments:
        raise ValueError("an empty command")
    if shutil.which(arguments[0]) is None:
        raise ValueError(
            f"{printable(arguments[0])} is no program that can be run here: give its full path; "
            "what needs a shell is written sh -c '...'"
        )
    return arguments


def call(name: str, command: tuple[str, ...], facts: dict[str, Any], time_limit: timedelta) -> str | None:
    """Run a hook and wait for it; gives one line about what went wrong, if anything did.

    It gets `facts`: those of FACTS as environment variables, all of them as JSON.

    What it prints goes to stderr: stdout is for the result of the refresh. It has a process group of its own, which is ended as
    a whole when its time is over or this process is told to stop.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the operator's own command, without a shell
            command, stdin=subprocess.PIPE, stdout=2, env=_environment(facts), start_new_session=True, text=True
        )
    except OSError as error:
        return f"the hook {name} could not be started ({error.strerror})"
    try:
        process.communicate(json.dumps(printable_rows(facts), default=str) + "\n", timeout=time_limit.total_seconds())
    except subprocess.TimeoutExpired:
        return f"the hook {name} was ended: it took longer than {spoken(time_limit)}"
    finally:
        # Also where this process is told to stop meanwhile.
        if process.poll() is None:
            _end(process)
    if process.returncode == 0:
        return None
    how = f"signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
    return f"the hook {name} failed ({how})"


def _environment(facts: dict[str, Any]) -> dict[str, str]:
    """This process's own, without the hooks (a hook that refreshes would call itself), and the facts."""
    kept = {name: value for name, value in os.environ.items() if name not in (ON_PUBLISH, ON_FAILURE)}
    told = {name: facts.get(name) for name in FACTS}
    return kept | {
        f"HARMRANK_{name.upper()}": printable(str("" if value is None else value)) for name, value in told.items()
    }


def _end(process: subprocess.Popen[str]) -> None:
    """End a hook and whatever it has started: asked first, then in earnest."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
