"""A past list as it was known on a day: built from the extracts taken up to that day, in a home of its own.

That home shares nothing with the home of the extracts. It gets a copy of their rows, which is removed after the build. So
the published list and its tables never change.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from harmrank.contract import TABLES
from harmrank.errors import UsageError
from harmrank.home.folder import Home
from harmrank.machine import disk
from harmrank.text import quoting

OF_EXTRACTS = (
    *("extracts", "extract_files", "extract_forces", "quarantine", "corrections", "value_defects", "extract_checks"),
    *TABLES,
)
"""Raw tables in which every row belongs to an extract."""

OF_THE_RULES = ("imported_weights",)
"""Raw tables of the method. Like seeds and models they are today's, whatever the day."""

OF_PUBLICATIONS = ("published_places", "published_evidence")
"""Raw tables of earlier publications, for `list_corrections` and `is_remade`: those made from extracts up to the day."""


def place(home: Home, known_at: date, out: Path | None, extracts: Path) -> Home:
    """Returns the home for the list of that day: `out`, or a folder in the home named after the day. Writes nothing.

    Raises UsageError if the folder is a home itself, or contains the list of another day or anything else.
    """
    root = out or home.known_lists / str(known_at)
    made = Home(root, elsewhere=home.scratch / "known-at")
    if out is not None:
        for other, what in ((home.root, "the home"), (extracts, "the folder of extracts")):
            if out.resolve().is_relative_to(other.resolve()):
                raise UsageError(f"{out} is in {what}: name a folder outside it, or leave out --out.")
        for folder in out.resolve().parents:
            if (folder / "warehouse.duckdb").exists() or (folder / "known_at.json").exists():
                raise UsageError(f"{out} is in {folder}, which is a home: name a folder outside it.")
    if not root.exists():
        return made
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: name one that is new or empty.")
    past_list = made.past_list
    if past_list is None and not _is_free(made):
        raise UsageError(f"{root} is a home or has other content: name a folder that is new or empty.")
    if past_list is not None and past_list.known_at != str(known_at):
        raise UsageError(f"{root} holds the list as it was known on {past_list.known_at}: name another folder.")
    if out is not None and past_list is not None and Path(past_list.home) != home.root.resolve():
        raise UsageError(f"{root} holds a list of the home {past_list.home}: name another folder.")
    return made


def _is_free(made: Home) -> bool:
    """Returns whether a folder is empty, or has only what an early kill leaves."""
    link = made.published / "current"
    return (
        made.holds_nothing_else()
        and not (made.root / "warehouse.duckdb").exists()
        and not link.exists()
        and not link.is_symlink()
    )


@contextmanager
def opened(home: Home, made: Home, known_at: date) -> Iterator[None]:
    """Locks the home of the past list while the block runs, and removes the files of the build afterwards.

    The caller holds the lock of `home`. Its scratch folder has these files: after a kill, the next command that writes to
    `home` removes them.
    """
    shutil.rmtree(made.work_folder, ignore_errors=True)
    try:
        with made.lock():
            facts = {"known_at": str(known_at), "home": str(home.root.resolve())}
            disk.replace_text(made.past_list_path, json.dumps(facts, indent=2) + "\n")
            yield
    finally:
        shutil.rmtree(made.work_folder, ignore_errors=True)


def copy(home: Home, connection: duckdb.DuckDBPyConnection, extracts: Sequence[str]) -> None:
    """Copies the rows of these extracts, the imported rules and earlier publications into the open warehouse."""
    connection.execute(f"ATTACH {quoting.text(str(home.warehouse))} AS source (READ_ONLY)")
    for table in OF_EXTRACTS:
        connection.execute(
            f"INSERT INTO raw.{table} BY NAME SELECT * FROM source.raw.{table} "
            "WHERE extract_id IN (SELECT unnest(?::VARCHAR[]))",
            [list(extracts)],
        )
    for table in OF_THE_RULES:
        connection.execute(f"INSERT INTO raw.{table} BY NAME SELECT * FROM source.raw.{table}")
    for table in OF_PUBLICATIONS:
        connection.execute(
            f"INSERT INTO raw.{table} BY NAME SELECT * FROM source.raw.{table} WHERE build_id IN ("
            "SELECT build_id FROM source.raw.published_places WHERE newest_extract_id IN (SELECT unnest(?::VARCHAR[])))",
            [list(extracts)],
        )
    connection.execute("DETACH source")


def out_of_order(connection: duckdb.DuckDBPyConnection, known_at: date) -> list[str]:
    """Returns the extracts up to a day that landed after a later extract: no list published here had exactly these."""
    rows = connection.execute(
        "SELECT extract_id FROM raw.extracts WHERE extract_on <= $known_at "
        "AND landed_at > (SELECT min(landed_at) FROM raw.extracts WHERE extract_on > $known_at) ORDER BY extract_id",
        {"known_at": known_at},
    ).fetchall()
    return [str(extract_id) for (extract_id,) in rows]
