"""Reads the official Cambridge Crime Harm Index workbook of any year."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from pathlib import Path

import openpyxl

from harmrank.errors import UsageError
from harmrank.weights.starting_points import contradicted_days, words_of

_HOME_OFFICE_CODE = re.compile(r"(\d{3})/(\d{2})")
_LOOSE_HOME_OFFICE_CODE = re.compile(r"(\d{1,3})\s*/\s*(\d{1,2})")
_BARE_HOME_OFFICE_CODE = re.compile(r"\d{3,5}")
_RECORDED_CRIME_CODE = re.compile(r"\d{1,3}(\.\d{1,2})?[A-Z]?|NFIB")
# What the index writes for an offence without a recorded-crime class.
_NO_RECORDED_CRIME_CODE = frozenset({"", "NN", "ASB"})
_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)

_HEADER_ROWS = 40
_HEADER_COLUMNS = 200

# Patterns of column titles, the surest first. Titles are compared in lower case, with single spaces between words.
_TITLES: dict[str, tuple[str, ...]] = {
    "offence_code": (
        r"(home office|ho) classification( code)?",
        r"(home office|ho) (offence )?code",
        r"(home office|ho) (class|offence)",
        r"offence code",
    ),
    "score": (
        r"(cambridge )?(crime harm index|cchi|chi)( \d{4})? (score|value|weight|points|days)( \d{4})?( days)?",
        r"(harm )?score( \d{4})?( days)?",
        r"harm (days|weight)",
        r"(cchi|chi)( \d{4})?",
        r"days( of imprisonment)?",
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


@dataclass(frozen=True)
class Anomaly:
    """One oddity of the sheet: its row in the spreadsheet, the code as written, what is odd, and what was done."""

    row_number: int
    code: str
    what: str
    done: str


@dataclass(frozen=True)
class Weight:
    """The weight of one Home Office code under one recorded-crime code.

    `row_number` is its first row in the sheet. `harm_days` and `harm_days_highest` are the lowest and highest value in
    days, rounded to half a day. `published_days` holds every value as published, lowest first, separated by `|`.
    """

    row_number: int
    offence_code: str
    recorded_crime_code: str | None
    harm_days: float
    harm_days_highest: float
    published_days: str
    basis: str


@dataclass(frozen=True)
class WorkbookWeights:
    """The content of a workbook: its weights in the order of the sheet, and its anomalies."""

    sheet: str
    sheet_rows: int
    weights: tuple[Weight, ...]
    anomalies: tuple[Anomaly, ...]


@dataclass(frozen=True)
class _Line:
    """One usable row of the sheet."""

    row_number: int
    code_as_written: str
    offence_code: str
    recorded_crime_code: str | None
    title: str
    days: Decimal
    basis: str


@dataclass(frozen=True)
class _Sheet:
    """A sheet with the columns needed: the position of each, and the rows below the titles."""

    name: str
    header_row: int
    columns: dict[str, int]
    rows: list[tuple[object, ...]]

    def cell(self, row: Sequence[object], column: str) -> object:
        position = self.columns.get(column)
        return row[position] if position is not None and position < len(row) else None


@dataclass
class _Findings:
    anomalies: list[Anomaly] = field(default_factory=list)

    def add(self, row_number: int, code: str, what: str, done: str) -> None:
        self.anomalies.append(Anomaly(row_number, code, what, done))


def read_workbook(path: Path) -> WorkbookWeights:
    """Returns the weights of a workbook, without storing them. Raises UsageError if the file is not such a workbook."""
    sheet = _find_sheet(path)
    findings = _Findings()
    lines = list(_lines(sheet, findings))
    if not lines:
        raise UsageError(f"{path.name}: sheet {sheet.name!r} has no row with a Home Office code and a score.")
    _find_duplicates(lines, findings)
    _find_several_values(lines, findings)
    return WorkbookWeights(
        sheet=sheet.name,
        sheet_rows=sum(1 for row in sheet.rows if any(_text(cell) for cell in row)),
        weights=tuple(_weights(lines)),
        anomalies=tuple(sorted(findings.anomalies, key=lambda anomaly: anomaly.row_number)),
    )


def round_to_half_day(days: Decimal) -> float:
    """Returns days rounded to the nearest half day; a tie goes up."""
    doubled = (days * 2 + Decimal("0.5")).to_integral_value(rounding=ROUND_FLOOR)
    return float(doubled / 2)


def normalise_recorded_crime_code(code: str) -> str | None:
    """Returns a recorded-crime code in the form of the seeds (`4/4` becomes `4.4`), or None if there is none.

    Raises ValueError if the text is not a recorded-crime code.
    """
    normal = re.sub(r"\s+", "", code).upper().replace("/", ".")
    if normal in _NO_RECORDED_CRIME_CODE:
        return None
    if not _RECORDED_CRIME_CODE.fullmatch(normal):
        raise ValueError(code)
    return normal


def _find_sheet(path: Path) -> _Sheet:
    """Returns the first sheet with a column of Home Office codes and one of scores, with all rows."""
    if not path.is_file():
        raise UsageError(f"{path} is not a file.")
    without_score: list[str] = []
    names: list[str] = []
    # On a damaged file openpyxl passes on errors of many types from zipfile and XML parsers.
    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            for worksheet in workbook.worksheets:
                names.append(worksheet.title)
                rows = worksheet.iter_rows(max_col=_HEADER_COLUMNS, values_only=True)
                found = _find_columns(rows)
                if found is None:
                    continue
                header_row, columns = found
                if "score" in columns:
                    return _Sheet(worksheet.title, header_row, columns, list(rows))
                without_score.append(worksheet.title)
        finally:
            workbook.close()
    except Exception as error:
        raise UsageError(
            f"{path.name} cannot be read as an .xlsx workbook ({type(error).__name__}): it may be damaged or have"
            " another format."
        ) from error
    if without_score:
        raise UsageError(f"{path.name}: sheet {without_score[0]!r} has a Home Office code column but no score column.")
    sheets = ", ".join(repr(name) for name in names)
    raise UsageError(f"{path.name}: no sheet has a column of Home Office codes and one of scores (sheets: {sheets}).")


def _find_columns(rows: Iterator[tuple[object, ...]]) -> tuple[int, dict[str, int]] | None:
    """Returns the row number of the column titles and the position of each column; `rows` has then passed that row."""
    for row_number, row in enumerate(rows, start=1):
        columns = _match_titles(row)
        if "offence_code" in columns and len(columns) > 1:
            return row_number, columns
        if row_number == _HEADER_ROWS:
            break
    return None


def _match_titles(row: Sequence[object]) -> dict[str, int]:
    titles = [re.sub(r"[^a-z0-9]+", " ", _text(cell).lower()).strip() for cell in row]
    columns: dict[str, int] = {}
    for column, patterns in _TITLES.items():
        for pattern in patterns:
            position = next((i for i, title in enumerate(titles) if re.fullmatch(pattern, title)), None)
            if position is not None:
                columns[column] = position
                break
    return columns


def _lines(sheet: _Sheet, findings: _Findings) -> Iterator[_Line]:
    for row_number, row in enumerate(sheet.rows, start=sheet.header_row + 1):
        if any(_text(sheet.cell(row, column)) for column in ("offence_code", "title", "score")):
            line = _line(sheet, row_number, row, findings)
            if line is not None:
                yield line


def _line(sheet: _Sheet, row_number: int, row: Sequence[object], findings: _Findings) -> _Line | None:
    as_written = _text(sheet.cell(row, "offence_code"))
    offence_code = _read_code(row_number, as_written, findings)
    days = _read_days(row_number, as_written, _text(sheet.cell(row, "score")), findings)
    if offence_code is None or days is None:
        return None
    starting_point = _text(sheet.cell(row, "starting_point"))
    implied = contradicted_days(starting_point, days)
    if implied is not None:
        findings.add(
            row_number,
            as_written,
            f"score {_plain(days)}, but the starting point {starting_point!r} means {_plain(implied)}",
            "the score was kept",
        )
    if _ADDRESS.search(_text(sheet.cell(row, "group"))):
        findings.add(row_number, as_written, "group holds a web address", "ignored: the group is not used")
    return _Line(
        row_number=row_number,
        code_as_written=as_written,
        offence_code=offence_code,
        recorded_crime_code=_read_recorded_crime_code(row_number, as_written, sheet, row, findings),
        title=_text(sheet.cell(row, "title")),
        days=days,
        basis=_basis(starting_point, _text(sheet.cell(row, "note"))),
    )


def _read_code(row_number: int, as_written: str, findings: _Findings) -> str | None:
    if not as_written:
        findings.add(row_number, "", "no Home Office code", "the row was left out")
        return None
    if _HOME_OFFICE_CODE.fullmatch(as_written):
        return as_written
    if loose := _LOOSE_HOME_OFFICE_CODE.fullmatch(as_written):
        code = f"{int(loose[1]):03d}/{int(loose[2]):02d}"
    elif _BARE_HOME_OFFICE_CODE.fullmatch(as_written):
        digits = as_written.zfill(5)
        code = f"{digits[:3]}/{digits[3:]}"
    else:
        findings.add(row_number, as_written, "unreadable Home Office code", "the row was left out")
        return None
    findings.add(row_number, as_written, "malformed Home Office code", f"read as {code}")
    return code


def _read_days(row_number: int, code: str, score: str, findings: _Findings) -> Decimal | None:
    if not score:
        findings.add(row_number, code, "no score", "the row was left out")
        return None
    try:
        days = Decimal(score.replace(",", ""))
    except InvalidOperation:
        days = Decimal("nan")
    if not days.is_finite() or days < 0:
        findings.add(row_number, code, f"score {score!r} is not a number of days", "the row was left out")
        return None
    return days


def _read_recorded_crime_code(
    row_number: int, code: str, sheet: _Sheet, row: Sequence[object], findings: _Findings
) -> str | None:
    as_written = _text(sheet.cell(row, "recorded_crime_code"))
    try:
        return normalise_recorded_crime_code(as_written)
    except ValueError:
        findings.add(row_number, code, f"{as_written!r} is not a recorded-crime code", "left blank")
        return None


def _basis(starting_point: str, note: str) -> str:
    """Returns the basis of the weight: facts of the sheet in our own words, since its sentences belong to its authors."""
    stated = words_of(starting_point) or "starting point not stated as one measure"
    return f"{stated}; the index has a note on this offence" if note else stated


def _find_duplicates(lines: Sequence[_Line], findings: _Findings) -> None:
    first: dict[tuple[str, str | None, str], _Line] = {}
    for line in lines:
        key = (line.offence_code, line.recorded_crime_code, line.title.casefold())
        earlier = first.setdefault(key, line)
        if earlier is not line:
            findings.add(
                line.row_number,
                line.code_as_written,
                f"same code and title as row {earlier.row_number}",
                "counted once" if line.days == earlier.days else "both values were kept",
            )


def _find_several_values(lines: Sequence[_Line], findings: _Findings) -> None:
    by_code: defaultdict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        by_code[line.offence_code].append(line)
    for code, alike in by_code.items():
        values = sorted({line.days for line in alike})
        if len(values) > 1:
            findings.add(
                alike[0].row_number,
                code,
                f"one Home Office code, several values: {', '.join(map(_plain, values))}",
                "the lowest is the weight, the highest is also kept",
            )


def _weights(lines: Iterable[_Line]) -> Iterator[Weight]:
    by_key: defaultdict[tuple[str, str | None], list[_Line]] = defaultdict(list)
    for line in lines:
        by_key[(line.offence_code, line.recorded_crime_code)].append(line)
    for (offence_code, recorded_crime_code), alike in by_key.items():
        values = sorted({line.days for line in alike})
        yield Weight(
            row_number=alike[0].row_number,
            offence_code=offence_code,
            recorded_crime_code=recorded_crime_code,
            harm_days=round_to_half_day(values[0]),
            harm_days_highest=round_to_half_day(values[-1]),
            published_days="|".join(map(_plain, values)),
            basis=next(line.basis for line in alike if line.days == values[0]),
        )


def _text(cell: object) -> str:
    """Returns a cell as one line of text: whole numbers without a decimal point, infinite or undefined ones empty."""
    if cell is None or isinstance(cell, bool):
        return ""
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return ""
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return " ".join(str(cell).split())


def _plain(days: Decimal) -> str:
    """Returns a number without trailing zeros: 5475, 182.5."""
    text = f"{days:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
