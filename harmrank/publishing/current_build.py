"""The builds that a home keeps: which is the current one, what their manifests say, whether their files are undamaged."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import date
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
NEXT_LINK = ".current-next"
"""The link that becomes `current`, while a build is published."""
POSTGRES_SCHEMA = "harm_mart"
"""The PostgreSQL schema of the current list, unless a user names another."""
KEPT_BUILDS = 12
"""How many earlier builds are kept, unless a user sets another number."""

COMPARABLE_DAYS = 45
"""Two lists are compared if their dates are no further apart than this: a month and a half."""

CURRENT, EARLIER, WAITING = "current", "earlier", "waiting"
ROLLED_BACK = "rolled back"
"""Published, then taken back: an earlier build was made current instead."""
SUPERSEDED = "superseded"
"""It waited until a later build was published or waited. Nobody has seen it."""
DAMAGED = "damaged"

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
    # Not through `current`, which may be switched between two files.
    return file_faults(home.published / manifest["build_id"], manifest, thoroughly) if manifest else []


def file_faults(folder: Path, manifest: dict[str, Any], thoroughly: bool = False) -> list[str]:
    """Returns the same for the build in `folder`."""
    entries = [manifest["duckdb_file"], *manifest["tables"].values()]
    # A build of an older harmrank has none.
    entries += [manifest["names_file"]] if "names_file" in manifest else []
    if not thoroughly and not may_read_names(folder):
        entries = [entry for entry in entries if not entry["file"].startswith(f"{OPERATIONAL}/")]
    return [fault for entry in entries if (fault := _file_fault(folder / entry["file"], entry, thoroughly))]


def may_read_names(build: Path) -> bool:
    """Returns whether this process may read the folder with the names of a build; False if the build has none."""
    return os.access(build / OPERATIONAL, os.R_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


@dataclass(frozen=True)
class Build:
    """A build that the home keeps, with its state (one of the words above). `manifest` is empty if it is damaged."""

    folder: Path
    manifest: dict[str, Any]
    state: str

    @property
    def build_id(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def list_date(self) -> date:
        """The date of its list."""
        return date.fromisoformat(self.manifest["list_date"])

    @property
    def waits_because(self) -> str:
        """Why it waits, and the command that publishes it."""
        held = self.manifest["withheld"]
        because = "; ".join(reason.rstrip(".") for reason in held["because"])
        return (
            f"the list for {self.manifest['list_date']} (build {self.build_id}) waits and is not published: "
            f"{because}. Look at {self.folder}, or correct the extracts and refresh again. "
            f"To publish it on purpose: {held['accept_with']}"
        )


def builds(home: Home) -> list[Build]:
    """Returns the builds in `published`, oldest first."""
    if not home.published.is_dir():
        return []
    folders = sorted(
        path for path in home.published.iterdir() if BUILD_ID.fullmatch(path.name) and not path.is_symlink()
    )
    current = _named_by(home.published / "current")
    # Neither published nor kept: a publication was interrupted.
    folders = [folder for folder in folders if folder.name != _named_by(home.published / NEXT_LINK)]
    found: list[Build] = []
    newest = True
    for folder in reversed(folders):
        manifest, fault = _manifest_in(folder)
        state = _state(folder.name, manifest or {}, current, newest)
        found.append(Build(folder, manifest or {}, DAMAGED if fault and state != CURRENT else state))
        newest = newest and bool(fault)
    return found[::-1]


def _named_by(link: Path) -> str:
    return Path(os.readlink(link)).name if link.is_symlink() else ""


def _state(build_id: str, manifest: dict[str, Any], current: str, is_newest: bool) -> str:
    if build_id == current:
        return CURRENT
    if "withheld" in manifest:
        return WAITING if is_newest else SUPERSEDED
    return ROLLED_BACK if "" < current < build_id or "rolled_back" in manifest else EARLIER


def waiting(home: Home) -> Build | None:
    """Returns the build that waits to be published on purpose, or None."""
    return next((build for build in builds(home) if build.state == WAITING), None)


def rolled_back_from(home: Home) -> Build | None:
    """Returns the newest published build if an earlier one was made current instead of it, or None."""
    kept = builds(home)
    current = next((build.build_id for build in kept if build.state == CURRENT), "")
    later = [build for build in kept if build.state == ROLLED_BACK and build.build_id > current]
    return later[-1] if current and later else None


def to_compare_with(home: Home, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the manifest of the published list to compare a build with, or None.

    It is undamaged, of the same method, at most COMPARABLE_DAYS apart, and has the nearest list date; among equals it is the
    newest. After a list for another date or method, or a damaged one, an earlier list is still there to compare with.
    """
    list_date = date.fromisoformat(manifest["list_date"])
    near = [
        (-abs((build.list_date - list_date).days), build.build_id, build)
        for build in builds(home)
        if build.state in (CURRENT, EARLIER)
        and build.manifest
        and build.manifest["method"] == manifest["method"]
        and not file_faults(build.folder, build.manifest)
    ]
    apart, _, nearest = max(near, default=(-COMPARABLE_DAYS - 1, "", None))
    return nearest.manifest if nearest and -apart <= COMPARABLE_DAYS else None


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
    return _manifest_in(link.resolve())


def _manifest_in(folder: Path) -> tuple[dict[str, Any] | None, str | None]:
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, f"{path} is missing"
    except PermissionError:
        return None, f"{path} may not be read"
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
