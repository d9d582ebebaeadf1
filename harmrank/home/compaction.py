"""Returns unused disk space of the warehouse: a copy without free blocks replaces it.

Deleted and rebuilt tables leave free blocks in a DuckDB file. Later builds fill them, and DuckDB cuts off those at the end,
but the file never becomes smaller than the most it ever held.
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
    """When a copy is worth it: both limits must be reached."""

    free_share: float = 0.5
    """Free share of the file (0 to 1). A full rebuild leaves about a third free, which the next one fills: to return that,
    every refresh would have to write the whole warehouse."""

    free_bytes: int = 256 << 20
    """Free bytes. Less is not worth the work."""


_ROOM = 1.1
"""Disk space that the copy may need, as a multiple of the blocks in use: it is not packed in exactly the same way."""

# Everything in a database but its rows, by the DuckDB function that lists it. Analysts may have added objects.
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
    """Compacts the warehouse if that is worth it. Returns a sentence if it failed; the warehouse is unchanged then.

    The caller holds the lock of the home and has closed the warehouse. A kill at any moment leaves the old or the new file
    complete; leftovers are removed when the warehouse is next opened for writing.
    """
    try:
        _compact(home, say, worth or Worth())
    except Exception as error:
        # The list is published by now, and the warehouse is undamaged.
        known = system_errors.cause(error)
        # The advice after the colon does not apply: nothing has to be run again.
        reason = str(known).split(": ")[0] if known else f"unexpected {type(error).__name__}"
        return [f"the warehouse could not be compacted and is unchanged ({reason}); a later refresh tries again"]
    finally:
        # Otherwise done when the warehouse is next opened for writing.
        with suppress(OSError):
            warehouse.remove_compacting(home)
    return []


def _compact(home: Home, say: Callable[[str], None], worth: Worth) -> None:
    new = warehouse.compacting(home)
    with duck.open_database() as connection:
        warehouse.settle(connection, home)
        # Attached as a reader: nobody can write to the old file until this is closed.
        connection.execute(f"attach {quoting.text(str(home.warehouse))} as warehouse (read_only)")
        total, free = _bytes(connection)
        has_log = Path(f"{home.warehouse}.wal").exists()
        # DuckDB would apply a write-ahead log to the new file. The next refresh applies it to the old one.
        if free < worth.free_bytes or free < worth.free_share * total or has_log:
            return
        _refuse_without_room(new.parent, total - free)
        say(f"compacting the warehouse: {_megabytes(free)} of its {_megabytes(total)} are unused")
        _copy(connection, new)
        _refuse_difference(connection)
        connection.execute("detach compacted")
        new.chmod(0o600)
        disk.flush(new)
        os.replace(new, home.warehouse.resolve())
        disk.flush(new.parent)


def _bytes(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """The size of the file and its free part, in bytes."""
    query = (
        "select total_blocks * block_size, free_blocks * block_size from pragma_database_size() "
        "where database_name = 'warehouse'"
    )
    total, free = duck.one_row(connection, query)
    return int(total), int(free)


def _refuse_without_room(folder: Path, used: int) -> None:
    needed, there = int(used * _ROOM), shutil.disk_usage(folder).free
    if needed > there:
        raise HarmrankError(f"it needs {_megabytes(needed)} of disk space, {_megabytes(there)} are free")


def _copy(connection: duckdb.DuckDBPyConnection, new: Path) -> None:
    """Copies everything into the file `new`, in the format of the old one, and opens it as its next reader will."""
    tags = duck.one_value(connection, "select tags from duckdb_databases() where database_name = 'warehouse'")
    version = re.match(r"v\d+(\.\d+)*", tags.get("storage_version", ""))
    format_ = f" (storage_version {quoting.text(version[0])})" if version else ""
    connection.execute(f"attach {quoting.text(str(new))} as compacted{format_}")
    connection.execute("copy from database warehouse to compacted")
    connection.execute("checkpoint compacted")
    connection.execute("detach compacted")
    connection.execute(f"attach {quoting.text(str(new))} as compacted (read_only)")


def _refuse_difference(connection: duckdb.DuckDBPyConnection) -> None:
    """Raises HarmrankError unless the copy has the same objects and, table by table, the same rows."""
    old, copied = (_contents(connection, database) for database in ("warehouse", "compacted"))
    different = [name for name in old if old[name] != copied.get(name)]
    if different:
        raise HarmrankError(f"the copy differs in {', '.join(different)}")


def _contents(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[tuple[Any, ...]]]:
    """The objects of a database, by the function that lists them, and the number and a checksum of each table's rows."""
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
