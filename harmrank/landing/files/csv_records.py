"""Reads CSV one record at a time, for what DuckDB's reader does not report: line and text of a bad record.

Beyond its header, a file without bad records is never read here. Why not DuckDB's own rejects table:
docs/decisions/0041-our-own-record-reader.md.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TextIO

from harmrank.limits import MAX_BAD_RECORDS, MAX_RAW_TEXT, MAX_RECORD
from harmrank.text.wording import plural

# Python's own limit for a field is lower; longer fields would be reported as broken quotes.
csv.field_size_limit(MAX_RECORD)

_BLANK_AFTER_QUOTE = re.compile(r'"[ \t]+(?:,|[\r\n]*\Z)')
# Possessive: these patterns never backtrack, so no text takes them long.
_FIELD = r'[ \t]*+"(?:[^"]|"")*+"|[^",\r\n]*+'
_RECORD = re.compile(rf"(?:{_FIELD})[ \t]*+(?:,(?:{_FIELD})[ \t]*+)*+[\r\n]*+")
_FIELD_AND_END = re.compile(rf"({_FIELD})[ \t]*+(,|[\r\n]*+\Z)")

# How often a growing record with blanks after its quotes is parsed again. Without this limit, a hostile one takes hours.
_MOST_PARSES = 20

_UNCLOSED = "unexpected end of data"
# Published in data_defects: do not reword it.
_BROKEN_QUOTES = "a quoted value is not closed, or goes on after its closing quote"


class RecordTooLong(Exception):
    """The line `line_number` is longer than MAX_RECORD."""

    def __init__(self, line_number: int) -> None:
        super().__init__(line_number)
        self.line_number = line_number


class TooManyBad(Exception):
    """More than MAX_BAD_RECORDS records are bad; the last of them starts on `line_number`."""

    def __init__(self, line_number: int) -> None:
        super().__init__(line_number)
        self.line_number = line_number


class Record(NamedTuple):
    """One CSV record, with its text as in the file.

    `line_number` is the line on which it starts, from 1 as an editor shows it. `width` is the number of fields. `fields` is
    None for text without quotes, which is split only on demand. `problem` is None for a readable record.
    """

    line_number: int
    text: str
    width: int
    fields: list[str] | None = None
    problem: str | None = None

    def values(self) -> list[str]:
        """Returns the fields of a readable record."""
        return self.text.split(",") if self.fields is None else self.fields


def records(file: TextIO) -> Iterator[Record]:
    """Yields every record of an open file, the header first. Blank lines are not records.

    A record with broken quotes ends with its first line, so a stray quote cannot swallow the good records after it.
    Raises RecordTooLong.
    """
    lines = _Lines(file)
    while (line := lines.next()) is not None:
        if '"' not in line:
            if text := line.rstrip("\r\n"):
                yield Record(lines.number, text, text.count(",") + 1)
        else:
            yield _quoted_record(lines, line)


class _Lines:
    """The lines of a file with their number. Lines can be put back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._waiting: deque[str] = deque()
        self.number = 0

    def next(self) -> str | None:
        line = self._waiting.popleft() if self._waiting else self._file.readline(MAX_RECORD + 1)
        if not line:
            return None
        self.number += 1
        if _bytes(line) > MAX_RECORD:
            raise RecordTooLong(self.number)
        return line

    def put_back(self, lines: list[str]) -> None:
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _quoted_record(lines: _Lines, first: str) -> Record:
    start = lines.number
    fields, error = _parse(first)
    text, more = first, list[str]()
    if error == _UNCLOSED:
        fields, error, text, more = _parse_lines(lines, first)
    if fields is not None:
        return Record(start, text.rstrip("\r\n"), len(fields), fields)
    lines.put_back(more)
    return Record(start, first.rstrip("\r\n"), 0, problem=_BROKEN_QUOTES)


def _parse_lines(lines: _Lines, first: str) -> tuple[list[str] | None, str, str, list[str]]:
    """Takes more lines until the quotes close. Returns fields, error, text and the lines taken."""
    more: list[str] = []
    further = _further(lines, more, _bytes(first))
    try:
        # csv.reader takes lines until it has a record, and parses each only once.
        fields = next(csv.reader(chain([first], further), strict=True, skipinitialspace=True))
        return fields, "", first + "".join(more), more
    except csv.Error as error:
        if not _BLANK_AFTER_QUOTE.search(first + "".join(more)):
            return None, str(error), first, more
    return _parse_lines_with_blanks(first, more, further)


def _further(lines: _Lines, more: list[str], size: int) -> Iterator[str]:
    """Yields the next lines until a record of `size` bytes so far reaches MAX_RECORD; adds them to `more`."""
    while (line := lines.next()) is not None:
        more.append(line)
        size += _bytes(line)
        if size > MAX_RECORD:
            return
        yield line


def _parse_lines_with_blanks(
    first: str, more: list[str], further: Iterator[str]
) -> tuple[list[str] | None, str, str, list[str]]:
    """Does the same for a record with blanks after a closing quote, at which csv.reader stops."""
    quotes, error = sum(line.count('"') for line in (first, *more)), _UNCLOSED
    for _ in range(_MOST_PARSES):
        # A complete record has an even number of quotes.
        while quotes % 2 and (line := next(further, None)) is not None:
            quotes += line.count('"')
        text = first + "".join(more)
        fields, error = _parse(text)
        if fields is not None:
            return fields, "", text, more
        if error != _UNCLOSED or (line := next(further, None)) is None:
            break
        quotes += line.count('"')
    return None, error, first, more


def _parse(text: str) -> tuple[list[str] | None, str]:
    """Returns the fields of one record, or None and the error of csv.reader."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True))
    except csv.Error as error:
        # DuckDB allows blanks after a closing quote; both readers must agree on what is a record.
        if _BLANK_AFTER_QUOTE.search(text) and _RECORD.fullmatch(text):
            return _parse(_FIELD_AND_END.sub(r"\1\2", text))
        return None, str(error)
    return (rows[0], "") if len(rows) == 1 else (None, "more than one record")


def open_text(path: Path, errors: str = "strict") -> TextIO:
    """Opens a CSV file as the contract says: UTF-8, with or without a byte order mark, line ends unchanged."""
    return path.open(encoding="utf-8-sig", errors=errors, newline="")


@dataclass(frozen=True)
class Header:
    """The header row. `is_first_line` is False if there are blank lines above it."""

    names: list[str]
    line_number: int

    @property
    def is_first_line(self) -> bool:
        """Whether DuckDB also takes it as the header."""
        return self.line_number == 1


def read_header(path: Path, errors: str = "strict") -> Header | None:
    """Returns the header row of a file, or None if it has none. Raises RecordTooLong, UnicodeDecodeError."""
    with open_text(path, errors) as file:
        first = next(records(file), None)
    if first is None or first.problem:
        return None
    return Header([name.strip() for name in first.values()], first.line_number)


@dataclass(frozen=True)
class BadRecord:
    """A record that goes to quarantine.

    `ordinal` is its number in the file, from 1, without the header. `key` is the record's key as a JSON array of text, None
    if the key is unusable.
    """

    ordinal: int
    line_number: int
    reason: str
    text: str
    key: str | None = None


def rewrite(source: Path, target: Path, width: int) -> list[BadRecord]:
    """Copies the good records of `source` to `target`, with their ordinal as first column. Returns the bad ones.

    DuckDB can read `target`: it has its own header, every record has as many fields as the header, and line ends are
    plain. Raises RecordTooLong, TooManyBad, UnicodeDecodeError.
    """
    bad: list[BadRecord] = []
    with open_text(source) as file, target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        out.write(",".join(["ordinal", *(f"c{index}" for index in range(width))]) + "\n")
        all_records = records(file)
        next(all_records, None)
        for ordinal, record in enumerate(all_records, start=1):
            if record.problem is not None:
                bad.append(BadRecord(ordinal, record.line_number, record.problem, raw_text(record.text)))
            elif record.width != width:
                reason = f"{plural(record.width, 'field')} where the header has {width}"
                bad.append(BadRecord(ordinal, record.line_number, reason, raw_text(record.text)))
            elif record.fields is None:
                out.write(f"{ordinal},{record.text}\n")
            else:
                writer.writerow([ordinal, *record.fields])
            if len(bad) > MAX_BAD_RECORDS:
                raise TooManyBad(record.line_number)
    return bad


def locate(path: Path, ordinals: set[int]) -> dict[int, Record]:
    """Returns the records of these ordinals (from 1, without the header)."""
    found: dict[int, Record] = {}
    with open_text(path) as file:
        for ordinal, record in enumerate(records(file)):
            if ordinal in ordinals:
                found[ordinal] = record
                if len(found) == len(ordinals):
                    break
    return found


def without_columns(record: Record, dropped: set[int], width: int) -> str:
    """Returns the text of a record with empty values in dropped columns: they are never stored.

    The text is unchanged if the record has another number of fields than the header: its columns are not known.
    """
    if not dropped or record.width != width:
        return record.text
    values = ["" if index in dropped else value for index, value in enumerate(record.values())]
    return ",".join(_quote_if_needed(value) for value in values)


def raw_text(text: str) -> str:
    """Returns the text of a record to keep in quarantine, with a note if it was cut."""
    if len(text) <= MAX_RAW_TEXT:
        return text
    return f"{text[:MAX_RAW_TEXT]} … (the first {MAX_RAW_TEXT:,} of {len(text):,} characters)"


def _quote_if_needed(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if any(sign in value for sign in '",\r\n') else value
