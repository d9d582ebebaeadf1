"""Writing so that neither a kill nor a power cut leaves half of anything."""

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Bring a file or folder to disk before anything points to it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Give a file a new content, for its owner alone: whoever reads it gets the old one or the new one, whole.

    What cannot be written as UTF-8, such as half a character of an odd file name, is written as a question mark.
    """
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    flush(new)
    os.replace(new, path)
