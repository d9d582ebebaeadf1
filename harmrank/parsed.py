"""Keeps the project as dbt has parsed it, so that a refresh does not parse it again: seconds, each time the same.

What is kept holds code (the macros and models), so it lies beside the code it was made from and never in a home, and
is only used where nobody else could have written it. Where that folder cannot be written, dbt parses every time.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harmrank.project import project_root

_SOURCES = ("dbt_project.yml", "models", "macros", "seeds", "tests", "analyses", "profiles")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def kept(settings: str) -> Any | None:
    """The parsed project (dbt's Manifest) as it was kept for these settings, or None: it has to be parsed."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    path = _path(settings)
    try:
        if not _is_ours(path):
            return None
        project = Manifest.from_msgpack(path.read_bytes(), decoder=extended_mashumuro_decoder)
    except Exception:
        # Cut off, damaged or of another layout: it is only a copy, and is made again.
        return None
    project.build_flat_graph()
    return project


def keep(project: Any, settings: str) -> None:
    """Keep a parsed project for the next time, in place of any earlier one; where that cannot be, it is not kept."""
    from dbt.parser.manifest import extended_mashumaro_encoder

    path = _path(settings)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        for earlier in path.parent.glob(f"{_name(settings)}-*"):
            earlier.unlink(missing_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".parsed-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(project.to_msgpack(extended_mashumaro_encoder))
        os.replace(name, path)


def _path(settings: str) -> Path:
    return project_root() / "target" / f"{_name(settings)}-{_digest(settings)}.msgpack"


def _name(settings: str) -> str:
    return f"parsed-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"


def _is_ours(path: Path) -> bool:
    """Whether nobody but this user, or who could change the code just as well, can have written it."""
    kept_by = path.lstat()
    trusted = {os.geteuid(), (project_root() / "dbt_project.yml").stat().st_uid}
    return stat.S_ISREG(kept_by.st_mode) and kept_by.st_uid in trusted and not kept_by.st_mode & _OTHERS_MAY_WRITE


def _digest(settings: str) -> str:
    """A digest of everything that the parsed project follows from."""
    root = project_root()
    digest = hashlib.sha256()
    for fact in (settings, str(root), sys.version, version("dbt-core"), version("dbt-duckdb")):
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
            # Those of them that dbt reads: beside them lie the tests of the command.
            yield from sorted(path for kind in ("generic", "singular") for path in (source / kind).rglob("*.*"))
        else:
            yield from sorted(path for path in source.rglob("*") if path.is_file())
