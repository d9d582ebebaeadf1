"""Turns errors of the system (disk, memory, permission, lock) into sentences that say what to do. Nothing else does."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

import duckdb

from harmrank.errors import HarmrankError, HomeBusy, UsageError

MEMORY_SETTING = "HARMRANK_MEMORY_LIMIT"
_LONGEST_PLACE = 200
"""Characters of a path that a sentence quotes if the path is too long for the system."""

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM)
_NO_PATH = (errno.ENAMETOOLONG, errno.ELOOP)
_IN_THE_WAY = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
# DuckDB reports the second if it could not spill: the disk, not the memory, was too small.
_FULL = re.compile(r"no space left on device|max_temp_directory_size|disk quota exceeded", re.IGNORECASE)
_TOO_LARGE = re.compile(r"file too large", re.IGNORECASE)
_MEMORY = re.compile(r"out of memory error|cannot allocate memory|bad_alloc", re.IGNORECASE)
_JAVA_MEMORY = re.compile(r"OutOfMemoryError|Java heap space|GC overhead limit")
_LOCKED = re.compile(r"could not set lock|conflicting lock|unique file handle conflict", re.IGNORECASE)
_FORBIDDEN = re.compile(r"permission denied|operation not permitted", re.IGNORECASE)
_READ_ONLY = re.compile(r"read-only file ?system", re.IGNORECASE)
# The errors of dbt and of Spark (from Java) name the system error in their text only.
_BY_TEXT = ("dbt", "pyspark", "py4j")
_FILE = re.compile(r'file "([^"]+)"', re.IGNORECASE)
_OWNER = re.compile(r"PID (\d+)")


def cause(error: BaseException | str) -> HarmrankError | None:
    """Returns the system error that stopped the work, or None if it was none.

    `error` is an exception (its causes count too) or the message of a failed dbt node.
    """
    if isinstance(error, str):
        return _from_text(error)
    if isinstance(error, HarmrankError):
        return error
    for raised in _chain(error):
        found = _from_error(raised)
        if found is not None:
            return found
    return None


def line_and_code(error: BaseException) -> tuple[str, int]:
    """Returns the line to print for an error, and the exit code."""
    known = cause(error)
    if known is not None:
        return str(known), known.exit_code
    if isinstance(error, KeyboardInterrupt):
        return f"stopped{f' {error}' if str(error) else ''}: what was published before is still current", 1
    # Its text may hold data, so only its type is named.
    return f"unexpected {type(error).__name__}; run again with --debug for the traceback", 1


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The errors that led to this one, first cause first: whatever follows a full disk is its consequence."""
    raised: BaseException | None = error
    errors: list[BaseException] = []
    while raised is not None and raised not in errors:
        errors.append(raised)
        raised = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)
    return reversed(errors)


def _from_error(error: BaseException) -> HarmrankError | None:
    if isinstance(error, MemoryError):
        return _memory()
    if isinstance(error, OSError) and error.errno is not None:
        return _from_os(error)
    if isinstance(error, duckdb.Error) or type(error).__module__.startswith(_BY_TEXT):
        return _from_text(str(error))
    return None


def _from_os(error: OSError) -> HarmrankError | None:
    if isinstance(error, FileNotFoundError | BrokenPipeError | BlockingIOError):
        return None
    place = str(error.filename) if error.filename is not None else "a file of the home"
    if error.errno in _NO_SPACE:
        return _full(error.filename and place)
    if error.errno == errno.EFBIG:
        return _too_large(error.filename and place)
    if error.errno == errno.ENOMEM:
        return _memory()
    if error.errno in _NOT_ALLOWED:
        return _forbidden(place)
    if error.errno == errno.EROFS:
        return _read_only(place)
    if error.errno in _NO_PATH:
        # The end of the line would be cut: it says what to do.
        return UsageError(f"{place[:_LONGEST_PLACE]} cannot be a path ({error.strerror}): name another one")
    if error.errno in _IN_THE_WAY:
        return HarmrankError(
            f"{place} is in the way: harmrank needs a folder there. Move it away, then run this again."
        )
    return HarmrankError(f"{place} cannot be used ({error.strerror}): check its disk, then run this again.")


def _from_text(text: str) -> HarmrankError | None:
    named = _FILE.search(text)
    place = named[1] if named else None
    if _FULL.search(text):
        return _full(place)
    if _TOO_LARGE.search(text):
        return _too_large(place)
    if _JAVA_MEMORY.search(text):
        return HarmrankError(
            "not enough memory for Spark: raise HARMRANK_SPARK_MEMORY or HARMRANK_SPARK_PARTITIONS (docs/scale.md), then "
            "run this again. What was published is still current."
        )
    if _MEMORY.search(text):
        return _memory()
    if _LOCKED.search(text):
        owner = _OWNER.search(text)
        process = f"process {owner[1]}" if owner else "another process"
        return HomeBusy(f"{place or 'the warehouse'} is open in {process}: close it there, then run this again.")
    if _READ_ONLY.search(text):
        return _read_only(place or "the home")
    if _FORBIDDEN.search(text):
        return _forbidden(place or "a file of the home")
    return None


def _full(place: str | None) -> HarmrankError:
    where = f" (writing {place})" if place else ""
    return HarmrankError(
        f"the disk is full{where}: free some space, then run this again. What was published is still current."
    )


def _too_large(place: str | None) -> HarmrankError:
    where = place or "a file"
    return HarmrankError(
        f"{where} has reached the limit on file sizes: raise it (ulimit -f), then run this again. "
        "What was published is still current."
    )


def _memory() -> HarmrankError:
    return HarmrankError(
        f"not enough memory: free some, or set how much DuckDB may use with {MEMORY_SETTING} (such as 8GB; by default half "
        "of the machine's, at most 4GB; the rest goes to the home's scratch/), then run this again. What was published is "
        "still current."
    )


def _forbidden(place: str) -> HarmrankError:
    return HarmrankError(
        f"this user may not open {place}: ask its owner for permission, or run this as the owner of the home."
    )


def _read_only(place: str) -> HarmrankError:
    return HarmrankError(f"{place} is on a read-only disk: make it writable, or name another home.")
