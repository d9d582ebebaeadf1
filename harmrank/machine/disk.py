"""Reads digests of files, and writes so that neither a kill nor a power cut leaves half a file."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import TextIO

from harmrank.errors import UsageError


def sha256_of(file: Path | BufferedReader) -> str:
    """Returns the SHA-256, in hexadecimal, of a file or of what is left of an open one. Raises OSError."""
    with file.open("rb") if isinstance(file, Path) else nullcontext(file) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Flushes a file or folder to disk, before anything points to it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Replaces the content of a file, readable by its owner alone: readers get all of the old text or all of the new.

    Characters that UTF-8 cannot hold, such as half a character of an odd file name, become question marks.
    """
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    flush(new)
    os.replace(new, path)


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A new text file, readable by its owner alone, for one block; it is removed if the block fails.

    Raises UsageError if the file exists or cannot be created.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} exists already: name a new file.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}).") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            yield stream
    except BaseException:
        path.unlink(missing_ok=True)
        raise
