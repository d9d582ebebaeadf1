"""Reads extracts one ahead of the one that is being checked and written, on a connection and a thread of its own.

Reading is DuckDB's work and checking is Python's, so on two cores the two take little longer than one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

import duckdb

T = TypeVar("T")


class ReadingQueue(Generic[T]):
    """The things to be read, in order."""

    def __init__(self, things: Iterable[T], read: Callable[[T], None], pool: ThreadPoolExecutor) -> None:
        self._things, self._read, self._pool = iter(things), read, pool
        self._started: dict[T, Future[None]] = {}
        self._start_next()

    def wait_for(self, thing: T) -> None:
        """Wait until the thing, which is the next in order, was read, while the one after it is begun. Raises what reading it raised."""
        reading = self._started.pop(thing)
        self._start_next()
        reading.result()

    def abandoned(self) -> list[T]:
        """Those that were begun and that nobody came for."""
        return list(self._started)

    def _start_next(self) -> None:
        for thing in self._things:
            self._started[thing] = self._pool.submit(self._read, thing)
            return


@contextmanager
def reading_ahead(
    connection: duckdb.DuckDBPyConnection,
    things: Iterable[T],
    read: Callable[[duckdb.DuckDBPyConnection, T], None],
    forget: Callable[[T], None],
) -> Iterator[ReadingQueue[T]]:
    """Read things in order, one ahead. Where the block ends early, what was read in vain is forgotten."""
    own = connection.cursor()
    with ThreadPoolExecutor(1, "reading") as pool:
        ahead = ReadingQueue(things, lambda thing: read(own, thing), pool)
        try:
            yield ahead
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            own.interrupt()
            pool.shutdown(wait=True)
            for thing in ahead.abandoned():
                forget(thing)
            own.close()
