"""Imports a Cambridge Crime Harm Index workbook into the warehouse as a further index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from harmrank.building.project import seed_rows
from harmrank.errors import UsageError
from harmrank.machine import disk
from harmrank.weights.workbook import Anomaly, Weight, read_workbook

_INDEX_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class ImportReport:
    """The result of an import.

    `codes` counts Home Office codes, `rows` the weights (one per Home Office code and recorded-crime code),
    `sheet_rows` the rows of the sheet that are not empty.
    """

    index_name: str
    sheet: str
    codes: int
    rows: int
    sheet_rows: int
    anomalies: tuple[Anomaly, ...]


def import_workbook(path: Path, index_name: str, connection: duckdb.DuckDBPyConnection) -> ImportReport:
    """Reads a workbook and stores it as the index `index_name`, replacing an earlier import of that name.

    `connection` is open for writing on a warehouse with the table raw.imported_weights. The import is one transaction: if
    it fails, nothing has changed. Raises UsageError for an invalid name or a file that is not such a workbook.
    """
    _refuse_bad_name(index_name)
    read = read_workbook(path)
    source = _source(path, read.sheet)
    _replace_index(connection, index_name, source, read.weights)
    codes = {weight.offence_code for weight in read.weights}
    return ImportReport(
        index_name=index_name,
        sheet=read.sheet,
        codes=len(codes),
        rows=len(read.weights),
        sheet_rows=read.sheet_rows,
        anomalies=(*read.anomalies, *_unknown_codes(read.weights)),
    )


def _refuse_bad_name(index_name: str) -> None:
    if not _INDEX_NAME.fullmatch(index_name):
        raise UsageError(
            f"{index_name!r} cannot name an index: use lower-case letters, digits and _, a letter first,"
            " for example cchi_2026."
        )
    if index_name in {row["harm_index"] for row in seed_rows("harm_indices")}:
        raise UsageError(f"{index_name} is an index of harmrank's own: choose another name.")


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


def _source(path: Path, sheet: str) -> str:
    return f"Workbook {path.name}, sheet {sheet}, SHA-256 {disk.sha256_of(path)[:16]}"


def _replace_index(
    connection: duckdb.DuckDBPyConnection, index_name: str, source: str, weights: Sequence[Weight]
) -> None:
    rows = [
        (
            index_name,
            weight.offence_code,
            weight.recorded_crime_code,
            weight.harm_days,
            weight.harm_days_highest,
            weight.published_days,
            weight.basis,
            source,
        )
        for weight in weights
    ]
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
