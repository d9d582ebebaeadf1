"""The current build: where it is, what its manifest says, and whether its files are undamaged."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from harmrank.errors import HarmrankError
from harmrank.home.folder import Home
from harmrank.machine import disk

MART_FILE = "harm_mart.duckdb"
MANIFEST_FILE = "manifest.json"
OPERATIONAL = "operational"
"""The folder of a build for the table with names, with permissions of its own."""
NAMES = "offender_people"
"""The one table with names: its files are in that folder, and in no other file of a build is a name."""
NAMES_FILE = f"{OPERATIONAL}/{NAMES}.duckdb"
NAMES_ARE_CLOSED = "only operational readers may read HOME/published/current/operational, and you are not one"
BUILD_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}")
"""The name of a build's folder. harmrank leaves every other folder alone."""
POSTGRES_SCHEMA = "harm_mart"
"""The PostgreSQL schema of the current list, unless a user names another."""
KEPT_BUILDS = 12
"""How many earlier builds are kept, unless a user sets another number."""

_NEEDED = {"build_id", "built_at", "list_date", "method", "extracts", "warnings", "duckdb_file", "tables"}


def read_manifest(home: Home) -> dict[str, Any] | None:
    """Returns the manifest of the current build, or None if nothing has been published.

    Raises HarmrankError, with the command to run, if the manifest is missing or damaged.
    """
    manifest, fault = _manifest(home)
    if fault:
        raise HarmrankError(advice(home, fault))
    return manifest


def manifest_if_whole(home: Home) -> dict[str, Any] | None:
    """Returns the same, or None if the manifest is missing or damaged."""
    return _manifest(home)[0]


def advice(home: Home, fault: str) -> str:
    """Returns a fault of the current build with the command that rebuilds it."""
    return f"{fault}: run {home.refresh_command} --full to rebuild the list"


def faults(home: Home, thoroughly: bool = False) -> list[str]:
    """Returns one sentence for each file of the current build that is missing or has another size than its manifest says.

    `thoroughly` also compares the SHA-256 of every file, at about a second per gigabyte; it raises PermissionError if this
    process may not read the names. Without it, the files with names are left out then.
    """
    manifest, fault = _manifest(home)
    if fault:
        return [fault]
    if manifest is None:
        return []
    # Not through `current`, which may be switched between two files.
    folder = home.published / manifest["build_id"]
    entries = [manifest["duckdb_file"], *manifest["tables"].values()]
    # A build of an older harmrank has none.
    entries += [manifest["names_file"]] if "names_file" in manifest else []
    if not thoroughly and not may_read_names(folder):
        entries = [entry for entry in entries if not entry["file"].startswith(f"{OPERATIONAL}/")]
    return [fault for entry in entries if (fault := _file_fault(folder / entry["file"], entry, thoroughly))]


def may_read_names(build: Path) -> bool:
    """Returns whether this process may read the folder with the names of a build; False if the build has none."""
    return os.access(build / OPERATIONAL, os.R_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def refuse_foreign(home: Home) -> None:
    """Raises HarmrankError if `current` is not a link: harmrank did not make it and must not replace it."""
    link = home.published / "current"
    if link.exists() and not link.is_symlink():
        raise HarmrankError(f"{link} is not a link that harmrank made. Move it away, then run this again.")


def _manifest(home: Home) -> tuple[dict[str, Any] | None, str | None]:
    """The manifest, or its fault; both None if nothing has been published."""
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
        return None, f"{path} belongs to another build"
    return manifest, None


def _file_fault(path: Path, entry: dict[str, Any], thoroughly: bool) -> str | None:
    if not path.exists():
        return f"{path} is missing"
    if path.stat().st_size != entry["bytes"]:
        return f"{path} is damaged (its size has changed)"
    if thoroughly and disk.sha256_of(path) != entry["sha256"]:
        return f"{path} is damaged (its SHA-256 has changed)"
    return None
