"""Opens the workbook of a harm index, and finds the sheet and the columns that hold its weights."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise, repeat, zip_longest
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell.read_only import EMPTY_CELL
from openpyxl.utils import get_column_letter

from harmrank.errors import UsageError
from harmrank.text.wording import plural

MAX_UNPACKED_BYTES = 32 << 20
"""Bytes of all parts of a workbook, unpacked: thirty times the official one of 2020. A larger one is an error or a bomb."""

_HEADER_ROWS = 40
_COLUMNS = 200
EXPIRED = re.compile(r"(?<!not )(?<!non-)\bexpired\b", re.IGNORECASE)
_FIGURE = re.compile(r"\W*\d")
_YEAR = re.compile(r"(19|20)\d\d")
_ROW_NUMBER = re.compile(rb"""<(?:\w+:)?row\s(?:[^>]*?\s)?r=["'](\d{1,7})["']""")

# Patterns of column titles, the surest first. Titles are compared in lower case, with single spaces between words.
_TITLES: dict[str, tuple[str, ...]] = {
    "offence_code": (
        r"(home office|ho) classification( code)?",
        r"(home office|ho) (offence )?code",
        r"(home office|ho) (class|offence)",
        r"offence code",
    ),
    "recorded_crime_code": (
        r"(recorded crime|prc|crime) (offence )?(classification )?code",
        r"classification code",
        r"recorded crime classification",
    ),
    "title": (r"full offence title", r"offence (title|description|name)", r"offence", r"short title", r"title"),
    "starting_point": (r"starting point( text)?",),
    "note": (r"if no sentencing data available.*", r"(proxy|similar) offence( used)?"),
    "group": (r"(offence )?group",),
}
# A column may hold scores if its title has one of these words and at least half of its cells hold figures.
_SCORE = re.compile(r"\b(scores?|weight(s|ing|ings)?|cchi|chi|harm|days)\b")

_OTHER_FORMATS = {
    ".csv": "a text file (CSV)",
    ".txt": "a text file",
    ".ods": "an OpenDocument spreadsheet (.ods)",
    ".xls": "an old Excel workbook (.xls)",
    ".xlsb": "a binary Excel workbook (.xlsb)",
    ".numbers": "a Numbers spreadsheet",
}


@dataclass(frozen=True)
class Odd:
    """A cell whose value is no text and no plain number: `what` says what it holds."""

    what: str


@dataclass(frozen=True)
class Column:
    """A column that is read: what for, its letter in the sheet, its title."""

    used_as: str
    letter: str
    title: str


@dataclass(frozen=True)
class UnusedSheet:
    """A sheet that is not read, and why."""

    sheet: str
    why: str


@dataclass(frozen=True)
class Sheet:
    """A sheet with a column of Home Office codes.

    `titles` are the titles of all columns, `rows` the cells below them as text, numbers or Odd; the first of `rows` is row
    `first_row` of the sheet. `columns` has the position of each column that was found.
    """

    name: str
    is_hidden: bool
    first_row: int
    titles: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    columns: dict[str, int]

    @property
    def is_expired(self) -> bool:
        """Whether the sheet is one of expired offences, by its name."""
        return bool(EXPIRED.search(self.name))

    def cell(self, row: Sequence[object], column: str) -> object:
        """Returns the cell of a row in a column that was found; None in any other."""
        position = self.columns.get(column)
        return row[position] if position is not None and position < len(row) else None

    def address(self, row_number: int, column: str) -> str:
        """Returns the address of a cell, such as D5."""
        return f"{get_column_letter(self.columns[column] + 1)}{row_number}"

    def columns_used(self) -> tuple[Column, ...]:
        """Returns the columns that were found."""
        return tuple(
            Column(name, get_column_letter(position + 1), self.titles[position])
            for name, position in self.columns.items()
        )

    def coded_rows(self) -> list[tuple[object, ...]]:
        """Returns the rows with anything in the column of codes."""
        return [row for row in self.rows if text(self.cell(row, "offence_code"))]

    def score_candidates(self) -> list[int]:
        """Returns the positions of the columns that may hold scores."""
        rows, found, above = self.coded_rows(), [], ""
        for position, title in enumerate(self.titles):
            # A column without a title may be under that of its left neighbour.
            above = title or above
            if position not in self.columns.values() and _SCORE.search(_normal(above)):
                filled = [row[position] for row in rows if position < len(row) and text(row[position])]
                if filled and 2 * sum(map(_is_figure, filled)) >= len(filled):
                    found.append(position)
        return found

    def with_score(self, position: int) -> Sheet:
        """Returns the sheet with the column at a position as its scores."""
        used = {name: at for name, at in self.columns.items() if at != position}
        return Sheet(self.name, self.is_hidden, self.first_row, self.titles, self.rows, {**used, "score": position})


def find_sheet(path: Path, sheet: str | None, score_column: str | None) -> tuple[Sheet, tuple[UnusedSheet, ...]]:
    """Returns the sheet with the weights, its score column found, and the sheets that are not read.

    `sheet` and `score_column` (a title or a letter) choose; without them exactly one visible sheet that is not of expired
    offences must fit, with exactly one score column. Raises UsageError if the file is no .xlsx workbook or what to read is
    in doubt.
    """
    sheets, without_codes = _load(path)
    chosen = _chosen(path, sheets, without_codes, sheet, score_column)
    codes = _titled(chosen.titles, "offence_code")
    if len(codes) > 1:
        raise UsageError(
            f"{path.name}: sheet {chosen.name!r} has {len(codes)} columns of Home Office codes: {_listed(chosen, codes)}. "
            "Remove all but one."
        )
    unused = [UnusedSheet(name, "no column of Home Office codes") for name in without_codes]
    unused += [UnusedSheet(other.name, _why_unused(other)) for other in sheets if other is not chosen]
    return chosen.with_score(_score_position(path, chosen, score_column)), tuple(unused)


def text(cell: object) -> str:
    """Returns a cell as one line of text: whole numbers without a decimal point, infinite or undefined ones empty."""
    if cell is None:
        return ""
    if isinstance(cell, Odd):
        return cell.what
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return ""
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return " ".join(str(cell).split())


def _why_unused(sheet: Sheet) -> str:
    rows = plural(len(sheet.coded_rows()), "row")
    if sheet.is_expired:
        return f"expired offences, {rows}"
    if sheet.is_hidden:
        return f"hidden, {rows}"
    return "no score column" if not sheet.score_candidates() else f"not chosen, {rows}"


def _chosen(
    path: Path, sheets: Sequence[Sheet], without_codes: Sequence[str], name: str | None, score_column: str | None
) -> Sheet:
    """Returns the sheet of that name; without a name, the one that fits. Raises UsageError if there is none, or several fit."""
    if name is not None:
        named = [sheet for sheet in sheets if _normal(sheet.name) == _normal(name)]
        if named:
            return named[0]
        every = ", ".join(repr(other) for other in [*(sheet.name for sheet in sheets), *without_codes])
        raise UsageError(f"{path.name} has no sheet {name!r} with a column of Home Office codes. It has: {every}.")
    fitting = [sheet for sheet in sheets if _positions(sheet, score_column)]
    plain = [sheet for sheet in fitting if not sheet.is_hidden and not sheet.is_expired]
    if len(plain) == 1:
        return plain[0]
    if plain:
        listed = ", ".join(f"{sheet.name!r} ({plural(len(sheet.coded_rows()), 'row')})" for sheet in plain)
        raise UsageError(f"{path.name}: {len(plain)} sheets could be the index: {listed}. Choose one with --sheet.")
    if fitting:
        listed = ", ".join(f"{sheet.name!r} ({_why_unused(sheet)})" for sheet in fitting)
        raise UsageError(f"{path.name}: the only sheets that fit are {listed}. To read one of them, use --sheet.")
    if sheets:
        # Its columns do not fit: the error says which it has.
        return sheets[0]
    names = ", ".join(map(repr, without_codes))
    raise UsageError(
        f"{path.name}: no sheet has a column of Home Office codes and one of scores (sheets: {names}). "
        "Name the column of codes Home Office Classification."
    )


def _positions(sheet: Sheet, score_column: str | None) -> list[int]:
    """Returns the positions of the columns of that title or letter; without one, of those that may hold scores."""
    if score_column is None:
        return sheet.score_candidates()
    titled = [at for at, title in enumerate(sheet.titles) if title and _normal(title) == _normal(score_column)]
    lettered = [
        at for at in range(len(sheet.titles)) if get_column_letter(at + 1).casefold() == score_column.strip().casefold()
    ]
    return titled or lettered


def _score_position(path: Path, sheet: Sheet, score_column: str | None) -> int:
    positions = _positions(sheet, score_column)
    if len(positions) == 1:
        return positions[0]
    where = f"{path.name}: sheet {sheet.name!r}"
    if positions:
        raise UsageError(
            f"{where} has {len(positions)} columns that could be the score: {_listed(sheet, positions)}. "
            "Choose one with --score-column (its letter)."
        )
    if not sheet.coded_rows():
        raise UsageError(f"{where} has no row with a Home Office code.")
    titled = _listed(sheet, (at for at, title in enumerate(sheet.titles) if title))
    if score_column is not None:
        raise UsageError(f"{where} has no column {score_column!r}. It has: {titled}.")
    raise UsageError(
        f"{where} has a Home Office code column but no score column (a title with the word score, weight or days, above "
        f"figures). Choose one with --score-column: {titled}."
    )


def _listed(sheet: Sheet, positions: Iterable[int]) -> str:
    return ", ".join(f"{get_column_letter(at + 1)} {sheet.titles[at]!r}" for at in positions)


def _load(path: Path) -> tuple[list[Sheet], list[str]]:
    """Returns the sheets with a column of Home Office codes, and the names of the others."""
    if not path.is_file():
        raise UsageError(f"{path} is not a file.")
    sheets: list[Sheet] = []
    without_codes: list[str] = []
    # On a damaged file openpyxl passes on errors of many types from zipfile and XML parsers.
    try:
        _refuse_other_formats(path)
        with path.open("rb") as as_shown, path.open("rb") as as_entered:
            shown = openpyxl.load_workbook(as_shown, read_only=True, data_only=True)
            entered = openpyxl.load_workbook(as_entered, read_only=True)
            for worksheet, formulas in zip(shown.worksheets, entered.worksheets, strict=True):
                found = _table(worksheet.title, worksheet.sheet_state != "visible", list(_cells(worksheet, formulas)))
                if found is None:
                    without_codes.append(worksheet.title)
                else:
                    sheets.append(found)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"{path.name} cannot be read as an .xlsx workbook ({type(error).__name__}): it may be damaged or have"
            " another format. Open it in Excel or LibreOffice Calc and save it as Excel Workbook (.xlsx)."
        ) from error
    return sheets, without_codes


def _refuse_other_formats(path: Path) -> None:
    """Raises UsageError for a format that harmrank does not read, and for a workbook that is too large."""
    what = _OTHER_FORMATS.get(path.suffix.lower())
    with path.open("rb") as file:
        # Excel puts a workbook with a password into the container of old workbooks.
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            what = "an old Excel workbook (.xls), or one with a password"
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise UsageError(
                    f"{path.name} unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB: keep only the sheet of the index."
                )
            if "xl/workbook.bin" in names:
                what = _OTHER_FORMATS[".xlsb"]
            elif "content.xml" in names:
                what = _OTHER_FORMATS[".ods"]
            elif "xl/workbook.xml" in names:
                is_strict = b"purl.oclc.org/ooxml" in archive.read("xl/workbook.xml")
                what = "a Strict Open XML workbook" if is_strict else None
            for part in names:
                if part.startswith("xl/worksheets/") and not _is_in_order(archive.read(part)):
                    what = "a workbook with rows out of order"
    if what:
        raise UsageError(
            f"{path.name} cannot be read as an .xlsx workbook: it is {what}. Open it in Excel or LibreOffice Calc, save it as "
            "Excel Workbook (.xlsx), and import that file."
        )


def _is_in_order(part: bytes) -> bool:
    """Whether the rows of a sheet, as XML, have rising numbers: openpyxl would drop the others."""
    numbers = [int(number) for number in _ROW_NUMBER.findall(part)]
    return all(earlier < later for earlier, later in pairwise(numbers))


def _cells(shown: Any, formulas: Any) -> Iterator[tuple[object, ...]]:
    """Yields the rows of a sheet, whatever size the sheet states: tools that add rows may leave the stated size too small."""
    for worksheet in (shown, formulas):
        worksheet.reset_dimensions()
    for row, as_entered in zip(shown.iter_rows(), formulas.iter_rows(), strict=True):
        pairs = zip_longest(row[:_COLUMNS], as_entered[:_COLUMNS], fillvalue=EMPTY_CELL)
        yield tuple(_value(cell, entered) for cell, entered in pairs)


def _value(cell: Any, as_entered: Any) -> object:
    value = cell.value
    if value is None:
        return Odd("a formula whose value is not saved in the file") if as_entered.value is not None else None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, date):
        return Odd(f"a date, {value:%d/%m/%Y}")
    if isinstance(value, (time, timedelta)):
        return Odd(f"a time, {value}")
    if isinstance(value, (int, float)) and "%" in cell.number_format:
        return Odd(f"a percentage, {100 * value:g} %")
    # An error that a formula returned. #N/A also says "not applicable", so it counts as text.
    if cell.data_type == "e" and value != "#N/A":
        return Odd(f"the error {value}")
    return value


def _table(name: str, is_hidden: bool, rows: Sequence[tuple[object, ...]]) -> Sheet | None:
    """Returns the sheet below its column titles, or None if no row has the title of the Home Office codes."""
    width = max(map(len, rows), default=0)
    for number, row in enumerate(rows[:_HEADER_ROWS]):
        titles = [text(cell) for cell in (*row, *repeat(None, width - len(row)))]
        columns = _match_titles(titles)
        below = rows[number + 1] if number + 1 < len(rows) else ()
        start = number + 1
        if columns and _is_second_title_row(below, columns["offence_code"]):
            titles, start = _joined(titles, [text(cell) for cell in below]), start + 1
        if len(columns) > 1 or (columns and any(_SCORE.search(_normal(title)) for title in titles)):
            return Sheet(name, is_hidden, start + 1, tuple(titles), tuple(rows[start:]), columns)
    return None


def _is_second_title_row(row: Sequence[object], code_position: int) -> bool:
    """Whether a row below the titles goes on with them: no code, something else, and no figure except a year."""
    filled = {position: cell for position, cell in enumerate(row) if text(cell)}
    return (
        bool(filled)
        and not _is_figure(filled.get(code_position))
        and all(not _is_figure(cell) or _YEAR.fullmatch(text(cell)) for cell in filled.values())
    )


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """Returns the titles of two rows as one: a title above several columns belongs to each that has one below it."""
    titles: list[str] = []
    above = ""
    for high, low in zip_longest(upper, lower, fillvalue=""):
        above = high or (above if low else "")
        titles.append(f"{above} {low}".strip() if low else high)
    return titles


def _match_titles(titles: Sequence[str]) -> dict[str, int]:
    """Returns the position of each column found by its title; empty without one of Home Office codes."""
    columns = {name: found[0] for name in _TITLES if (found := _titled(titles, name))}
    return columns if "offence_code" in columns else {}


def _titled(titles: Sequence[str], column: str) -> list[int]:
    """Returns the positions of the titles that fit a column by the surest pattern that any of them fits."""
    normal = [_normal(title) for title in titles]
    for pattern in _TITLES[column]:
        positions = [at for at, title in enumerate(normal) if re.fullmatch(pattern, title)]
        if positions:
            return positions
    return []


def _is_figure(cell: object) -> bool:
    return isinstance(cell, Odd) or bool(_FIGURE.match(text(cell)))


def _normal(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", title.lower()).strip()
