"""Finds the files of an extract, and checks names, links and sizes before any row is read."""

import gzip
import hashlib
import os
import re
import stat
import zlib
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import NoReturn

from harmrank import limits
from harmrank.contract import TABLES, Table
from harmrank.landing.outcome import Unusable
from harmrank.machine import disk
from harmrank.text.printable import printable_name

MANIFEST = "extract.json"
ID_FORM = re.compile(r"\d{4}-\d{2}-\d{2}[A-Za-z0-9T_.-]*", re.ASCII)
_FILE = re.compile(rf"({'|'.join(TABLES)})(?:_(\w+))?\.(?:csv|csv\.gz|parquet)", re.ASCII)
_NEARLY = re.compile(rf"({'|'.join(TABLES)})", re.ASCII | re.IGNORECASE)
# What rsync calls a file until it is whole.
_HIDDEN_COPY = re.compile(rf"\.({'|'.join(TABLES)})(?:_\w+)?\.(?:csv|csv\.gz|parquet)\.\w+", re.ASCII)
_NOT_DATA = (".md", ".txt", ".sha256", ".log")
_CHUNK = 1 << 22


@dataclass(frozen=True)
class TableFile:
    """One file of one table, with its size in bytes and its time of change in nanoseconds.

    `identity` is its device, inode and time of last status change. It changes whenever the file is replaced or its bytes
    are changed.
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
        """Whether the file is Parquet, not CSV."""
        return self.path.suffix == ".parquet"

    @property
    def is_compressed(self) -> bool:
        """Whether the file is gzipped CSV."""
        return self.path.suffix == ".gz"


@dataclass(frozen=True)
class Extract:
    """One extract folder.

    `files` are in table order of the contract, then in order of their parts. `unknown_files` are the names of files that
    are no table of the contract.
    """

    extract_id: str
    folder: Path
    files: tuple[TableFile, ...]
    unknown_files: tuple[str, ...]


def extract_folders(extracts: Path) -> list[Path]:
    """Returns the extract folders, in order of their ids. Hidden folders are not extracts."""
    return sorted(
        (entry for entry in extracts.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda entry: entry.name,
    )


def has_tables(folder: Path) -> bool:
    """Returns whether a folder has a file or folder whose name starts like a table of the contract."""
    return any(_NEARLY.match(entry.name) for entry in folder.iterdir())


def looks_like_one(folder: Path) -> bool:
    """Returns whether a folder was meant as an extract: its name starts like a date, or a table is in it.

    Landing refuses one with a wrong id or without a table; any other folder was never an extract.
    """
    if re.match(r"\d{4}-?\d{2}", folder.name, re.ASCII):
        return True
    try:
        return has_tables(folder)
    except OSError:
        return True  # Landing says why it cannot be read.


def is_extract_id(name: str) -> bool:
    """Returns whether a name has the form of an extract id. Such a name is safe in paths and on a terminal."""
    return len(name) <= limits.MAX_ID and ID_FORM.fullmatch(name) is not None


def extract_date(extract_id: str) -> date:
    """Returns the date at the start of an id. Raises Unusable if the name is not an id."""
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
    """Lists an extract folder. Raises Unusable if it has no file of a table, or one that may not be read."""
    refuse_link_outside(folder, folder.parent)
    files: list[TableFile] = []
    unknown_files: list[str] = []
    for path in _entries(folder):
        match = _FILE.fullmatch(path.name)
        if match:
            files.append(_table_file(TABLES[match[1]], path, folder))
        else:
            _refuse_misspelt(path)
            if _is_unknown(path):
                unknown_files.append(printable_name(path.name))
    if not files:
        # Counted, not named: such a name may be a person's.
        found = f" ({len(unknown_files):,} with other names)" if unknown_files else ""
        expected = ", ".join(f"{name}.csv" for name in TABLES)
        raise Unusable(
            f"it has no file that is a table of the contract{found}",
            f"Name the files as the contract does: {expected}.",
        )
    files.sort(key=_sort_key)
    return Extract(folder.name, folder, tuple(files), tuple(unknown_files))


def _entries(folder: Path) -> list[Path]:
    entries = list(islice(folder.iterdir(), limits.MAX_ENTRIES + 1))
    if len(entries) > limits.MAX_ENTRIES:
        raise Unusable(f"it has more than {limits.MAX_ENTRIES:,} files", "Send fewer and larger parts.")
    return sorted(entries, key=lambda path: path.name)


def _sort_key(file: TableFile) -> tuple[int, list[tuple[int, str]], str]:
    """Returns the sort key of a file: tables in the order of the contract, part 2 before part 10."""
    numbers_and_words = re.findall(r"\d+|\D+", file.name, re.ASCII)
    part = [(int(text), "") if text.isdigit() else (-1, text) for text in numbers_and_words]
    return list(TABLES).index(file.table.name), part, file.name


def _refuse_misspelt(path: Path) -> None:
    """Refuses a name that is almost one of a table, or a hidden part of one: its rows would be missing without a message."""
    if (match := _NEARLY.match(path.name)) and _is_unknown(path):
        table = match[1].lower()
        raise Unusable(
            f"its name starts like the table {table}, but no file of that name is read",
            f"If a transfer is writing it, run this again when that is complete. Else name it {table}.csv, {table}.csv.gz or "
            f"{table}.parquet, or {table}_01.csv if there are several parts.",
            file_name=path.name,
        )
    if _HIDDEN_COPY.match(path.name):
        advice = "Run this again when the transfer is complete, or remove the file if no transfer is running."
        raise Unusable("it is a file that a transfer is writing", advice, file_name=path.name)


def _is_unknown(path: Path) -> bool:
    name = path.name
    return name != MANIFEST and not name.startswith((".", "_")) and not name.lower().endswith(_NOT_DATA)


def _table_file(table: Table, path: Path, folder: Path) -> TableFile:
    refuse_link_outside(path, folder)
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


def _refuse_size(name: str, subject: str) -> NoReturn:
    reason = f"{subject} larger than {limits.MAX_FILE_BYTES >> 30} GiB"
    raise Unusable(reason, "Send the table in several parts.", file_name=name)


def refuse_link_outside(path: Path, folder: Path) -> None:
    """Refuses a link that does not lead to another name in the same folder. Raises Unusable."""
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
    """Opens a file of an extract for reading. Raises Unusable if it is no longer a regular file.

    The file is opened without blocking and checked once open, so a pipe in its place cannot halt the landing.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _refuse_irregular(os.fstat(descriptor), path.name)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal. Raises Unusable if it is no longer a regular file."""
    with open_regular(path) as file:
        return disk.sha256_of(file)


def content_sha256(digests: dict[str, str]) -> str:
    """Returns one SHA-256 for an extract: of the names and SHA-256 of its table files, in name order."""
    listing = "".join(f"{name}\0{digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def unpack(source: TableFile, target: Path) -> None:
    """Unpacks a gzip file. Raises Unusable if it fails gzip's own checksum or unpacks to more than limits.py allows."""
    done = 0
    allowed = max(limits.FREE_UNPACK_BYTES, limits.MAX_UNPACK_RATIO * source.bytes)
    try:
        with open_regular(source.path) as file, gzip.open(file) as packed, target.open("wb") as out:
            while chunk := packed.read(_CHUNK):
                done += len(chunk)
                if done > limits.MAX_FILE_BYTES:
                    _refuse_size(source.name, "unpacked, it is")
                if done > allowed:
                    reason = f"it unpacks to more than {limits.MAX_UNPACK_RATIO} times its size, which no table does"
                    raise Unusable(reason, "Check how it was made.", file_name=source.name)
                out.write(chunk)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        advice = "Send it again: the transfer may have been cut off."
        raise Unusable("it is truncated or damaged, or not a gzip file", advice, file_name=source.name) from None
