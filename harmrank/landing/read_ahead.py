"""Reads the next extract while the current one is checked and written, on its own connection and thread.

DuckDB does the reading and Python the checking, so on two cores both together take little longer than one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

import duckdb

T = TypeVar("T")


class ReadingQueue(Generic[T]):
    """Things to read in order, the next one always started."""

    def __init__(self, things: Iterable[T], read: Callable[[T], None], pool: ThreadPoolExecutor) -> None:
        self._things, self._read, self._pool = iter(things), read, pool
        self._started: dict[T, Future[None]] = {}
        self._start_next()

    def wait_for(self, thing: T) -> None:
        """Starts the thing after this one, then waits until this one is read. Raises what reading it raised.

        Things are waited for in order.
        """
        reading = self._started.pop(thing)
        self._start_next()
        reading.result()

    def abandoned(self) -> list[T]:
        """Returns the things that were started and not waited for."""
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
    discard: Callable[[T], None],
) -> Iterator[ReadingQueue[T]]:
    """Reads things in order, one ahead. If the block ends early, `discard` gets each thing that was read for nothing."""
    cursor = connection.cursor()
    with ThreadPoolExecutor(1, "reading") as pool:
        ahead = ReadingQueue(things, lambda thing: read(cursor, thing), pool)
        try:
            yield ahead
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            cursor.interrupt()
            pool.shutdown(wait=True)
            for thing in ahead.abandoned():
                discard(thing)
            cursor.close()
