"""Reads CSV one record at a time, for what DuckDB's reader cannot say: where a bad record stands and what it
says.

The good path never comes here. A file with a bad record is walked once.
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

# Python's own limit on a field is lower, and would show as broken quotes.
csv.field_size_limit(MAX_RECORD)

_BLANK_AFTER_QUOTE = re.compile(r'"[ \t]+(?:,|[\r\n]*\Z)')
# Possessive, so that no text makes these patterns try one thing after the other for ever.
_FIELD = r'[ \t]*+"(?:[^"]|"")*+"|[^",\r\n]*+'
_RECORD = re.compile(rf"(?:{_FIELD})[ \t]*+(?:,(?:{_FIELD})[ \t]*+)*+[\r\n]*+")
_FIELD_AND_END = re.compile(rf"({_FIELD})[ \t]*+(,|[\r\n]*+\Z)")

# How often a record with blanks after its quotes is parsed anew as it grows: without an end, hours.
_TRIES = 20

_UNCLOSED = "unexpected end of data"
_BROKEN_QUOTES = "a quoted value is not closed, or goes on after its closing quote"


class RecordTooLong(Exception):
    """A record is longer than MAX_RECORD. `line_number` says which."""

    def __init__(self, line_number: int) -> None:
        super().__init__(line_number)
        self.line_number = line_number


class TooManyBad(Exception):
    """More than MAX_BAD_RECORDS records cannot be read. `line_number` says where the last of them stands."""

    def __init__(self, line_number: int) -> None:
        super().__init__(line_number)
        self.line_number = line_number


class Record(NamedTuple):
    """One CSV record as it stands in the file.

    `line_number` is the physical line it starts on, counted from 1 as an editor shows it. `fields` is None
    where the text has no quotes, so that nobody pays for splitting it unasked. `problem` is None for a
    readable record.
    """

    line_number: int
    text: str
    width: int
    fields: list[str] | None = None
    problem: str | None = None

    def values(self) -> list[str]:
        """The fields of a readable record."""
        return self.text.split(",") if self.fields is None else self.fields


def records(file: TextIO) -> Iterator[Record]:
    """Every record of an open file, the header first. Blank lines are not records.

    A record whose quotes are broken ends with its first line, so that a single stray quote cannot swallow the
    good records after it. Raises RecordTooLong.
    """
    lines = _Lines(file)
    while (line := lines.next()) is not None:
        if '"' not in line:
            if text := line.rstrip("\r\n"):
                yield Record(lines.number, text, text.count(",") + 1)
        else:
            yield _quoted_record(lines, line)


class _Lines:
    """Physical lines with their number, and a way to put lines back."""

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
        fields, error, text, more = _parse_on(lines, first)
    if fields is not None:
        return Record(start, text.rstrip("\r\n"), len(fields), fields)
    lines.put_back(more)
    return Record(start, first.rstrip("\r\n"), 0, problem=_BROKEN_QUOTES)


def _parse_on(lines: _Lines, first: str) -> tuple[list[str] | None, str, str, list[str]]:
    """Take further lines until the quotes close. Gives fields, error, text and the further lines taken."""
    more: list[str] = []
    further = _further(lines, more, _bytes(first))
    try:
        # The reader asks for lines until it has a record: each is looked at once, however many there are.
        fields = next(csv.reader(chain([first], further), strict=True, skipinitialspace=True))
        return fields, "", first + "".join(more), more
    except csv.Error as error:
        if not _BLANK_AFTER_QUOTE.search(first + "".join(more)):
            return None, str(error), first, more
    return _parse_on_with_blanks(first, more, further)


def _further(lines: _Lines, more: list[str], size: int) -> Iterator[str]:
    """The lines after those of a record, which has `size` bytes so far, as far as one may reach; keeps them in `more`."""
    while (line := lines.next()) is not None:
        more.append(line)
        size += _bytes(line)
        if size > MAX_RECORD:
            return
        yield line


def _parse_on_with_blanks(
    first: str, more: list[str], further: Iterator[str]
) -> tuple[list[str] | None, str, str, list[str]]:
    """The same where blanks follow a closing quote, at which Python's reader stops."""
    quotes, error = sum(line.count('"') for line in (first, *more)), _UNCLOSED
    for _ in range(_TRIES):
        # Quotes pair up in a whole record, so an odd number means that it cannot have ended yet.
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
    """The fields of one record, or None and what Python's reader has against it."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True))
    except csv.Error as error:
        # DuckDB lets blanks follow a closing quote; both readers must agree on what is a record.
        if _BLANK_AFTER_QUOTE.search(text) and _RECORD.fullmatch(text):
            return _parse(_FIELD_AND_END.sub(r"\1\2", text))
        return None, str(error)
    return (rows[0], "") if len(rows) == 1 else (None, "more than one record")


def open_text(path: Path, errors: str = "strict") -> TextIO:
    """Open a CSV file as the contract has it: UTF-8, with or without a BOM, line ends left alone."""
    return path.open(encoding="utf-8-sig", errors=errors, newline="")


@dataclass(frozen=True)
class Header:
    """The header row. `is_first_line` is False where blank lines stand above it."""

    names: list[str]
    line_number: int

    @property
    def is_first_line(self) -> bool:
        """Whether DuckDB will take it for the header too."""
        return self.line_number == 1


def read_header(path: Path, errors: str = "strict") -> Header | None:
    """The header row of a file, or None where the file has none. Raises RecordTooLong, UnicodeDecodeError."""
    with open_text(path, errors) as file:
        first = next(records(file), None)
    if first is None or first.problem:
        return None
    return Header([name.strip() for name in first.values()], first.line_number)


@dataclass(frozen=True)
class BadRecord:
    """A record that goes to quarantine.

    `ordinal` counts the file's records from 1, header left out. `key` is the record's key as a JSON array of text,
    None where it cannot be read.
    """

    ordinal: int
    line_number: int
    reason: str
    text: str
    key: str | None = None


def rewrite(source: Path, target: Path, width: int) -> list[BadRecord]:
    """Copy the readable records of `source` to `target`, with their ordinal as first column; give the others.

    `target` has a header of its own and is clean enough for DuckDB's reader: every record as wide as the
    header, with plain line ends. Raises RecordTooLong, TooManyBad, UnicodeDecodeError.
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
    """The records of those ordinals, counted from 1, header left out."""
    found: dict[int, Record] = {}
    with open_text(path) as file:
        for ordinal, record in enumerate(records(file)):
            if ordinal in ordinals:
                found[ordinal] = record
                if len(found) == len(ordinals):
                    break
    return found


def without_columns(record: Record, dropped: set[int], width: int) -> str:
    """The text of a record with the values of dropped columns left empty: what the contract does not name is
    never stored. A record that is not as wide as the header has no columns to tell apart and stays as it
    is.
    """
    if not dropped or record.width != width:
        return record.text
    values = ["" if index in dropped else value for index, value in enumerate(record.values())]
    return ",".join(_quote_if_needed(value) for value in values)


def raw_text(text: str) -> str:
    """What is kept of a record's text in quarantine; says so where that is not all."""
    if len(text) <= MAX_RAW_TEXT:
        return text
    return f"{text[:MAX_RAW_TEXT]} … (the first {MAX_RAW_TEXT:,} of {len(text):,} characters)"


def _quote_if_needed(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if any(sign in value for sign in '",\r\n') else value
