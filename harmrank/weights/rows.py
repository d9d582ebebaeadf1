"""Reads the rows of a sheet of weights: what each weighs, what is odd about it, and why it is left out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

from harmrank.errors import UsageError
from harmrank.machine.clock import utc_now
from harmrank.weights.starting_points import contradicted_days, words_of
from harmrank.weights.workbook import EXPIRED, Column, Odd, Sheet, UnusedSheet, find_sheet, text

MOST_DAYS = 36_500
"""A hundred years. The gravest offence of an index has fifteen; a date that became a number has more than this."""

_HOME_OFFICE_CODE = re.compile(r"(\d{3})/(\d{2})")
_LOOSE_HOME_OFFICE_CODE = re.compile(r"(\d{1,3})\s*/\s*(\d{1,2})")
_BARE_HOME_OFFICE_CODE = re.compile(r"\d{3,5}")
_DECIMAL = re.compile(r"\d+[.,]\d+")
_RECORDED_CRIME_CODE = re.compile(r"\d{1,3}(\.\d{1,2})?[A-Z]?|NFIB")
# What the index writes for an offence without a recorded-crime class.
_NO_RECORDED_CRIME_CODE = frozenset({"", "NN", "ASB"})
_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
_TOTAL = re.compile(r"(grand |sub-?)?totals?\b", re.IGNORECASE)
# A figure as text. One to three digits, a point and three digits may be thousands as well as a fraction.
_DAYS = re.compile(r"(?![1-9]\d{0,2}\.\d{3}\b)(\d+(?:\.\d+)?)(?: days?)?", re.ASCII | re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_TITLE_OF_TITLES = re.compile(r"title|description|^offence( name)?$", re.IGNORECASE)
_TITLE_OF_EXPIRY = re.compile(r"expired|expiry|end date|valid (to|until)", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:19|20|99)\d\d\b")
_NOT_EXPIRED = frozenset({"", "-", "0", "f", "false", "n", "n/a", "#n/a", "no", "not expired", "current"})
_MOST_CELLS = 10
"""Number of cells that a refusal names: enough to see what they have in common."""
_LONGEST = 40
"""Characters of a refused cell that are shown."""


@dataclass(frozen=True)
class Anomaly:
    """One oddity of the sheet: its row in the spreadsheet, the code as written, what is odd, and what was done."""

    row_number: int
    code: str
    what: str
    done: str


@dataclass(frozen=True)
class LeftOut:
    """The rows that are left out for one reason, by their number in the spreadsheet."""

    reason: str
    row_numbers: tuple[int, ...]


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
    """The content of a workbook: what was read where, its weights in the order of the sheet, and its anomalies.

    `sheet_rows` counts the rows of the sheet that are not empty: those used and those left out. Of the used rows,
    `stated_rows` have a starting point with one measure, and it contradicts the score of `contradicted_rows`.
    """

    sheet: str
    columns: tuple[Column, ...]
    unused_sheets: tuple[UnusedSheet, ...]
    sheet_rows: int
    used_rows: int
    stated_rows: int
    contradicted_rows: int
    left_out: tuple[LeftOut, ...]
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
    starting_point: str
    basis: str

    @property
    def contradicted_days(self) -> Decimal | None:
        """The days of the starting point, if they contradict the score."""
        return contradicted_days(self.starting_point, self.days)


@dataclass
class _Findings:
    anomalies: list[Anomaly] = field(default_factory=list)
    left_out: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    refused_cells: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row_number: int, code: str, what: str, done: str) -> None:
        self.anomalies.append(Anomaly(row_number, code, what, done))

    def refuse(self, sheet: Sheet, row_number: int, row: Sequence[object], column: str) -> None:
        """Notes a cell that cannot be read, or can be read in two ways."""
        cell = sheet.cell(row, column)
        held = cell.what if isinstance(cell, Odd) else repr(text(cell)[:_LONGEST])
        self.refused_cells[held].append(sheet.address(row_number, column))


def read_workbook(path: Path, sheet: str | None = None, score_column: str | None = None) -> WorkbookWeights:
    """Returns the weights of a workbook, without storing them.

    `sheet` and `score_column` (a title or a letter) say what to read where several would fit. Raises UsageError if the file
    is not such a workbook, if several fit, or if a figure or a code can be read in two ways.
    """
    found, unused = find_sheet(path, sheet, score_column)
    findings = _Findings()
    lines = list(_lines(found, findings))
    where = f"{path.name}: sheet {found.name!r}"
    if findings.refused_cells:
        raise UsageError(
            f"{where} has cells that harmrank will not guess: {_cells(findings.refused_cells)}. Each score must be a number of "
            "days such as 1825 or 547.5, each code text such as 019/08: correct the cells, save in Excel or LibreOffice Calc "
            "(which also saves the values of formulas), and import again."
        )
    if not lines:
        left_out = "; ".join(f"{len(rows)} {reason}" for reason, rows in findings.left_out.items())
        raise UsageError(
            f"{where} has no row with a Home Office code and a score{f' (left out: {left_out})' if left_out else ''}."
        )
    _find_contradictions(lines, findings)
    _find_duplicates(lines, findings)
    _find_several_values(lines, findings)
    return WorkbookWeights(
        sheet=found.name,
        columns=found.columns_used(),
        unused_sheets=unused,
        sheet_rows=len(lines) + sum(map(len, findings.left_out.values())),
        used_rows=len(lines),
        stated_rows=sum(words_of(line.starting_point) is not None for line in lines),
        contradicted_rows=sum(line.contradicted_days is not None for line in lines),
        left_out=tuple(LeftOut(reason, tuple(rows)) for reason, rows in findings.left_out.items()),
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


def _cells(refused: dict[str, list[str]]) -> str:
    """Returns the refused cells by what they hold."""
    shown = [
        f"{', '.join(cells[:_MOST_CELLS])}{' and more' if len(cells) > _MOST_CELLS else ''}: {what}"
        for what, cells in refused.items()
    ]
    more = len(shown) - _MOST_CELLS
    return "; ".join(shown[:_MOST_CELLS]) + (f"; and {more:,} other values" if more > 0 else "")


def _lines(sheet: Sheet, findings: _Findings) -> Iterator[_Line]:
    """Yields the usable rows. Raises UsageError for a row that says expired, of no offence, above rows that are used."""
    heading: int | None = None
    for row_number, row in enumerate(sheet.rows, start=sheet.first_row):
        if not any(map(text, row)):
            continue
        code, score = (text(sheet.cell(row, column)) for column in ("offence_code", "score"))
        is_expired = _is_expired(sheet, row)
        if is_expired and not _DIGIT.search(code + score):
            heading = row_number
        reason = "expired" if is_expired else _reason(sheet, row, code, score)
        if reason:
            findings.left_out[reason].append(row_number)
            continue
        if heading is not None:
            raise UsageError(
                f"sheet {sheet.name!r}: row {heading} says expired without a code and a score, and row {row_number} below it has "
                "both: move the expired offences to a sheet of their own, or write EXPIRED into each of their rows."
            )
        offence_code = _read_code(sheet, row_number, row, findings)
        days = _read_days(sheet, row_number, row, findings)
        if offence_code is not None and days is not None:
            yield _line(sheet, row_number, row, offence_code, days, findings)


def _reason(sheet: Sheet, row: Sequence[object], code: str, score: str) -> str | None:
    """Returns why a row cannot be used, or None if it has a code and a score of some kind."""
    if _TOTAL.match(code) or _TOTAL.match(text(sheet.cell(row, "title"))):
        return "a row of totals"
    if not code:
        return "a score without a Home Office code" if score else "no code and no score (a heading or a note)"
    if not isinstance(sheet.cell(row, "offence_code"), Odd) and not _DECIMAL.fullmatch(code) and not _as_code(code):
        return "unreadable Home Office code"
    if not score:
        return "no score"
    if not _DIGIT.search(score) and not isinstance(sheet.cell(row, "score"), Odd):
        return "the score is no number"
    return "negative score" if score.startswith("-") else None


def _is_expired(sheet: Sheet, row: Sequence[object]) -> bool:
    """Whether the row is marked as expired.

    A mark is the word in a title; the word in capitals or at the beginning in any other cell, except where the index
    explains a starting point; or anything but a no or a later year in a column with a title such as Expired or End date.
    """
    explained = {sheet.columns.get(column) for column in ("note", "starting_point")}
    for position, cell in enumerate(row):
        words = text(cell)
        title = sheet.titles[position] if position < len(sheet.titles) else ""
        if position in explained or not words or words == title:
            continue
        if _TITLE_OF_EXPIRY.search(title):
            is_to_come = any(int(year) > utc_now().year for year in _YEAR.findall(words))
            if words.casefold() not in _NOT_EXPIRED and not is_to_come:
                return True
        elif (mark := EXPIRED.search(words)) and (
            _TITLE_OF_TITLES.search(title) or mark[0].isupper() or mark.start() <= 1
        ):
            return True
    return False


def _as_code(as_written: str) -> str | None:
    """Returns a Home Office code in its one form, `019/08`; None if the text is none."""
    if loose := _LOOSE_HOME_OFFICE_CODE.fullmatch(as_written):
        return f"{int(loose[1]):03d}/{int(loose[2]):02d}"
    if _BARE_HOME_OFFICE_CODE.fullmatch(as_written):
        digits = as_written.zfill(5)
        return f"{digits[:3]}/{digits[3:]}"
    return None


def _read_code(sheet: Sheet, row_number: int, row: Sequence[object], findings: _Findings) -> str | None:
    """Returns the code of a row. A date or a decimal, which may stand for several codes, is a refused cell."""
    as_written = text(sheet.cell(row, "offence_code"))
    code = _as_code(as_written)
    if code is None:
        findings.refuse(sheet, row_number, row, "offence_code")
    elif code != as_written:
        findings.add(row_number, as_written, "malformed Home Office code", f"read as {code}")
    return code


def _read_days(sheet: Sheet, row_number: int, row: Sequence[object], findings: _Findings) -> Decimal | None:
    """Returns the score of a row. What is no plain number of days, or can be read in two ways, is a refused cell."""
    cell = sheet.cell(row, "score")
    as_written = text(cell)
    if isinstance(cell, (int, float)):
        days = Decimal(as_written)
    else:
        match = None if isinstance(cell, Odd) else _DAYS.fullmatch(as_written)
        days = Decimal(match[1]) if match else Decimal("nan")
    if not days.is_finite() or days > MOST_DAYS:
        findings.refuse(sheet, row_number, row, "score")
        return None
    if days == 0:
        code = text(sheet.cell(row, "offence_code"))
        findings.add(row_number, code, "score 0: its crimes will weigh nothing", "the score was kept")
    return days


def _line(
    sheet: Sheet, row_number: int, row: Sequence[object], offence_code: str, days: Decimal, findings: _Findings
) -> _Line:
    as_written, starting_point = (text(sheet.cell(row, column)) for column in ("offence_code", "starting_point"))
    if _ADDRESS.search(text(sheet.cell(row, "group"))):
        findings.add(row_number, as_written, "group holds a web address", "ignored: the group is not used")
    return _Line(
        row_number=row_number,
        code_as_written=as_written,
        offence_code=offence_code,
        recorded_crime_code=_read_recorded_crime_code(row_number, as_written, sheet, row, findings),
        title=text(sheet.cell(row, "title")),
        days=days,
        starting_point=starting_point,
        basis=_basis(starting_point, text(sheet.cell(row, "note"))),
    )


def _read_recorded_crime_code(
    row_number: int, code: str, sheet: Sheet, row: Sequence[object], findings: _Findings
) -> str | None:
    """Returns the recorded-crime code of a row. A date or a decimal number is a refused cell: 4.1 and 4.10 are two codes."""
    cell = sheet.cell(row, "recorded_crime_code")
    as_written = text(cell)
    if isinstance(cell, Odd) or (isinstance(cell, float) and not cell.is_integer()):
        findings.refuse(sheet, row_number, row, "recorded_crime_code")
        return None
    try:
        return normalise_recorded_crime_code(as_written)
    except ValueError:
        findings.add(row_number, code, f"{as_written!r} is not a recorded-crime code", "left blank")
        return None


def _basis(starting_point: str, note: str) -> str:
    """Returns the basis of the weight: facts of the sheet in our own words, since its sentences belong to its authors."""
    stated = words_of(starting_point) or "starting point not stated as one measure"
    return f"{stated}; the index has a note on this offence" if note else stated


def _find_contradictions(lines: Sequence[_Line], findings: _Findings) -> None:
    for line in lines:
        if line.contradicted_days is not None:
            findings.add(
                line.row_number,
                line.code_as_written,
                f"score {plain(line.days)}, but the starting point {line.starting_point!r} means {plain(line.contradicted_days)}",
                "the score was kept",
            )


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
                f"one Home Office code, several values: {', '.join(map(plain, values))}",
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
            published_days="|".join(map(plain, values)),
            basis=next(line.basis for line in alike if line.days == values[0]),
        )


def plain(days: Decimal) -> str:
    """Returns a number without trailing zeros: 5475, 182.5."""
    shown = f"{days:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
