"""Publishes a tested build: one folder with a DuckDB file, Parquet and a manifest, switched to atomically."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from harmrank import duck, sql
from harmrank.home import Home

# Readable by every DuckDB client from 1.1 on; BI drivers lag behind the engine.
STORAGE_VERSION = "v1.0.0"
MART_FILE = "harm_mart.duckdb"
KEPT_BUILDS = 12


@dataclass(frozen=True)
class Publication:
    """A published build: where it is and how many rows each table has."""

    build_id: str
    folder: Path
    rows: dict[str, int]


def read_manifest(home: Home) -> dict[str, Any] | None:
    """The manifest of the build that stands, or None where nothing has been published."""
    path = home.published / "current" / "manifest.json"
    if not path.exists():
        return None
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def publish(home: Home, build_id: str, facts: dict[str, Any]) -> Publication:
    """Copy the marts of the warehouse into a new build and make it the current one.

    `facts` go into the manifest as they are. Nothing a reader can see changes before the very last step, the
    atomic replacement of the link `current`.
    """
    incoming = home.published / f".incoming-{build_id}"
    _remove_leftovers(home)
    incoming.mkdir(parents=True, mode=0o700)
    tables = _copy_marts(home, incoming)
    manifest = {
        "build_id": build_id,
        **facts,
        **_index_facts(incoming),
        "duckdb_file": _file_entry(incoming / MART_FILE),
        "tables": tables,
    }
    _write(incoming / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    _share(incoming, home.published)
    for path in incoming.iterdir():
        _flush(path)
    _flush(incoming)
    folder = home.published / build_id
    incoming.rename(folder)
    _switch(home, build_id)
    _prune(home)
    return Publication(build_id, folder, {name: entry["rows"] for name, entry in tables.items()})


def _index_facts(folder: Path) -> dict[str, Any]:
    """Which harm index the build was made with, by name and source."""
    with duck.open_database(folder / MART_FILE, read_only=True) as connection:
        row = connection.execute("select harm_index, harm_index_source from mart.build_info").fetchone()
    return dict(zip(("harm_index", "harm_index_source"), row or (None, None), strict=True))


def _copy_marts(home: Home, folder: Path) -> dict[str, Any]:
    with duck.open_database() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"attach {sql.text(str(home.warehouse))} as warehouse (read_only)")
        connection.execute(
            f"attach {sql.text(str(folder / MART_FILE))} as published (storage_version {sql.text(STORAGE_VERSION)})"
        )
        connection.execute("create schema published.mart")
        names = [
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() "
                "where database_name = 'warehouse' and schema_name = 'mart' order by table_name"
            ).fetchall()
        ]
        tables = {name: _copy_table(connection, name, folder) for name in names}
        connection.execute("checkpoint published")
        connection.execute("detach published")
    return tables


def _copy_table(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> dict[str, Any]:
    columns = connection.execute(
        "select column_name, data_type, is_nullable, comment from duckdb_columns() "
        "where database_name = 'warehouse' and schema_name = 'mart' and table_name = ? order by column_index",
        [name],
    ).fetchall()
    (comment,) = connection.execute(
        "select comment from duckdb_tables() "
        "where database_name = 'warehouse' and schema_name = 'mart' and table_name = ?",
        [name],
    ).fetchone() or (None,)
    table = f"published.mart.{sql.identifier(name)}"
    definitions = ", ".join(
        f"{sql.identifier(column)} {data_type}{'' if nullable else ' not null'}"
        for column, data_type, nullable, _ in columns
    )
    connection.execute(f"create table {table} ({definitions})")
    # Sorted by every column, so that the same marts always give the same files.
    connection.execute(f"insert into {table} select * from warehouse.mart.{sql.identifier(name)} order by all")
    if comment:
        connection.execute(f"comment on table {table} is {sql.text(comment)}")
    for column, _, _, description in columns:
        if description:
            connection.execute(f"comment on column {table}.{sql.identifier(column)} is {sql.text(description)}")
    parquet = folder / f"{name}.parquet"
    connection.execute(
        f"copy (select * from {table} order by all) to {sql.text(str(parquet))} (format parquet, compression zstd)"
    )
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    return {
        **_file_entry(parquet),
        "rows": rows,
        "description": comment,
        "columns": [
            {"name": column, "type": data_type, "nullable": nullable, "description": description}
            for column, data_type, nullable, description in columns
        ],
    }


def _file_entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": digest}


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _flush(path: Path) -> None:
    """Bring a file or folder to disk before anything points to it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _share(build: Path, published: Path) -> None:
    """Give a new build the group and permissions of the folder of builds: who may read one may read the next."""
    folder = published.stat()
    for path in (build, *build.iterdir()):
        if path.stat().st_gid != folder.st_gid:
            os.chown(path, -1, folder.st_gid)
        path.chmod(folder.st_mode & (0o777 if path is build else 0o666))


def share(home: Home, mode: int) -> None:
    """Open `published`, and every build in it, to whom this mode says; the next builds take it over."""
    home.open_published(mode)
    for build in _builds(home):
        _share(build, home.published)


def _builds(home: Home) -> list[Path]:
    """The published builds, oldest first."""
    return sorted(p for p in home.published.iterdir() if p.is_dir() and not p.is_symlink() and p.name[0] != ".")


def _switch(home: Home, build_id: str) -> None:
    link = home.published / ".current-next"
    link.unlink(missing_ok=True)
    link.symlink_to(build_id)
    os.replace(link, home.published / "current")
    _flush(home.published)


def _remove_leftovers(home: Home) -> None:
    for leftover in home.published.glob(".incoming-*"):
        shutil.rmtree(leftover)


def _prune(home: Home) -> None:
    current = (home.published / "current").resolve()
    builds = _builds(home)
    for build in builds[: max(0, len(builds) - 1 - KEPT_BUILDS)]:
        if build.resolve() != current:
            shutil.rmtree(build)
