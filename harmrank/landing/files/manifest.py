"""Reads extract.json, the optional manifest of an extract."""

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from zoneinfo import available_timezones

from harmrank import limits
from harmrank.landing.files.extract_folder import (
    ID_FORM,
    MANIFEST,
    Extract,
    extract_date,
    open_regular,
    refuse_link_outside,
)
from harmrank.landing.outcome import Unusable
from harmrank.text.printable import printable_name

_TIME_IN_ID = re.compile(r"T(\d{2})(\d{2})(\d{2})?", re.ASCII)


@dataclass(frozen=True)
class Manifest:
    """The content of the optional extract.json.

    Its form: `{"extract_at": "2026-10-31T02:00:00", "time_zone": "Europe/London", "corrects": ["2026-09-30"], "files":
    {"crimes.csv": {"rows": 1234, "sha256": "..."}}}`. Every part is optional. `rows` counts the records of a file without
    its header; `sha256` is of the file as sent; `corrects` names earlier extracts, each once. `time_zone` is the zone in
    which an instant in a column of days is a day. `accept` names checks that do not refuse
    this extract.
    """

    extract_at: datetime | None
    rows: dict[str, int]
    sha256: dict[str, str]
    corrects: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    time_zone: str | None = None


def read_manifest(extract: Extract) -> Manifest:
    """Returns the content of extract.json, or an empty manifest if there is no such file. Raises Unusable."""
    path = extract.folder / MANIFEST
    if not os.path.lexists(path):
        return Manifest(None, {}, {})
    refuse_link_outside(path, extract.folder)
    with open_regular(path) as file:
        text = file.read(limits.MAX_MANIFEST_BYTES + 1)
    if len(text) > limits.MAX_MANIFEST_BYTES:
        _refuse_manifest(f"it is larger than {limits.MAX_MANIFEST_BYTES >> 20} MiB")
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        _refuse_manifest("it is not readable as JSON")
    if not isinstance(content, dict):
        _refuse_manifest("it is not a JSON object")
    rows: dict[str, int] = {}
    sha256: dict[str, str] = {}
    files = content.get("files") or {}
    if not isinstance(files, dict):
        _refuse_manifest("files is not an object with one entry for each file")
    present = {entry.name for entry in extract.folder.iterdir()}
    missing = next((name for name in files if name not in present), None)
    if missing is not None:
        _refuse_manifest(f"it lists {printable_name(missing)}, which is not in the folder")
    tables = {file.name for file in extract.files}
    for name, facts in files.items():
        # Other files may be listed too; they are not read, so nothing is checked.
        if name in tables:
            _read_file_facts(name, facts, rows, sha256)
    corrects = _read_corrects(content.get("corrects"), extract.extract_id)
    accept = _read_names(content.get("accept"), 'accept is not a list of checks: use "accept": ["name_of_a_check"]')
    extract_at, time_zone = _read_extract_at(content.get("extract_at")), _read_time_zone(content.get("time_zone"))
    return Manifest(extract_at, rows, sha256, corrects, accept, time_zone)


def _read_file_facts(name: str, facts: Any, rows: dict[str, int], sha256: dict[str, str]) -> None:
    if not isinstance(facts, dict):
        _refuse_manifest(f"the entry of {name} is not an object")
    if (number := facts.get("rows")) is not None:
        if not isinstance(number, int) or isinstance(number, bool):
            _refuse_manifest(f"rows of {name} is not a whole number")
        rows[name] = number
    if (digest := facts.get("sha256")) is not None:
        if not isinstance(digest, str):
            _refuse_manifest(f"sha256 of {name} is not text")
        sha256[name] = digest.strip().lower()


def _read_corrects(value: Any, extract_id: str) -> tuple[str, ...]:
    # Any folder name is allowed: an extract that was refused for its id can be corrected too.
    names = _read_names(value, 'corrects is not a list of extract ids: use "corrects": ["2026-10-31"]')
    if any(ID_FORM.fullmatch(name) and name >= extract_id for name in names):
        _refuse_manifest("corrects names this extract or a later one: only an earlier one can be corrected")
    return names


def _read_names(value: Any, reason: str) -> tuple[str, ...]:
    """Returns a list of names, each once and in order; none for a missing list. Refuses anything else for this reason."""
    names = [] if value is None else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name and name.isprintable() for name in names):
        _refuse_manifest(reason)
    return tuple(sorted(set(names)))


def _read_extract_at(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):
        _refuse_manifest("extract_at is not a timestamp: use YYYY-MM-DDTHH:MM:SS")
    if moment.year > limits.LAST_YEAR:
        _refuse_manifest(f"extract_at is after the year {limits.LAST_YEAR}")
    return moment


def _read_time_zone(value: Any) -> str | None:
    if value is not None and value not in available_timezones():
        _refuse_manifest('time_zone is not the name of a time zone: use "Europe/London"')
    return None if value is None else str(value)


def _refuse_manifest(reason: str) -> NoReturn:
    raise Unusable(reason, file_name=MANIFEST)


def extract_moment(extract_id: str, manifest: Manifest) -> datetime:
    """Returns when the extract was taken: from extract.json, else the time in its id, else midnight of its date.

    A time with an offset is returned in UTC, a time without one unchanged.
    """
    if manifest.extract_at is not None:
        return manifest.extract_at
    day = extract_date(extract_id)
    time = _TIME_IN_ID.match(extract_id, 10)
    if time:
        try:
            return datetime(day.year, day.month, day.day, int(time[1]), int(time[2]), int(time[3] or 0))
        except ValueError:
            pass
    return datetime(day.year, day.month, day.day)
