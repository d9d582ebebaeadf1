"""Hooks: commands that run after a refresh. One runs after a list was published, one after a failure.

A command is a program with its arguments, split as a shell would split it and run without a shell. The facts of the refresh
reach it as environment variables and as JSON on its standard input, never as a part of the command.
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
"""Time between SIGTERM and SIGKILL."""

# The facts that a hook gets as variables, in the order of the documentation. A variable without a value is empty.
FACTS = ("event", "exit_code", "message", "home", "build_id", "list_date", "published", "log")


@dataclass(frozen=True)
class Hooks:
    """The commands, as lists of arguments, and the time limit of each."""

    on_publish: tuple[str, ...] | None
    on_failure: tuple[str, ...] | None
    time_limit: timedelta


def split(command: str) -> tuple[str, ...]:
    """Returns the program and its arguments. Raises ValueError, with a sentence for users, if it cannot be run."""
    try:
        arguments = tuple(shlex.split(command))
    except ValueError as error:
        raise ValueError(f"{printable(command)} cannot be read as a command ({str(error).lower()})") from None
    if not arguments:
        raise ValueError("the command is empty")
    if shutil.which(arguments[0]) is None:
        raise ValueError(
            f"{printable(arguments[0])} is not a program on this machine: use its full path; "
            "write shell commands as sh -c '...'"
        )
    return arguments


def call(name: str, command: tuple[str, ...], facts: dict[str, Any], time_limit: timedelta) -> str | None:
    """Runs a hook and waits for it. Returns one line about what went wrong, None after success.

    It gets `facts`: those of FACTS as environment variables, all of them as JSON. Its output goes to stderr, because stdout
    is for the result of the refresh. It has a process group of its own; the whole group ends at the time limit or when
    a signal stops this process.
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
        # A signal may have stopped this process meanwhile.
        if process.poll() is None:
            _end(process)
    if process.returncode == 0:
        return None
    how = f"signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
    return f"the hook {name} failed ({how})"


def _environment(facts: dict[str, Any]) -> dict[str, str]:
    """Returns this process's environment and the facts, without the hooks: a hook that refreshes would call itself."""
    kept = {name: value for name, value in os.environ.items() if name not in (ON_PUBLISH, ON_FAILURE)}
    values = {name: facts.get(name) for name in FACTS}
    return kept | {
        f"HARMRANK_{name.upper()}": printable(str("" if value is None else value)) for name, value in values.items()
    }


def _end(process: subprocess.Popen[str]) -> None:
    """Ends a hook and every process it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
