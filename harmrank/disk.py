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
    """Give a file a new content: whoever reads it gets the old one or the new one, whole."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    flush(new)
    os.replace(new, path)
