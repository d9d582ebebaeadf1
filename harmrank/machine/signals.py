"""Hears SIGTERM and Ctrl-C, so that who is told to stop leaves the home whole and says so."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_BY = {signal.SIGTERM: "by SIGTERM", signal.SIGINT: "by hand"}
_heard: list[str] = []


class Stopped(KeyboardInterrupt):
    """Told to stop; its text says by what. An interrupt of the keyboard's kind, since that is what libraries let through."""


@contextmanager
def listening() -> Iterator[None]:
    """Raise Stopped in the main thread when a signal says to stop, for as long as the block runs.

    What is ignored stays ignored, as Ctrl-C is for what a shell runs in the background.
    """
    _heard.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in _BY}
    for number, handler in before.items():
        if handler in usual:
            signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def heard() -> Stopped | None:
    """What to raise where a signal has said to stop, whatever else was raised: DuckDB and dbt make errors of their own of it."""
    return Stopped(_heard[0]) if _heard else None


def refuse_to_go_on() -> None:
    """Raise Stopped where a signal has said to stop and a library has swallowed that."""
    if _heard:
        raise Stopped(_heard[0])


def _stop(number: int, frame: FrameType | None) -> None:
    _heard.append(_BY[signal.Signals(number)])
    raise Stopped(_heard[0])
