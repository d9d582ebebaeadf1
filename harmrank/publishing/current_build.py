"""The build that stands: where it is, what its manifest says of it, and whether it is whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from harmrank.errors import HarmrankError
from harmrank.home.folder import Home
from harmrank.machine import disk

MART_FILE = "harm_mart.duckdb"
MANIFEST_FILE = "manifest.json"
BUILD_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}")
"""A folder of another name is none of ours and is left alone."""
POSTGRES_SCHEMA = "harm_mart"
"""Where readers of PostgreSQL look for the current list, unless somebody names another schema."""
KEPT_BUILDS = 12
"""How many builds stay beside the current one, unless a user sets another number."""

_NEEDED = {"build_id", "built_at", "list_date", "method", "extracts", "warnings", "duckdb_file", "tables"}


def read_manifest(home: Home) -> dict[str, Any] | None:
    """The manifest of the build that stands, or None where nothing has been published.

    Raises HarmrankError, with the command that mends it, where there should be one and is none.
    """
    manifest, fault = _manifest(home)
    if fault:
        raise HarmrankError(advice(home, fault))
    return manifest


def manifest_if_whole(home: Home) -> dict[str, Any] | None:
    """Returns the same, and None too where the manifest is damaged."""
    return _manifest(home)[0]


def advice(home: Home, fault: str) -> str:
    """A fault of the build that stands, with what to do about it."""
    return f"{fault}: run {home.refresh_command} --full, which makes it again"


def faults(home: Home, thoroughly: bool = False) -> list[str]:
    """What is wrong with the build that stands: files that are missing or of the wrong size; empty if nothing is.

    `thoroughly` computes the SHA-256 of every file too, which takes a second for each gigabyte.
    """
    manifest, fault = _manifest(home)
    if fault:
        return [fault]
    if manifest is None:
        return []
    # By its own name: `current` may be switched between two files.
    folder = home.published / manifest["build_id"]
    entries = [manifest["duckdb_file"], *manifest["tables"].values()]
    return [said for entry in entries if (said := _file_fault(folder / entry["file"], entry, thoroughly))]


def refuse_foreign(home: Home) -> None:
    """Raise HarmrankError where `current` is something harmrank did not make and must not replace."""
    link = home.published / "current"
    if link.exists() and not link.is_symlink():
        raise HarmrankError(
            f"{link} is no link to a build: harmrank did not make it. Move it away, then run this again."
        )


def _manifest(home: Home) -> tuple[dict[str, Any] | None, str | None]:
    """The manifest, or what is wrong with it; neither where nothing has been published."""
    link = home.published / "current"
    if not link.exists():
        return None, f"{link} points to a build that is gone" if link.is_symlink() else None
    path = link.resolve() / MANIFEST_FILE
    if not path.exists():
        return None, f"{path} is missing"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None, f"{path} is damaged"
    if not isinstance(manifest, dict) or not manifest.keys() >= _NEEDED:
        return None, f"{path} is damaged"
    if manifest["build_id"] != path.parent.name:
        return None, f"{path} is of another build"
    return manifest, None


def _file_fault(path: Path, entry: dict[str, Any], thoroughly: bool) -> str | None:
    if not path.exists():
        return f"{path} is missing"
    if path.stat().st_size != entry["bytes"]:
        return f"{path} is damaged (its size has changed)"
    if thoroughly and disk.sha256_of(path) != entry["sha256"]:
        return f"{path} is damaged (its SHA-256 has changed)"
    return None
