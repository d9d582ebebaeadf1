"""Records every published list, so that a later, corrected version of it can be compared with what people have read.

Past lists are rebuilt from what is known today, and old builds are removed. So each build first copies the current list
and its evidence from the published files into the warehouse.
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
    """Records the current list in the warehouse, unless it is recorded already. `say` gets a line if it cannot be read.

    All in one transaction: if the process is killed, nothing is recorded and the next build tries again.
    """
    faults = current_build.faults(home)
    manifest = None if faults else current_build.read_manifest(home)
    if manifest is None:
        if faults:
            say(f"{faults[0]}: list_corrections will not cover its list")
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
        say(f"build {build} cannot be read: list_corrections will not cover its list")
    except BaseException:
        connection.execute("rollback")
        raise
