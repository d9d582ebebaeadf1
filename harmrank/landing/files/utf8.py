"""Checks that a CSV file is UTF-8 text."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from harmrank import limits
from harmrank.contract import Table
from harmrank.landing.files.csv_records import RecordTooLong, read_header
from harmrank.landing.files.extract_folder import TableFile
from harmrank.landing.outcome import Unusable

_CHUNK = 1 << 22


def check_text(path: Path, file: TableFile) -> None:
    """Checks that the plain CSV at `path`, which is `file` or its unpacked copy, is UTF-8 text to its last byte.

    Raises Unusable with file, line, column and byte.
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
    """Returns the column of the value after this beginning of a line, if it is known and in the contract.

    Other names are not returned: in a file without a header, they are a person's data.
    """
    try:
        header = read_header(path, errors="replace")
        fields = next(csv.reader([before]), [])
    except (RecordTooLong, csv.Error):
        return None
    position = max(len(fields) - 1, 0)
    known = table.column(header.names[position].lower()) if header and position < len(header.names) else None
    return known.name if known else None
