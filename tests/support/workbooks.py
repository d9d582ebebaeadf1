"""Workbooks of invented harm indices, for the tests of the import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from harmrank.building.project import seed_rows
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.weights.importing import ImportReport, import_workbook
from harmrank.weights.rows import WorkbookWeights

TITLES = ("Home Office Classification", "CCHI 2026 Score", "Classification Code", "Offence", "Starting Point", "Group")
Rows = Sequence[Sequence[object]]


def make_workbook(path: Path, rows: Rows, titles: Sequence[str] = TITLES, lead: int = 0) -> Path:
    """A workbook with a cover sheet and, below `lead` rows of preamble, the titles and rows given."""
    return make_sheets(path, {"Values": [*([f"Note {number}"] for number in range(lead)), titles, *rows]})


def make_sheets(path: Path, sheets: dict[str, Rows], hidden: Sequence[str] = ()) -> Path:
    """A workbook with a cover sheet and sheets of these rows, the titles among them."""
    workbook = openpyxl.Workbook()
    cover = workbook.active
    assert cover is not None
    cover.append(["Crime harm index"])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        sheet.sheet_state = "veryHidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(list(row))
    workbook.save(path)
    return path


def edition(times: dict[str, float] | None = None) -> list[list[Any]]:
    """The rows of a plausible next edition: the figures of the index in use, some codes' multiplied."""
    return [
        [
            row["offence_code"],
            float(row["harm_days"]) * (times or {}).get(row["offence_code"], 1),
            row["recorded_crime_code"],
        ]
        for row in seed_rows("harm_weights")
        if row["harm_index"].startswith("cchi_2020")
    ]


def import_any(path: Path, name: str, home: Home, **asked: Any) -> ImportReport:
    """An import that accepts every difference: most of these workbooks have a few rows."""
    return import_workbook(path, name, home, accept_differences=True, **asked)


def stored(home: Home, index: str) -> list[tuple[Any, ...]]:
    """The weights that a home has of an imported index."""
    with warehouse.connect(home, read_only=True) as connection:
        return connection.execute(
            "SELECT offence_code, recorded_crime_code, harm_days, harm_days_highest, published_days, basis"
            " FROM raw.imported_weights WHERE harm_index = ? ORDER BY ALL",
            [index],
        ).fetchall()


def left_out(read: WorkbookWeights) -> dict[str, tuple[int, ...]]:
    """The rows of the sheet that are left out, by reason."""
    return {rows.reason: rows.row_numbers for rows in read.left_out}
