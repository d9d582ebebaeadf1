"""Publishes a tested build: a folder with DuckDB files, Parquet files and a manifest, made current atomically."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from harmrank.building.mart_keys import Keys, in_order
from harmrank.errors import HarmrankError
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine import disk, duck
from harmrank.machine.clock import utc_text
from harmrank.publishing import current_build
from harmrank.publishing.current_build import (
    BUILD_ID,
    KEPT_BUILDS,
    MANIFEST_FILE,
    MART_FILE,
    NAMES,
    NAMES_FILE,
    NEXT_LINK,
    OPERATIONAL,
)
from harmrank.text import quoting

# Every DuckDB client from 1.1 on reads this; BI drivers lag behind the engine.
STORAGE_VERSION = "v1.0.0"
_BACK_LINK, _INCOMING = ".current-back", ".incoming-"
_OWNER_ONLY = 0o700


@dataclass(frozen=True)
class Publication:
    """A published build: its folder, the rows of each table, its warnings, and remarks about other builds."""

    build_id: str
    folder: Path
    rows: dict[str, int]
    warnings: list[str]
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Column:
    """A column of a mart: its DuckDB type, whether values may be missing, and its description."""

    name: str
    sql_type: str
    is_nullable: bool
    description: str | None


@dataclass(frozen=True)
class Mart:
    """A mart of a build. `relation` is a FROM clause over its rows, for the connection that publishes."""

    name: str
    relation: str
    description: str | None
    columns: list[Column]


Marts = Callable[[duckdb.DuckDBPyConnection], list[Mart]]
"""Returns the marts to publish, by name."""

Audit = Callable[[Path, dict[str, Any]], list[str]]
"""Checks the folder and manifest of a build: returns warnings, or raises if it must not be published. May add to the manifest."""


def of_warehouse(home: Home, names: Collection[str]) -> Marts:
    """Returns the function that finds the marts of these names in the home's warehouse; it leaves everything else there alone.

    It raises HarmrankError if the warehouse lacks one of them.
    """

    def marts(connection: duckdb.DuckDBPyConnection) -> list[Mart]:
        connection.execute(f"attach {quoting.text(str(home.warehouse))} as warehouse (read_only)")
        comments = dict(
            connection.execute(
                "select table_name, comment from duckdb_tables() "
                "where database_name = 'warehouse' and schema_name = 'mart' "
                "union all select view_name, comment from duckdb_views() "
                "where database_name = 'warehouse' and schema_name = 'mart'"
            ).fetchall()
        )
        if missing := sorted(set(names) - comments.keys()):
            raise HarmrankError(f"the warehouse has no mart.{missing[0]}: run {home.refresh_command} --full")
        return [
            Mart(name, f"warehouse.mart.{quoting.identifier(name)}", comments[name], _columns(connection, name))
            for name in sorted(names)
        ]

    return marts


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[Column]:
    columns = connection.execute(
        "select column_name, data_type, is_nullable, comment from duckdb_columns() "
        "where database_name = 'warehouse' and schema_name = 'mart' and table_name = ? order by column_index",
        [table],
    ).fetchall()
    return [Column(*column) for column in columns]


def prepare(
    home: Home,
    build_id: str,
    facts: dict[str, Any],
    audit: Audit,
    marts: Marts,
    keys: Keys | None = None,
    operational_mode: int | None = None,
) -> Path:
    """Copies the marts of a build into a new hidden folder, and returns the folder when all of it is on disk.

    `facts` go into the manifest, with the warnings of `audit` added to theirs; `keys` go to the tables. The folder with
    names gets `operational_mode`, or the permissions that it has in the current build. If `audit` raises, the folder of the
    build is removed.
    """
    incoming = home.published / f"{_INCOMING}{build_id}"
    for folder in (incoming, incoming / OPERATIONAL):
        folder.mkdir(mode=_OWNER_ONLY)
    tables = _copy_marts(home, incoming, keys or {}, marts)
    manifest = {
        "build_id": build_id,
        **facts,
        **_index_facts(incoming),
        "duckdb_file": _file_entry(incoming, MART_FILE),
        "names_file": _file_entry(incoming, NAMES_FILE),
        "tables": tables,
    }
    try:
        manifest["warnings"] = [*facts["warnings"], *audit(incoming, manifest)]
    except Exception:
        shutil.rmtree(incoming)
        raise
    _write_manifest(home, incoming, manifest)
    _share_names(home, incoming, operational_mode)
    for path in (*incoming.rglob("*"), incoming):
        disk.flush(path)
    return incoming


def switch(home: Home, prepared: Path, kept_builds: int = KEPT_BUILDS) -> Publication:
    """Makes a prepared build the current one, and removes all but the last `kept_builds` earlier builds.

    Readers see no change before the link `current` is replaced atomically.
    """
    manifest = json.loads((prepared / MANIFEST_FILE).read_text(encoding="utf-8"))
    build_id = str(manifest["build_id"])
    folder = home.published / build_id
    # Set before the build gets its name: a build that this link still names was never current.
    (home.published / NEXT_LINK).symlink_to(build_id)
    prepared.rename(folder)
    _link(home, home.published / NEXT_LINK)
    remarks = _prune(home, kept_builds)
    rows = {name: entry["rows"] for name, entry in manifest["tables"].items()}
    return Publication(build_id, folder, rows, manifest["warnings"], remarks)


def keep(home: Home, prepared: Path, manifest: dict[str, Any]) -> current_build.Build:
    """Keeps a prepared build beside the current one, which stays current."""
    folder = home.published / prepared.name.removeprefix(_INCOMING)
    prepared.rename(folder)
    disk.flush(home.published)
    return current_build.Build(folder, manifest, current_build.WAITING)


def accept(home: Home, waiting: current_build.Build, kept_builds: int = KEPT_BUILDS) -> Publication:
    """Publishes a build that waits: its manifest then warns of what it waited for. After a kill it has to be built again."""
    incoming = waiting.folder.with_name(f"{_INCOMING}{waiting.build_id}")
    waiting.folder.rename(incoming)
    _share_names(home, incoming, None)
    manifest = dict(waiting.manifest)
    because = manifest.pop("withheld")["because"]
    manifest |= {"accepted": because, "warnings": [*manifest["warnings"], *because]}
    _write_manifest(home, incoming, manifest)
    return switch(home, incoming, kept_builds)


def drop(waiting: current_build.Build) -> None:
    """Removes a build that waits. The caller holds the lock of the home."""
    _remove(waiting.folder)


def roll_back(home: Home, to: current_build.Build) -> None:
    """Makes a kept build the current one again. The caller holds the lock of the home.

    Published builds after it are first marked as rolled back: no later list is compared with one of them.
    """
    for build in current_build.builds(home):
        if build.build_id > to.build_id and build.manifest and "withheld" not in build.manifest:
            mark = {"to": to.build_id, "at": utc_text()}
            _write_manifest(home, build.folder, {**build.manifest, "rolled_back": mark})
    manifest = {name: fact for name, fact in to.manifest.items() if name != "rolled_back"}
    if manifest != to.manifest:
        _write_manifest(home, to.folder, manifest)
    _share(to.folder, home.published)
    _share_names(home, to.folder, None)
    link = home.published / _BACK_LINK
    link.unlink(missing_ok=True)
    link.symlink_to(to.build_id)
    _link(home, link)


def _write_manifest(home: Home, build: Path, manifest: dict[str, Any]) -> None:
    disk.replace_text(build / MANIFEST_FILE, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    _share(build, home.published)
    disk.flush(build)


def _index_facts(folder: Path) -> dict[str, Any]:
    """The name and source of the harm index of the build."""
    with duck.open_database(folder / MART_FILE, read_only=True) as connection:
        row = duck.one_row(connection, "select harm_index, harm_index_source from mart.build_info")
    return dict(zip(("harm_index", "harm_index_source"), row, strict=True))


def _copy_marts(home: Home, folder: Path, keys: Keys, marts: Marts) -> dict[str, Any]:
    with duck.open_database() as connection:
        warehouse.settle(connection, home)
        for database, file in (("published", MART_FILE), (OPERATIONAL, NAMES_FILE)):
            path, version = quoting.text(str(folder / file)), quoting.text(STORAGE_VERSION)
            connection.execute(f"attach {path} as {database} (storage_version {version})")
            connection.execute(f"create schema {database}.mart")
        tables = {
            mart.name: _copy_mart(connection, mart, folder, keys.get(mart.name, [])) for mart in marts(connection)
        }
        for database in ("published", OPERATIONAL):
            connection.execute(f"checkpoint {database}")
            connection.execute(f"detach {database}")
    return tables


def _copy_mart(
    connection: duckdb.DuckDBPyConnection, mart: Mart, folder: Path, keys: list[list[str]]
) -> dict[str, Any]:
    database, subfolder = (OPERATIONAL, f"{OPERATIONAL}/") if mart.name == NAMES else ("published", "")
    table = f"{database}.mart.{quoting.identifier(mart.name)}"
    definitions = ", ".join(
        f"{quoting.identifier(column.name)} {column.sql_type}{'' if column.is_nullable else ' not null'}"
        for column in mart.columns
    )
    connection.execute(f"create table {table} ({definitions})")
    # Sorted by every column, so that equal marts make equal files.
    connection.execute(f"insert into {table} select * from {mart.relation} order by all")
    if mart.description:
        connection.execute(f"comment on table {table} is {quoting.text(mart.description)}")
    for column in mart.columns:
        if column.description:
            name = quoting.identifier(column.name)
            connection.execute(f"comment on column {table}.{name} is {quoting.text(column.description)}")
    parquet = f"{subfolder}{mart.name}.parquet"
    path = quoting.text(str(folder / parquet))
    connection.execute(f"copy (select * from {table} order by all) to {path} (format parquet, compression zstd)")
    rows = duck.one_value(connection, f"select count(*) from {table}")
    return {
        **_file_entry(folder, parquet),
        "rows": rows,
        "description": mart.description,
        "keys": in_order(keys, [column.name for column in mart.columns]),
        "columns": [
            {
                "name": column.name,
                "type": column.sql_type,
                "nullable": column.is_nullable,
                "description": column.description,
            }
            for column in mart.columns
        ],
    }


def _file_entry(build: Path, file: str) -> dict[str, Any]:
    path = build / file
    return {"file": file, "bytes": path.stat().st_size, "sha256": disk.sha256_of(path)}


def _share(build: Path, published: Path) -> None:
    """Sets the group and permissions of a new build to those of `published`, so that readers of the last build can read it.

    The folder with names keeps its own.
    """
    like = published.stat()
    _set_access(build, like.st_gid, _OWNER_ONLY if has_open_names(build) else like.st_mode)


def _share_names(home: Home, build: Path, mode: int | None) -> None:
    """Sets the group of the folder with names to that in the current build, and its permissions to `mode` or those there."""
    current, folder = _current(home), build / OPERATIONAL
    before = current / OPERATIONAL if current else folder
    like = (before if before.is_dir() else folder).stat()
    _set_access(folder, like.st_gid, like.st_mode if mode is None else mode)


def _set_access(folder: Path, group: int, mode: int) -> None:
    for path in (folder, *(path for path in folder.iterdir() if path.is_file())):
        if path.stat().st_gid != group:
            os.chown(path, -1, group)
        path.chmod(mode & (0o777 if path is folder else 0o666))


def share(home: Home, mode: int | None, operational_mode: int | None) -> None:
    """Sets the permissions of every build: to `mode`, as for `published`, and of the folders with names to `operational_mode`.

    Later builds get the same. None leaves them unchanged.
    """
    if mode is not None:
        home.open_published(mode)
    for build in _builds(home):
        if mode is not None:
            _share(build, home.published)
        if operational_mode is not None and (build / OPERATIONAL).is_dir():
            _share_names(home, build, operational_mode)


def has_open_names(build: Path) -> bool:
    """Returns whether an older harmrank made this build: names are in files that are for all readers."""
    return (build / f"{NAMES}.parquet").exists()


def _builds(home: Home) -> list[Path]:
    """The published builds, oldest first."""
    return sorted(path for path in home.published.iterdir() if BUILD_ID.fullmatch(path.name) and not path.is_symlink())


def _link(home: Home, link: Path) -> None:
    """Points `current` to the build that a link names, which takes its place.

    Each step is flushed to disk before the next, so that a power cut leaves one of the two.
    """
    disk.flush(home.published)
    os.replace(link, home.published / "current")
    disk.flush(home.published)


def tidy(home: Home, kept_builds: int = KEPT_BUILDS) -> list[str]:
    """Removes what an interrupted publication or rollback has left, and all but the last `kept_builds` earlier builds.

    Returns a sentence for each build that could not be removed. The caller holds the lock of the home.
    """
    link = home.published / NEXT_LINK
    if link.is_symlink():
        # Tested, but never current: nobody has seen it.
        orphan = home.published / os.readlink(link)
        if BUILD_ID.fullmatch(orphan.name) and orphan.is_dir() and orphan != _current(home):
            _remove(orphan)
        link.unlink()
    (home.published / _BACK_LINK).unlink(missing_ok=True)
    remarks = []
    for leftover in [*home.published.glob(f"{_INCOMING}*"), *home.published.glob(".removing-*")]:
        try:
            shutil.rmtree(leftover)
        except OSError as error:
            remarks.append(f"{leftover.name} is left over and cannot be removed ({error.strerror})")
    return remarks + _prune(home, kept_builds)


def _current(home: Home) -> Path | None:
    link = home.published / "current"
    return home.published / os.readlink(link) if link.is_symlink() else None


def _prune(home: Home, kept_builds: int) -> list[str]:
    """Removes what nobody can publish any more and the earliest builds beyond those to keep, except those being read.

    Never removed are the current build, one that waits, and those that were rolled back from it.
    """
    kept = current_build.builds(home)
    current = max((build.build_id for build in kept if build.state == current_build.CURRENT), default="")
    earlier = [
        build
        for build in kept
        if build.state in (current_build.EARLIER, current_build.DAMAGED)
        or (build.state == current_build.ROLLED_BACK and build.build_id < current)
    ]
    # Of those rolled back, the list that replaced them is the better one to keep.
    earlier.sort(key=lambda build: (build.state != current_build.ROLLED_BACK, build.build_id))
    superseded = [build for build in kept if build.state == current_build.SUPERSEDED]
    remarks = []
    # The current build stays as it is: the next one replaces it.
    for build in (build.folder for build in kept if build.state != current_build.CURRENT):
        if has_open_names(build) and build.stat().st_mode & 0o077:
            build.chmod(_OWNER_ONLY)
            remarks.append(f"build {build.name} has names in files for all readers: now only its owner can read it")
    for build in (build.folder for build in [*superseded, *earlier[: max(0, len(earlier) - kept_builds)]]):
        try:
            if _is_read(build):
                remarks.append(f"old build {build.name} is being read: the next refresh will remove it")
            else:
                _remove(build)
        except OSError as error:
            remarks.append(f"old build {build.name} cannot be removed ({error.strerror})")
    return remarks


def _remove(build: Path) -> None:
    """Removes a build. It is renamed first: half a build must never look like a whole one."""
    leaving = build.with_name(f".removing-{build.name}")
    build.rename(leaving)
    disk.flush(build.parent)
    shutil.rmtree(leaving)


# Exit code 1 if another process holds a lock on one of the files, as every DuckDB reader does.
_ASK_FOR_LOCK = """
import fcntl, sys
try:
    for path in sys.argv[1:]:
        with open(path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(1)
except OSError:
    sys.exit(0)
"""


def _is_read(build: Path) -> bool:
    """Whether a DuckDB client on this machine has a file of the build open. Readers of Parquet files hold no lock.

    A separate process asks, because closing the file here would drop the locks that this process holds on it.
    """
    asked = subprocess.run(  # noqa: S603 - Python itself, with a program of ours
        [sys.executable, "-I", "-S", "-c", _ASK_FOR_LOCK, build / MART_FILE, build / NAMES_FILE], check=False
    )
    return asked.returncode == 1
