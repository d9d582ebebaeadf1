"""Runs one command and measures its time and memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_KIBIBYTE = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Measured:
    """One run of a command.

    `seconds` is wall-clock time, `processor_seconds` that of all processors, `peak_mb` the resident memory (10^6 bytes) of
    the largest process of the tree. `steps` has the seconds of each step that it reported. `failure` says how it failed, or
    is None.
    """

    seconds: float
    processor_seconds: float
    peak_mb: float
    steps: dict[str, float] = field(default_factory=dict)
    failure: str | None = None


def run(
    command: Sequence[str | Path], log: Path, timeout: float, step_of: Callable[[int], str | None] | None = None
) -> Measured:
    """Runs a command with its output in `log`; kills it and its children after `timeout` seconds.

    `step_of` takes the process id while the command runs and returns its current step, if any.
    """
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_first_to_go,
        )
        watcher = _Watcher(process.pid, timeout, step_of)
        watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watcher.ended.set()
        watcher.join()
    return Measured(
        round(seconds, 3),
        round(usage.ru_utime + usage.ru_stime, 3),
        round(usage.ru_maxrss * _KIBIBYTE / 1e6, 1),
        {name: round(length, 1) for name, length in watcher.steps.items()},
        _failure(process.returncode, timeout if watcher.timed_out else None),
    )


class _Watcher(threading.Thread):
    """Reads the step of a process ten times a second, and kills it after its time."""

    def __init__(self, pid: int, timeout: float, step_of: Callable[[int], str | None] | None) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.timed_out = False
        self.steps: dict[str, float] = {}
        self._pid, self._deadline, self._step_of = pid, time.monotonic() + timeout, step_of

    def run(self) -> None:
        before = time.monotonic()
        while not self.ended.wait(0.1):
            now = time.monotonic()
            step = self._step_of(self._pid) if self._step_of else None
            if step:
                self.steps[step] = self.steps.get(step, 0.0) + now - before
            before = now
            if now > self._deadline:
                self.timed_out = True
                os.killpg(self._pid, signal.SIGKILL)
                return


def _first_to_go() -> None:
    """Makes the system kill the command, and not the measuring process, when memory runs out."""
    if sys.platform == "linux":
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _failure(code: int, timeout: float | None) -> str | None:
    if timeout is not None:
        return f"not done after {timeout:,.0f} s"
    if code == -signal.SIGKILL:
        return "killed, as the system does where memory runs out"
    return f"exit code {code}" if code else None
