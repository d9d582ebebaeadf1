"""Keeps on record what was published, so that a list that is remade can be held against what people have read.

A past list is made from what is known today. What stood on it when it was published is nowhere else for long: old builds
are removed. A build's own list and its evidence are taken from the published files before the next build begins.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from harmrank.home.folder import Home
from harmrank.machine import duck, system_errors
from harmrank.publishing import current_build

_PLACES = """
    insert into raw.published_places
    select ?, ?::timestamp, list_date, ?, ?, ?, harm_rank, offender_key, harm_days from read_parquet(?)
"""
_EVIDENCE = """
    insert into raw.published_evidence
    select ?, offender_key, force, crime_ref, offence_code, status, harm_days from read_parquet(?)
"""


def record(connection: duckdb.DuckDBPyConnection, home: Home, say: Callable[[str], None]) -> None:
    """Take the list that stands into the warehouse, once; where it cannot be read, say so and go on.

    One transaction: killed in between, nothing of it is on record and the next build takes it.
    """
    faults = current_build.faults(home)
    manifest = None if faults else current_build.read_manifest(home)
    if manifest is None:
        if faults:
            say(f"{faults[0]}: what it listed will be missing from list_corrections")
        return
    build = manifest["build_id"]
    if duck.one_value(connection, "select count(*) from raw.published_places where build_id = ?", [build]):
        return
    folder = home.published / build
    files = [str(folder / manifest["tables"][name]["file"]) for name in ("top_100", "top_100_evidence")]
    about = [manifest["built_at"].removesuffix("Z"), manifest["method"], manifest.get("code_version")]
    connection.execute("begin")
    try:
        connection.execute(_PLACES, [build, *about, max(manifest["extracts"]), files[0]])
        connection.execute(_EVIDENCE, [build, files[1]])
        connection.execute("commit")
    except duckdb.Error as error:
        connection.execute("rollback")
        if stopped_by := system_errors.cause(error):
            raise stopped_by from None
        say(f"build {build} cannot be read: what it listed will be missing from list_corrections")
    except BaseException:
        connection.execute("rollback")
        raise
