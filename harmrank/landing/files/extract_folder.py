"""Finds the files of an extract and checks everything about them that can be told without reading rows."""

import codecs
import csv
import gzip
import hashlib
import json
import os
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from harmrank import limits
from harmrank.contract import TABLES, Table
from harmrank.landing.files.csv_records import RecordTooLong, read_header
from harmrank.text.printable import printable, printable_name

MANIFEST = "extract.json"
_ID = re.compile(r"\d{4}-\d{2}-\d{2}[A-Za-z0-9T_.-]*", re.ASCII)
_FILE = re.compile(rf"({'|'.join(TABLES)})(?:_(\w+))?\.(?:csv|csv\.gz|parquet)", re.ASCII)
_NEARLY = re.compile(rf"({'|'.join(TABLES)})", re.ASCII | re.IGNORECASE)
_NOT_DATA = (".md", ".txt", ".sha256", ".log")
_TIME_IN_ID = re.compile(r"T(\d{2})(\d{2})(\d{2})?", re.ASCII)
_CHUNK = 1 << 22


class Unusable(Exception):
    """Why an extract cannot be landed. `advice` says what its sender can do about it.

    Whatever of it came from outside is made safe to print and to keep, here for all.
    """

    def __init__(
        self,
        reason: str,
        advice: str = "Correct it and send the extract again.",
        file_name: str | None = None,
        line_number: int | None = None,
        column_name: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = printable(reason)
        self.advice = advice
        self.file_name = None if file_name is None else printable_name(file_name)
        self.line_number = line_number
        self.column_name = None if column_name is None else printable_name(column_name)


@dataclass(frozen=True)
class TableFile:
    """One file of one table, with its size in bytes and its time of change in nanoseconds.

    `identity` is its device, inode and time of last status change: what no one who puts another file in its
    place, or other bytes into it, can keep the same.
    """

    table: Table
    path: Path
    bytes: int
    modified_ns: int
    identity: tuple[int, int, int]

    @property
    def name(self) -> str:
        """The file name inside the extract."""
        return self.path.name

    @property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet, and not CSV."""
        return self.path.suffix == ".parquet"

    @property
    def is_compressed(self) -> bool:
        """Whether the file is gzipped CSV."""
        return self.path.suffix == ".gz"


@dataclass(frozen=True)
class Extract:
    """One extract folder.

    `files` are in table order of the contract, then in order of their parts; `strangers` are the names in the folder
    that the contract does not know.
    """

    extract_id: str
    folder: Path
    files: tuple[TableFile, ...]
    strangers: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What the optional extract.json says.

    Its form: `{"extract_at": "2026-10-31T02:00:00", "corrects": ["2026-09-30"], "files": {"crimes.csv":
    {"rows": 1234, "sha256": "..."}}}`. Every part may be left out. `rows` counts records without the header;
    `sha256` is that of the file as sent; `corrects` names earlier extracts, each once.
    """

    extract_at: datetime | None
    rows: dict[str, int]
    sha256: dict[str, str]
    corrects: tuple[str, ...] = ()


def extract_folders(extracts: Path) -> list[Path]:
    """The extract folders, in order of their ids. Hidden folders are not extracts."""
    return sorted(
        (entry for entry in extracts.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda entry: entry.name,
    )


def is_extract_id(name: str) -> bool:
    """Whether a name has the form of an extract id. Such a name is safe in paths and on a terminal."""
    return len(name) <= limits.MAX_ID and _ID.fullmatch(name) is not None


def extract_date(extract_id: str) -> date:
    """The date an id starts with. Raises Unusable where the id is not one."""
    advice = "Name the folder by the date the extract was taken, such as 2026-10-31."
    if len(extract_id) > limits.MAX_ID:
        raise Unusable(f"the id is longer than {limits.MAX_ID} characters", advice)
    if not is_extract_id(extract_id):
        raise Unusable("the id is not a date followed by letters, digits, dots, dashes or underscores", advice)
    try:
        day = date.fromisoformat(extract_id[:10])
    except ValueError:
        raise Unusable("the id does not start with a real date", advice) from None
    if day.year > limits.LAST_YEAR:
        raise Unusable(f"the id starts with a date after the year {limits.LAST_YEAR}", advice)
    return day


def read_folder(folder: Path) -> Extract:
    """List an extract folder. Raises Unusable where it holds nothing that can be landed."""
    _refuse_outsider(folder, folder.parent)
    files: list[TableFile] = []
    strangers: list[str] = []
    for path in _entries(folder):
        match = _FILE.fullmatch(path.name)
        if match:
            files.append(_table_file(TABLES[match[1]], path, folder))
        elif _is_stranger(path):
            _refuse_near_miss(path)
            strangers.append(printable_name(path.name))
    if not files:
        # Counted, not named: such a name may be anybody's.
        found = f" ({len(strangers):,} of other names)" if strangers else ""
        expected = ", ".join(f"{name}.csv" for name in TABLES)
        raise Unusable(
            f"there is no file of a known table in it{found}", f"Name the files as the contract does: {expected}."
        )
    files.sort(key=_place)
    return Extract(folder.name, folder, tuple(files), tuple(strangers))


def _entries(folder: Path) -> list[Path]:
    entries = list(islice(folder.iterdir(), limits.MAX_ENTRIES + 1))
    if len(entries) > limits.MAX_ENTRIES:
        raise Unusable(
            f"there are more than {limits.MAX_ENTRIES:,} files in it", "Send larger parts, and fewer of them."
        )
    return sorted(entries, key=lambda path: path.name)


def _place(file: TableFile) -> tuple[int, list[tuple[int, str]], str]:
    """Where a file stands among the others: tables as in the contract, part 2 before part 10."""
    numbers_and_words = re.findall(r"\d+|\D+", file.name, re.ASCII)
    part = [(int(text), "") if text.isdigit() else (-1, text) for text in numbers_and_words]
    return list(TABLES).index(file.table.name), part, file.name


def _refuse_near_miss(path: Path) -> None:
    """A table under a name that is nearly right would be missed in silence."""
    if match := _NEARLY.match(path.name):
        table = match[1].lower()
        raise Unusable(
            f"its name begins like the table {table} but is not one that is read",
            f"Name it {table}.csv, {table}.csv.gz or {table}.parquet, or {table}_01.csv where there are several parts.",
            file_name=path.name,
        )


def _is_stranger(path: Path) -> bool:
    name = path.name
    return name != MANIFEST and not name.startswith((".", "_")) and not name.lower().endswith(_NOT_DATA)


def _table_file(table: Table, path: Path, folder: Path) -> TableFile:
    _refuse_outsider(path, folder)
    try:
        status = path.stat()
    except OSError as error:
        raise Unusable(f"it cannot be opened ({error.strerror})", file_name=path.name) from None
    _refuse_irregular(status, path.name)
    if status.st_size > limits.MAX_FILE_BYTES:
        _refuse_size(path.name, "it is")
    identity = (status.st_dev, status.st_ino, status.st_ctime_ns)
    return TableFile(table, path, status.st_size, status.st_mtime_ns, identity)


def _refuse_irregular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unusable("it is not a regular file", "Put the file itself there.", file_name=name)


def _refuse_size(name: str, it_is: str) -> NoReturn:
    reason = f"{it_is} larger than {limits.MAX_FILE_BYTES >> 30} GiB"
    raise Unusable(reason, "Send the table in several parts.", file_name=name)


def _refuse_outsider(path: Path, folder: Path) -> None:
    """A link may lead to another name in the same folder, and nowhere else."""
    if not path.is_symlink():
        return
    try:
        is_inside = path.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        reason = "it is a link that leads nowhere"
    else:
        if is_inside:
            return
        reason = f"{printable_name(path.name)} is a link that leads outside its folder"
    raise Unusable(reason, "Put the file itself there.", file_name=path.name)


def open_regular(path: Path) -> BufferedReader:
    """Open a file of an extract for reading. Raises Unusable if it has become anything but a regular file.

    A pipe in its place does not make anybody wait: it is opened without blocking, and looked at once open.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _refuse_irregular(os.fstat(descriptor), path.name)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_manifest(extract: Extract) -> Manifest:
    """What extract.json says; an empty manifest where there is none. Raises Unusable."""
    path = extract.folder / MANIFEST
    if not os.path.lexists(path):
        return Manifest(None, {}, {})
    _refuse_outsider(path, extract.folder)
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
        _refuse_manifest("files is not an object with one entry a file")
    present = {entry.name for entry in extract.folder.iterdir()}
    missing = next((name for name in files if name not in present), None)
    if missing is not None:
        _refuse_manifest(f"it lists {printable_name(missing)}, which is not there")
    tables = {file.name for file in extract.files}
    for name, facts in files.items():
        # A file that is no table may be listed too; it is not read, so there is nothing to check.
        if name in tables:
            _read_file_facts(name, facts, rows, sha256)
    corrects = _read_corrects(content.get("corrects"), extract.extract_id)
    return Manifest(_read_extract_at(content.get("extract_at")), rows, sha256, corrects)


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
    if value is None:
        return ()
    # Any name a folder may have: an extract that was refused for its id can be corrected too.
    if not isinstance(value, list) or not all(isinstance(name, str) and name and name.isprintable() for name in value):
        _refuse_manifest('corrects is not a list of extract ids: use "corrects": ["2026-10-31"]')
    if any(_ID.fullmatch(name) and name >= extract_id for name in value):
        _refuse_manifest("corrects names this extract or a later one: only an earlier one can be corrected")
    return tuple(sorted(set(value)))


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


def _refuse_manifest(reason: str) -> NoReturn:
    raise Unusable(reason, file_name=MANIFEST)


def extract_moment(extract_id: str, manifest: Manifest) -> datetime:
    """When the extract was taken: as extract.json says, else its id, else midnight of the id's date."""
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


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_sha256(digests: dict[str, str]) -> str:
    """One SHA-256 for an extract: over the names and SHA-256 of its table files, in name order."""
    listing = "".join(f"{name}\0{digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def check_text(path: Path, file: TableFile) -> None:
    """See that a plain CSV file, `file` itself or what it unpacks to, is UTF-8 text to its last byte.

    Raises Unusable naming file, line, column and byte.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    done = 0
    for chunk, is_last in _chunks(path):
        if (position := chunk.find(0)) >= 0:
            _refuse_byte(path, file, done + position)
        pending = len(decoder.getstate()[0])
        try:
            if pending or not chunk.isascii() or is_last:
                decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as error:
            _refuse_byte(path, file, done - pending + error.start)
        done += len(chunk)


def _chunks(path: Path) -> Iterator[tuple[bytes, bool]]:
    with path.open("rb") as file:
        chunk = file.read(_CHUNK)
        while chunk:
            following = file.read(_CHUNK)
            yield chunk, not following
            chunk = following


def _refuse_byte(path: Path, table_file: TableFile, offset: int) -> NoReturn:
    line, line_start, position = 1, 0, 0
    with path.open("rb") as file:
        while position < offset:
            chunk = file.read(min(_CHUNK, offset - position))
            line += chunk.count(b"\n")
            if (newline := chunk.rfind(b"\n")) >= 0:
                line_start = position + newline + 1
            position += len(chunk)
        byte = file.read(1)[0]
        file.seek(line_start)
        before = file.read(min(offset - line_start, limits.MAX_RECORD)).decode("latin-1")
    raise Unusable(
        f"it is not UTF-8 text (byte 0x{byte:02X})",
        "Save the file as UTF-8 and send the extract again.",
        file_name=table_file.name,
        line_number=line,
        column_name=_column_after(path, table_file.table, before) if line > 1 else None,
    )


def _column_after(path: Path, table: Table, before: str) -> str | None:
    """The column of the value that follows this beginning of a line, where that can be told.

    A column of the contract, or none: the first line of a file without a header is somebody's data.
    """
    try:
        header = read_header(path, errors="replace")
        fields = next(csv.reader([before]), [])
    except (RecordTooLong, csv.Error):
        return None
    position = max(len(fields) - 1, 0)
    known = table.column(header.names[position].lower()) if header and position < len(header.names) else None
    return known.name if known else None


def unpack(source: TableFile, target: Path) -> None:
    """Unpack a gzip file. Raises Unusable where it is truncated or damaged, for gzip carries its own checksum, and
    where it unpacks to more than limits.py lets it.
    """
    done = 0
    allowed = max(limits.FREE_UNPACK_BYTES, limits.MAX_UNPACK_RATIO * source.bytes)
    try:
        with open_regular(source.path) as file, gzip.open(file) as packed, target.open("wb") as out:
            while chunk := packed.read(_CHUNK):
                done += len(chunk)
                if done > limits.MAX_FILE_BYTES:
                    _refuse_size(source.name, "it unpacks to")
                if done > allowed:
                    reason = f"it unpacks to more than {limits.MAX_UNPACK_RATIO} times its size, as no table does"
                    raise Unusable(reason, "See what made it.", file_name=source.name)
                out.write(chunk)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        advice = "Send it again: the transfer may have been cut off."
        raise Unusable("it is truncated or damaged, or no gzip file", advice, file_name=source.name) from None
