"""Handles SIGTERM and Ctrl-C, so that a stopped command leaves the home undamaged and says so."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SOURCES = {signal.SIGTERM: "by SIGTERM", signal.SIGINT: "by hand"}
_received: list[str] = []


class StopSignal(KeyboardInterrupt):
    """A signal ended the work; the text says which. A KeyboardInterrupt, because libraries do not catch those."""


@contextmanager
def listening() -> Iterator[None]:
    """Raises StopSignal in the main thread when SIGTERM or Ctrl-C arrives during the block.

    A signal that is ignored stays ignored, such as Ctrl-C for a background job of a shell.
    """
    _received.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    defaults = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in _SOURCES}
    for number, handler in before.items():
        if handler in defaults:
            signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def received() -> StopSignal | None:
    """Returns the StopSignal to raise if a signal has arrived, whatever was raised: DuckDB and dbt turn it into errors of their own."""
    return StopSignal(_received[0]) if _received else None


def raise_if_stopped() -> None:
    """Raises StopSignal if a signal has arrived and a library has swallowed it."""
    if _received:
        raise StopSignal(_received[0])


def _stop(number: int, frame: FrameType | None) -> None:
    _received.append(_SOURCES[signal.Signals(number)])
    raise StopSignal(_received[0])
