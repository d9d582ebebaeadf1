"""Keeps the parsed dbt project, which saves each refresh the seconds of parsing.

The file holds code (macros and models). So it is beside the code it was made from, never in a home, and is only read if
nobody else could have written it. If its folder cannot be written to, dbt parses every time.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harmrank.building.project import project_root

_SOURCES = ("dbt_project.yml", "models", "macros", "seeds", "tests", "analyses", "profiles")
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def path_now() -> Path:
    """Returns the file for the project in its current state."""
    return project_root() / "target" / "parsed" / f"{_digest()}.msgpack"


def load(path: Path) -> Any | None:
    """Returns the parsed project (dbt's Manifest) from this file, or None if it has to be parsed."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            if not (_is_ours(os.fstat(file.fileno())) and _is_ours(path.parent.stat())):
                return None
            project = Manifest.from_msgpack(file.read(), decoder=extended_mashumuro_decoder)
    except Exception:
        # Missing, cut off, damaged or of another layout: it is only a copy, and is replaced.
        return None
    project.build_flat_graph()
    return project


def save(project: Any, path: Path) -> None:
    """Saves a parsed project in place of earlier ones. Does nothing if the folder cannot be written to."""
    from dbt.parser.manifest import extended_mashumaro_encoder

    incoming = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(project.to_msgpack(extended_mashumaro_encoder))
        for earlier in path.parent.glob("*.msgpack"):
            earlier.unlink(missing_ok=True)
        os.replace(incoming, path)
    except OSError:
        with suppress(OSError):
            incoming.unlink()


def _is_ours(status: os.stat_result) -> bool:
    """Whether only this user, or the owner of the code, can write to it."""
    trusted = {os.geteuid(), (project_root() / "dbt_project.yml").stat().st_uid}
    return status.st_uid in trusted and not status.st_mode & _WRITABLE_BY_OTHERS


def _digest() -> str:
    """A digest of everything that determines the parsed project."""
    root = project_root()
    digest = hashlib.sha256()
    packages = [version(name) for name in ("dbt-core", "dbt-common", "dbt-adapters", "dbt-duckdb")]
    for fact in (str(root), sys.version, *packages):
        digest.update(fact.encode() + b"\0")
    for file in _files(root):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterator[Path]:
    for name in _SOURCES:
        source = root / name
        if source.is_file():
            yield source
        elif name == "tests":
            # Only those that dbt reads.
            yield from sorted(path for kind in ("generic", "singular") for path in (source / kind).rglob("*.*"))
        else:
            yield from sorted(path for path in source.rglob("*") if path.is_file())
