"""Makes a list again as it was known on a day: from the extracts taken up to it, in a home of its own.

That home shares nothing with the one the extracts are in but a copy of their rows, which is thrown away with everything
else that was only needed to build. So the list that stands, and the tables it is built on, are never touched.
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

OF_EXTRACTS = ("extracts", "extract_files", "quarantine", "corrections", "value_defects", "extract_checks", *TABLES)
"""The raw tables that a list follows from, of which every row belongs to an extract."""

OF_THE_RULES = ("imported_weights",)
"""Those of the method: like the seeds and the models they are of today, whatever the day."""

OF_PUBLICATIONS = ("published_places", "published_evidence")
"""What was published from extracts up to the day: `list_corrections` and `is_remade` follow from it."""


def place(home: Home, known_at: date, out: Path | None, extracts: Path) -> Home:
    """The home for the list of that day: `out`, or a folder in the home named after the day. Makes nothing on disk.

    Raises UsageError where the folder is a home itself, holds the list of another day or anything else.
    """
    root = out or home.known_lists / str(known_at)
    made = Home(root, elsewhere=home.scratch / "known-at")
    if out is not None:
        for other, what in ((home.root, "the home"), (extracts, "the folder of extracts")):
            if out.resolve().is_relative_to(other.resolve()):
                raise UsageError(f"{out} lies in {what}: name a folder outside it, or leave out --out.")
        for folder in out.resolve().parents:
            if (folder / "warehouse.duckdb").exists() or (folder / "known_at.json").exists():
                raise UsageError(f"{out} lies in {folder}, which is a home: name a folder outside it.")
    if not root.exists():
        return made
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: name one that is new or empty.")
    remade = made.remade
    if remade is None and not _is_free(made):
        raise UsageError(f"{root} is a home or holds other things: name a folder that is new or empty.")
    if remade is not None and remade.known_at != str(known_at):
        raise UsageError(f"{root} holds the list as it was known on {remade.known_at}: name another folder.")
    if out is not None and remade is not None and Path(remade.home) != home.root.resolve():
        raise UsageError(f"{root} holds a list of the home {remade.home}: name another folder.")
    return made


def _is_free(made: Home) -> bool:
    """Whether there is nothing in a folder but what a run that was killed at once may have left."""
    link = made.published / "current"
    return (
        made.holds_nothing_else()
        and not (made.root / "warehouse.duckdb").exists()
        and not link.exists()
        and not link.is_symlink()
    )


@contextmanager
def worked_at(home: Home, made: Home, known_at: date) -> Iterator[None]:
    """Hold the home of the remade list for as long as the block runs, and remove afterwards what only the work needed.

    The caller holds the lock of `home`, whose scratch the work is in: after a kill it goes when `home` is next written to.
    """
    shutil.rmtree(made.workshop, ignore_errors=True)
    try:
        with made.lock():
            said = {"known_at": str(known_at), "home": str(home.root.resolve())}
            disk.replace_text(made.remade_path, json.dumps(said, indent=2) + "\n")
            yield
    finally:
        shutil.rmtree(made.workshop, ignore_errors=True)


def copy(home: Home, connection: duckdb.DuckDBPyConnection, extracts: Sequence[str]) -> None:
    """Copy what landed with these extracts, and the rules that were imported, into the warehouse that is open."""
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
    """The extracts taken up to a day that landed only after a later one: no list made here before had just these."""
    rows = connection.execute(
        "SELECT extract_id FROM raw.extracts WHERE extract_on <= $known_at "
        "AND landed_at > (SELECT min(landed_at) FROM raw.extracts WHERE extract_on > $known_at) ORDER BY extract_id",
        {"known_at": known_at},
    ).fetchall()
    return [str(extract_id) for (extract_id,) in rows]
