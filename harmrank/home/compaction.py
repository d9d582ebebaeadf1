"""Gives back the disk that the warehouse holds and no longer uses: a copy without the gaps takes its place.

What is deleted or built anew leaves free blocks in a DuckDB file. Later builds fill them, and those at its end are cut
off, but the others stay: the file is as large as the most it ever held.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from harmrank.errors import HarmrankError
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine import disk, duck, system_errors
from harmrank.text import quoting


@dataclass(frozen=True)
class Worth:
    """From where on a copy pays: both must be so."""

    free_share: float = 0.5
    """Of the file (0 to 1). A refresh that builds everything anew leaves about a third free, which the next one fills
    again: to give that back would be to write the whole warehouse each time, for nothing."""

    free_bytes: int = 256 << 20
    """In bytes. Less than this is missed by no disk."""


_ROOM = 1.1
"""What the copy may take of the disk, as a multiple of the blocks in use: it is packed as they are, never the same."""

# Everything there is in a database but its rows, by the function of DuckDB that lists it: analysts may have added some.
_CATALOG = {
    "duckdb_schemas": "schema_name, comment",
    "duckdb_tables": "schema_name, table_name, sql, comment",
    "duckdb_columns": "schema_name, table_name, column_index, column_name, data_type, is_nullable, column_default, comment",
    "duckdb_constraints": "schema_name, table_name, constraint_type, constraint_text, constraint_name",
    "duckdb_views": "schema_name, view_name, sql, comment",
    "duckdb_indexes": "schema_name, index_name, table_name, sql, comment",
    "duckdb_sequences": "schema_name, sequence_name, sql, last_value, comment",
    "duckdb_functions": "schema_name, function_name, parameters, macro_definition, comment",
    "duckdb_types": "schema_name, type_name, logical_type, labels, comment",
}


def compact(home: Home, say: Callable[[str], None], worth: Worth | None = None) -> list[str]:
    """Compact the warehouse if that pays; gives a sentence where it could not be done: all is as it was then.

    The caller holds the lock of the home and has closed the warehouse. Killed at any instant, the old or the new file
    stands, whole; what is left beside it goes when the warehouse is next opened for writing.
    """
    try:
        _compact(home, say, worth or Worth())
    except Exception as error:
        # Whatever it is, the list is out, and the warehouse is whole.
        known = system_errors.cause(error)
        # What to do follows the colon: here nothing has failed that would have to be run again.
        said = str(known).split(": ")[0] if known else f"unexpected {type(error).__name__}"
        return [f"the warehouse could not be compacted and is as it was ({said}); a later refresh tries again"]
    finally:
        # Whoever next opens the warehouse for writing tries again.
        with suppress(OSError):
            warehouse.remove_compacting(home)
    return []


def _compact(home: Home, say: Callable[[str], None], worth: Worth) -> None:
    new = warehouse.compacting(home)
    with duck.open_database() as connection:
        warehouse.settle(connection, home)
        # As a reader: until this is closed nobody can write into the file that is about to go.
        connection.execute(f"attach {quoting.text(str(home.warehouse))} as warehouse (read_only)")
        total, free = _bytes(connection)
        has_log = Path(f"{home.warehouse}.wal").exists()
        # A log of writes would be taken for the new file's. The next refresh works it in.
        if free < worth.free_bytes or free < worth.free_share * total or has_log:
            return
        _refuse_without_room(new.parent, total - free)
        say(f"compacting the warehouse: {_megabytes(free)} of its {_megabytes(total)} hold nothing any more")
        _copy(connection, new)
        _refuse_difference(connection)
        connection.execute("detach compacted")
        new.chmod(0o600)
        disk.flush(new)
        os.replace(new, home.warehouse.resolve())
        disk.flush(new.parent)


def _bytes(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """The size of the file and how much of it is free."""
    query = (
        "select total_blocks * block_size, free_blocks * block_size from pragma_database_size() "
        "where database_name = 'warehouse'"
    )
    total, free = duck.one_row(connection, query)
    return int(total), int(free)


def _refuse_without_room(folder: Path, used: int) -> None:
    needed, there = int(used * _ROOM), shutil.disk_usage(folder).free
    if needed > there:
        raise HarmrankError(f"that takes {_megabytes(needed)} of its disk, which has {_megabytes(there)} free")


def _copy(connection: duckdb.DuckDBPyConnection, new: Path) -> None:
    """Copy everything into the file `new`, in the format of the old one, and open that as its next reader will."""
    tags = duck.one_value(connection, "select tags from duckdb_databases() where database_name = 'warehouse'")
    version = re.match(r"v\d+(\.\d+)*", tags.get("storage_version", ""))
    format_ = f" (storage_version {quoting.text(version[0])})" if version else ""
    connection.execute(f"attach {quoting.text(str(new))} as compacted{format_}")
    connection.execute("copy from database warehouse to compacted")
    connection.execute("checkpoint compacted")
    connection.execute("detach compacted")
    connection.execute(f"attach {quoting.text(str(new))} as compacted (read_only)")


def _refuse_difference(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise HarmrankError unless the copy has the same of everything and, table by table, the same rows."""
    old, copied = (_contents(connection, database) for database in ("warehouse", "compacted"))
    different = [name for name in old if old[name] != copied.get(name)]
    if different:
        raise HarmrankError(f"the copy differs in {', '.join(different)}")


def _contents(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[tuple[Any, ...]]]:
    """What a database consists of, by the function that lists it, and by table its rows: their number and a checksum."""
    contents = {}
    for function, columns in _CATALOG.items():
        query = f"select {columns} from {function}() where database_name = ? order by all"
        contents[function] = connection.execute(query, [database]).fetchall()
    for schema, table, *_ in contents["duckdb_tables"]:
        name = f"{quoting.identifier(schema)}.{quoting.identifier(table)}"
        # A sum, so that the order of the rows does not matter.
        query = f'select count(*), sum(hash("the row")) from {database}.{name} as "the row"'
        contents[f"rows of {name}"] = connection.execute(query).fetchall()
    return contents


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
