"""Imports a Cambridge Crime Harm Index workbook into the warehouse as a further index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from harmrank.building.project import seed_rows
from harmrank.errors import UsageError
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine import disk
from harmrank.text.wording import plural
from harmrank.weights import comparison
from harmrank.weights.comparison import Comparison
from harmrank.weights.rows import Anomaly, Weight, WorkbookWeights, read_workbook

_INDEX_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MOST_LINES = 20
"""Number of anomalies and of rows that the text names; `--json` has all. The workbook of 2020 has 17 anomalies."""

_StoredRow = tuple[str, str | None, str | None, float, float, str, str, str]


@dataclass(frozen=True)
class ImportReport:
    """What an import reads, and how it differs from the indices that the home has.

    `result` is `imported`, `nothing new` (the home already has these weights) or `refused`. `codes` counts Home Office codes.
    `gross` says what is too odd for a new edition: such an import needs `accept_differences`.
    """

    index_name: str
    file: str
    sha256: str
    result: str
    codes: int
    workbook: WorkbookWeights
    comparisons: tuple[Comparison, ...]
    gross: tuple[str, ...]

    def refusal(self) -> UsageError:
        """Returns the error of a refused import."""
        return UsageError(
            f"{self.file} was not imported: {'; '.join(self.gross)}. If the workbook is right, add --accept-differences."
        )


def import_workbook(
    path: Path,
    index_name: str,
    home: Home,
    sheet: str | None = None,
    score_column: str | None = None,
    accept_differences: bool = False,
) -> ImportReport:
    """Reads a workbook and stores it as the index `index_name`, replacing an earlier import of that name.

    Stores nothing, and makes no home, if the weights differ grossly from the index in use and `accept_differences` is not
    set: the report then says `refused`. The import is one transaction: if it fails, nothing has changed. Raises UsageError
    for an invalid name, a file that is not such a workbook, or one that can be read in two ways; HomeBusy if another process
    works in the home.
    """
    _refuse_bad_name(index_name)
    home.refuse_past_list()
    read = read_workbook(path, sheet, score_column)
    stored = _stored(home)
    comparisons = _comparisons(read.weights, index_name, stored)
    report = ImportReport(
        index_name=index_name,
        file=path.name,
        sha256=disk.sha256_of(path),
        result="imported",
        codes=len({weight.offence_code for weight in read.weights}),
        workbook=replace(read, anomalies=(*read.anomalies, *_unknown_codes(read.weights))),
        comparisons=comparisons,
        gross=(*comparisons[0].gross, *comparison.contradicted(read.contradicted_rows, read.stated_rows)),
    )
    rows = _rows(report)
    if set(rows) == {row for row in stored if row[0] == index_name}:
        return replace(report, result="nothing new", comparisons=report.comparisons[:1])
    if report.gross and not accept_differences:
        return replace(report, result="refused")
    with home.lock(), warehouse.connect(home) as connection:
        _replace_index(connection, index_name, rows)
    return report


def _refuse_bad_name(index_name: str) -> None:
    if not _INDEX_NAME.fullmatch(index_name):
        raise UsageError(
            f"{index_name!r} cannot name an index: use lower-case letters, digits and _, a letter first,"
            " for example cchi_2026."
        )
    if index_name in {row["harm_index"] for row in seed_rows("harm_indices")}:
        raise UsageError(f"{index_name} is an index of harmrank's own: choose another name.")


def _stored(home: Home) -> list[_StoredRow]:
    """Returns the weights imported before; none if there is no warehouse yet."""
    if not home.warehouse.exists():
        return []
    with warehouse.connect(home, read_only=True) as connection:
        return connection.execute(
            """
            SELECT
                harm_index, offence_code, recorded_crime_code, harm_days, harm_days_highest, published_days, basis, source
            FROM raw.imported_weights
            """
        ).fetchall()


def _comparisons(weights: Iterable[Weight], index_name: str, stored: Iterable[_StoredRow]) -> tuple[Comparison, ...]:
    """Returns the comparison with the index in use, then one with the import that is replaced, if that is another index."""
    new = comparison.lowest_by_code((each.offence_code, each.recorded_crime_code, each.harm_days) for each in weights)
    imported: dict[str, list[_StoredRow]] = {}
    for row in stored:
        imported.setdefault(row[0], []).append(row)

    def of(index: str) -> dict[str, float]:
        return comparison.lowest_by_code(row[1:4] for row in imported.get(index, []))

    in_use, scopes = comparison.index_in_use()
    old = comparison.seeded_weights(in_use) or of(in_use)
    if not old:
        in_use = comparison.newest_seeded_index_in_days()
        old = comparison.seeded_weights(in_use)
    pairs = {in_use: old}
    if index_name in imported:
        pairs[index_name] = of(index_name)
    return tuple(comparison.compare(new, index, weights, scopes) for index, weights in pairs.items())


def _unknown_codes(weights: Iterable[Weight]) -> list[Anomaly]:
    known = {row["offence_code"] for row in seed_rows("offences")}
    first_rows: dict[str, int] = {}
    for weight in weights:
        if weight.offence_code not in known:
            first_rows.setdefault(weight.offence_code, weight.row_number)
    return [
        Anomaly(row_number, code, "code that the offences seed does not know", "kept; its crimes stay out of scope")
        for code, row_number in first_rows.items()
    ]


def _rows(report: ImportReport) -> list[_StoredRow]:
    read = report.workbook
    columns = ", ".join(f"{column.used_as} {column.letter}" for column in read.columns)
    accepted = ", differences accepted" if report.gross else ""
    source = (
        f"Workbook {report.file}, SHA-256 {report.sha256}, sheet {read.sheet}, columns {columns}, "
        f"{read.used_rows} of {read.sheet_rows} rows{accepted}"
    )
    return [
        (
            report.index_name,
            weight.offence_code,
            weight.recorded_crime_code,
            weight.harm_days,
            weight.harm_days_highest,
            weight.published_days,
            weight.basis,
            source,
        )
        for weight in read.weights
    ]


def _replace_index(connection: duckdb.DuckDBPyConnection, index_name: str, rows: Sequence[_StoredRow]) -> None:
    connection.execute("BEGIN TRANSACTION")
    try:
        connection.execute("DELETE FROM raw.imported_weights WHERE harm_index = ?", [index_name])
        connection.executemany(
            """
            INSERT INTO raw.imported_weights (
                harm_index, offence_code, recorded_crime_code, harm_days, harm_days_highest, published_days, basis,
                source
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            rows,
        )
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def lines(report: ImportReport) -> list[str]:
    """Returns the report as sentences: what was read where, what was left out, what is odd, what differs."""
    read = report.workbook
    columns = "; ".join(f"{column.used_as} from {column.letter} {column.title!r}" for column in read.columns)
    return [
        f"Sheet {read.sheet!r} of {report.file}, SHA-256 {report.sha256}.",
        f"Columns: {columns}.",
        f"Rows: {read.used_rows} of {read.sheet_rows} used, {read.sheet_rows - read.used_rows} left out.",
        *(
            f"Left out: {plural(len(left_out.row_numbers), 'row')}, {left_out.reason} ({_rows_named(left_out.row_numbers)})."
            for left_out in read.left_out
        ),
        *(f"Sheet {unused.sheet!r} was not read: {unused.why}." for unused in read.unused_sheets),
        *(f"row {a.row_number}, code {a.code or 'none'}: {a.what}; {a.done}" for a in read.anomalies[:_MOST_LINES]),
        *_more(len(read.anomalies)),
        *(line for each in report.comparisons for line in comparison.lines(each, report.index_name)),
        *_ending(report),
    ]


def _rows_named(numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, numbers[:_MOST_LINES]))
    more = len(numbers) - _MOST_LINES
    return f"row {named}" + (f" and {more:,} more" if more > 0 else "")


def _more(anomalies: int) -> list[str]:
    return [f"{anomalies - _MOST_LINES:,} more anomalies: --json lists all."] if anomalies > _MOST_LINES else []


def _ending(report: ImportReport) -> list[str]:
    if report.result == "refused":
        return []
    found = f"{report.codes} offence codes from {len(report.workbook.weights)} weights, {len(report.workbook.anomalies)} anomalies"
    if report.result == "nothing new":
        return [f"{report.index_name}: nothing new, the home already has these {found}."]
    return [f"{report.index_name}: {found}. To rank by it, name it in a row of seeds/ranking_methods.csv."]
