"""Lands extracts: usable rows go, typed, into the raw tables; unusable rows go to quarantine.

Each extract lands in one transaction, or not at all. Quarantine keeps file, line and reason of a row. An unusable value
in an optional column becomes missing and is counted. A refused extract leaves nothing but the refusal; the other
extracts still land.
"""

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import duckdb

from harmrank.contract import MAX_BAD_SHARE
from harmrank.errors import UsageError
from harmrank.home.folder import Home
from harmrank.home.warehouse import connect
from harmrank.landing import acceptance_report
from harmrank.landing.checking import door_in, known_keys
from harmrank.landing.files import extract_folder, row_reader
from harmrank.landing.files.row_reader import DuckDBRows, Rows
from harmrank.landing.one_extract import ExtractLander, LandedExtract
from harmrank.landing.outcome import Arrival, LandingResult, Refusal, Unusable
from harmrank.landing.read_ahead import ReadingQueue, reading_ahead
from harmrank.machine import duck
from harmrank.text.wording import plural

_CHECKPOINT_AFTER = "256MB"
"""How much may land before DuckDB writes it into the warehouse file: by default it does so after every extract."""

_MANY_EXTRACTS = 3
"""From this number on, one extract is checked nearly all the time while the next one is read. Checking then has a core to
itself: with a thread for every core, the two hindered each other and landing took an eighth longer."""


def land(
    extracts: Path,
    home: Home,
    report: Callable[[str], None],
    max_bad_share: float = MAX_BAD_SHARE,
    until: date | None = None,
    on_outcome: Callable[[Arrival | Refusal], None] = lambda _: None,
    rows: Rows | None = None,
) -> LandingResult:
    """Lands every new extract under `extracts`. The caller holds the lock of the home.

    `report` gets one line for each extract that landed or was refused; `on_outcome` gets the same as facts. An extract is
    refused if more than `max_bad_share` (0 to 1) of one of its files is bad. With `until`, later extracts are left out.
    `rows` reads the files and keeps their rows (default: DuckDB). Raises UsageError if `extracts` is not a folder of
    extracts.
    """

    def report_outcome(outcome: Arrival | Refusal) -> None:
        report(outcome.message)
        on_outcome(outcome)

    folders = [folder for folder in extract_folders(extracts, home) if until is None or _is_taken_by(until, folder)]
    home.create()
    result = LandingResult()
    connection = connect(home)
    try:
        _land_all(connection, home, folders, max_bad_share, result, report_outcome, rows or DuckDBRows())
        acceptance_report.draw(connection, home)
    finally:
        connection.close()
    return result


def _land_all(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    folders: list[Path],
    max_bad_share: float,
    result: LandingResult,
    report_outcome: Callable[[Arrival | Refusal], None],
    rows: Rows,
) -> None:
    landed_before, resent = _landed_before(connection), acceptance_report.resent(connection)
    # Loaded when the first extract comes.
    door = cache(lambda: door_in.DoorIn(connection))
    landers = [
        ExtractLander(connection, home, folder, number, max_bad_share, door, rows)
        for number, folder in enumerate(folders)
    ]
    new = [lander for lander in landers if lander.folder.name not in landed_before]
    if landed_before and new and len(new) == len(landers):
        result.remarks.append(
            f"none of the {plural(len(landed_before), 'extract')} that landed before is in this folder: is it the right one?"
        )
    if new:
        _prepare(connection, len(new))
    with reading_ahead(connection, new, lambda cursor, lander: lander.read(cursor), ExtractLander.clear) as queue:
        for lander in landers:
            _land_one(lander, landed_before.get(lander.folder.name), queue, result, report_outcome)
            if lander.folder.name in resent and lander.folder.name in result.unchanged:
                lander.forget_refusals()


def _prepare(connection: duckdb.DuckDBPyConnection, new_extracts: int) -> None:
    """Sets up the connection and the known keys for landing this many extracts."""
    # A database in memory is seen by both the connection that reads and the one that checks; a temporary table is not.
    connection.execute(f"ATTACH ':memory:' AS {row_reader.MEMORY_DATABASE}")
    connection.execute(f"SET checkpoint_threshold = '{_CHECKPOINT_AFTER}'")
    if new_extracts >= _MANY_EXTRACTS:
        cores = duck.one_value(connection, "SELECT current_setting('threads')")
        connection.execute(f"SET threads = {max(1, cores - 1)}")
    known_keys.rebuild_if_outdated(connection)


def extract_folders(extracts: Path, home: Home) -> list[Path]:
    """Returns the extract folders under `extracts`, in order of their ids. A home among them is left out.

    Raises UsageError if `extracts` is not a folder or has no extract in it: a scheduler must not take an unmounted share or
    a wrong path for "nothing new". Changes nothing on disk.
    """
    if not extracts.is_dir():
        raise UsageError(f"{extracts} is not a folder: name the folder that holds the extract folders.")
    folders = [path for path in extract_folder.extract_folders(extracts) if path.resolve() != home.root.resolve()]
    if not any(extract_folder.looks_like_one(folder) for folder in folders):
        if extract_folder.has_tables(extracts):
            raise UsageError(f"{extracts} looks like one extract: name the folder that holds the extract folders.")
        raise UsageError(
            f"{extracts} has no extract in it: name the folder that holds the extract folders. Each is named by the date "
            f"it was taken and holds one file per table, such as {extracts / '2026-10-31' / 'crimes.csv'}."
        )
    return folders


def _is_taken_by(until: date, folder: Path) -> bool:
    """Returns whether an extract was taken by a day; False if the folder's name has no date."""
    try:
        return extract_folder.extract_date(folder.name) <= until
    except Unusable:
        return False


def _landed_before(connection: duckdb.DuckDBPyConnection) -> dict[str, LandedExtract]:
    landed = {
        str(extract_id): LandedExtract(str(digest), {})
        for extract_id, digest in connection.execute("SELECT extract_id, content_sha256 FROM raw.extracts").fetchall()
    }
    query = "SELECT extract_id, file_name, bytes, modified_ns FROM raw.extract_files"
    for extract_id, name, size, modified_ns in connection.execute(query).fetchall():
        landed[extract_id].files[name] = (size, modified_ns)
    return landed


def _land_one(
    lander: ExtractLander,
    landed_before: LandedExtract | None,
    queue: ReadingQueue[ExtractLander],
    result: LandingResult,
    report_outcome: Callable[[Arrival | Refusal], None],
) -> None:
    extract_id = lander.folder.name
    try:
        if landed_before is not None:
            lander.refuse_if_changed(landed_before)
            result.unchanged.append(extract_id)
            return
        queue.wait_for(lander)
        arrival = lander.land()
    except (Unusable, OSError) as error:
        reason = _unreadable(error, lander.folder) if isinstance(error, OSError) else error
        refusal = Refusal.of(extract_id, reason, has_landed_before=landed_before is not None)
        lander.record_refusal(refusal)
        result.refused.append(refusal)
        report_outcome(refusal)
    else:
        result.landed.append(extract_id)
        result.arrivals.append(arrival)
        result.warnings += lander.warnings
        report_outcome(arrival)
    finally:
        lander.clear()


def _unreadable(error: OSError, folder: Path) -> Unusable:
    """Returns the reason to refuse an extract that cannot be read. Raises the error again if it is not about the extract."""
    if error.filename is None or not Path(error.filename).is_relative_to(folder):
        raise error
    name = Path(error.filename).name if Path(error.filename) != folder else None
    return Unusable(f"it cannot be read ({error.strerror})", "Correct its permissions or send it again.", name)
