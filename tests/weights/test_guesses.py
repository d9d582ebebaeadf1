"""Where an import would have to guess, it asks; what it leaves out and what differs from the index in use, it says."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Command
from support.workbooks import TITLES, Rows, edition, import_any, left_out, make_sheets, make_workbook, stored

from harmrank.building.project import seed_rows
from harmrank.errors import UsageError
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.weights import comparison
from harmrank.weights.importing import import_workbook
from harmrank.weights.rows import MOST_DAYS, WorkbookWeights, read_workbook

MURDER = ("001/01", 5475, "1", "Murder")
RAPE = ("019/08", 1825, "19C", "Rape")
SHORT = ("Home Office Classification", "CCHI Score")


def days_of(read: WorkbookWeights) -> dict[str, float]:
    return {weight.offence_code: weight.harm_days for weight in read.weights}


def refusal(path: Path, **asked: Any) -> str:
    with pytest.raises(UsageError) as caught:
        read_workbook(path, **asked)
    return str(caught.value)


def values(*rows: Sequence[object]) -> Rows:
    return [TITLES, *rows]


def test_the_stated_size_of_a_sheet_loses_no_rows(tmp_path: Path) -> None:
    """Tools that add rows may leave the size of the sheet as it was."""
    whole = make_workbook(tmp_path / "whole.xlsx", [(f"{n:03d}/01", n, "1", "") for n in range(1, 60)])
    for size in (b"A1", b"A1:F8", b"A1:B8"):
        with zipfile.ZipFile(whole) as before, zipfile.ZipFile(tmp_path / "cut.xlsx", "w") as after:
            for name in before.namelist():
                content = before.read(name)
                if name.endswith("sheet2.xml"):
                    content, found = re.subn(rb'<dimension ref="[^"]+"', b'<dimension ref="' + size + b'"', content)
                    assert found == 1
                after.writestr(name, content)
        assert read_workbook(tmp_path / "cut.xlsx") == read_workbook(whole)


def test_hidden_and_expired_sheets_are_not_read(tmp_path: Path) -> None:
    """They are named with the reason, and read only on demand."""
    sheets = {
        "CCHI 2020": values(("001/01", 1, "1", "Murder")),
        "EXPIRED offences": values(("001/01", 2, "1", "Murder"), ("019/08", 3, "19C", "Rape")),
        "CCHI 2026": values(MURDER, RAPE),
    }
    path = make_sheets(tmp_path / "w.xlsx", sheets, hidden=["CCHI 2020"])
    read = read_workbook(path)
    assert (read.sheet, days_of(read)) == ("CCHI 2026", {"001/01": 5475, "019/08": 1825})
    assert [(unused.sheet, unused.why) for unused in read.unused_sheets] == [
        ("Sheet", "no column of Home Office codes"),
        ("CCHI 2020", "hidden, 1 row"),
        ("EXPIRED offences", "expired offences, 2 rows"),
    ]
    assert days_of(read_workbook(path, sheet="cchi 2020")) == {"001/01": 1}
    assert "no sheet 'CCHI 2019'" in refusal(path, sheet="CCHI 2019")
    del sheets["CCHI 2026"]
    only = make_sheets(tmp_path / "only.xlsx", sheets, hidden=["CCHI 2020"])
    assert "only sheets that fit are 'CCHI 2020' (hidden, 1 row), 'EXPIRED offences'" in refusal(only)


def test_of_two_sheets_that_fit_none_is_chosen(tmp_path: Path) -> None:
    path = make_sheets(tmp_path / "w.xlsx", {"A": values(MURDER), "Unclear": values(RAPE), "Empty": values()})
    assert "2 sheets could be the index: 'A' (1 row), 'Unclear' (1 row). Choose one with --sheet" in refusal(path)
    assert days_of(read_workbook(path, sheet="Unclear")) == {"019/08": 1825}


@pytest.mark.parametrize(
    "titles",
    [
        ("HO Code", "CCHI Score", "CCHI Score (revised)", "Rank"),
        ("HO Code", "Score 2020", "Score 2026", "Rank"),
        ("HO Code", "Days", "Old weighting", "Rank"),
        ("HO Code", "CCHI Score", "CCHI Score", "Rank"),
        ("HO Code", "CCHI Score", "", "Rank"),
    ],
)
def test_of_two_score_columns_none_is_chosen(titles: Sequence[str], tmp_path: Path) -> None:
    path = make_workbook(tmp_path / "w.xlsx", [("001/01", 1, 5475, 9), ("019/08", 2, "1825", 8)], titles)
    said = refusal(path)
    assert (
        f"2 columns that could be the score: B {titles[1]!r}, C {titles[2]!r}. Choose one with --score-column" in said
    )
    assert days_of(read_workbook(path, score_column="c")) == {"001/01": 5475, "019/08": 1825}
    assert read_workbook(path, score_column=titles[3]).columns[-1].letter == "D"
    assert "no column 'Z'" in refusal(path, score_column="Z")


def test_a_title_over_two_columns_belongs_to_both(tmp_path: Path) -> None:
    """The left of two columns under one merged title is not the score by its place."""
    rows: Rows = [
        ("Notes on the index", None, None, None),
        ("Offence Title", "Home Office Classification", "CCHI Score", None),
        (None, None, 2020, 2026),
        ("Murder", "001/01", 1, 5475),
    ]
    path = make_sheets(tmp_path / "w.xlsx", {"Values": rows})
    workbook = openpyxl.load_workbook(path)
    for cells in ("A2:A3", "B2:B3", "C2:D2"):
        workbook["Values"].merge_cells(cells)
    workbook.save(path)
    assert "C 'CCHI Score 2020', D 'CCHI Score 2026'" in refusal(path)
    assert days_of(read_workbook(path, score_column="CCHI Score 2026")) == {"001/01": 5475}


def test_a_column_of_words_or_without_cells_is_no_score(tmp_path: Path) -> None:
    titles = ("HO Code", "Score from:", "CCHI Score", "Next year's score", "Days of notice")
    rows = [("001/01", "https://example.org/1", 5475, None, "none"), ("019/08", "the guideline", 1825, None, None)]
    read = read_workbook(make_workbook(tmp_path / "w.xlsx", rows, titles))
    assert [(column.used_as, column.letter) for column in read.columns] == [("offence_code", "A"), ("score", "C")]


def test_two_columns_of_codes_are_refused(tmp_path: Path) -> None:
    titles = ("Home Office Classification", "CCHI Score", "Home Office classification")
    path = make_workbook(tmp_path / "w.xlsx", [("001/01", 5475, "019/08")], titles)
    assert "2 columns of Home Office codes: A 'Home Office Classification', C" in refusal(path)


@pytest.mark.parametrize(
    ("score", "days"),
    [("1825", 1825), (" 547.5\u00a0", 547.5), ("1825.0", 1825), ("365 days", 365), ("1 DAY", 1), ("0.125", 0), ("1825.125", 1825),
     (MOST_DAYS, MOST_DAYS), (0, 0)],
)  # fmt: skip
def test_a_score_with_one_meaning_is_read(score: object, days: float, tmp_path: Path) -> None:
    assert days_of(read_workbook(make_workbook(tmp_path / "w.xlsx", [("001/01", score)], SHORT))) == {"001/01": days}


def test_a_score_with_two_meanings_is_refused_by_its_cell(tmp_path: Path) -> None:
    """Also what is no number of days at all: each would be a wrong weight, or a code without one."""
    scores = [
        "1.825", "547,5", "1,825", "5.475,0", "1 460", "19,0", "1.825 days", "5 years", "18 months", "19%", "\u2019252", "1e3", "365-730",
        date(2026, 1, 5), timedelta(days=3), MOST_DAYS + 0.5, 46000, "#REF!",
    ]  # fmt: skip
    for first in range(0, len(scores), 9):
        held = scores[first : first + 9]
        rows = [(f"{number:03d}/01", score) for number, score in enumerate(held, 1)]
        said = refusal(make_workbook(tmp_path / "w.xlsx", rows, SHORT))
        for number, score in enumerate(held, 2):
            assert re.search(rf"\bB{number}: ", said), (score, said)
    percent = openpyxl.load_workbook(make_workbook(tmp_path / "p.xlsx", [("001/01", 0.19)], SHORT))
    percent["Values"]["B2"].number_format = "0%"
    percent.save(tmp_path / "p.xlsx")
    assert "B2: a percentage, 19 %" in refusal(tmp_path / "p.xlsx")


def test_a_formula_without_its_value_is_refused(tmp_path: Path) -> None:
    """Excel stores the values of formulas, other programs may not. Text beside the table may be formulas."""
    rows = [("001/01", "=15*365"), ("019/08", 1825)]
    path = make_workbook(tmp_path / "w.xlsx", [*rows, *((f"{n:03d}/02", "=2") for n in range(20))], SHORT)
    said = refusal(path)
    assert "B2, B4, B5" in said and "and more: a formula whose value is not saved" in said and "B3" not in said
    assert days_of(read_workbook(make_workbook(tmp_path / "v.xlsx", [("019/08", 1825, "=1")], (*SHORT, "Remark")))) == {
        "019/08": 1825
    }


@pytest.mark.parametrize("code", [date(2026, 1, 5), 5.1, "19.08", 19.8])
def test_a_code_that_may_be_two_is_refused_by_its_cell(code: object, tmp_path: Path) -> None:
    """5/1 that became a date may be 005/01 or 001/05; 5.1 may be 005/01 or 005/10."""
    assert "A3: " in refusal(make_workbook(tmp_path / "w.xlsx", [("001/01", 1), (code, 2)], SHORT))


@pytest.mark.parametrize("code", [4.1, date(2026, 1, 4)])
def test_a_recorded_crime_code_that_may_be_two_is_refused(code: object, tmp_path: Path) -> None:
    assert "C2: " in refusal(make_workbook(tmp_path / "w.xlsx", [("004/01", 1, code)]))
    assert (
        read_workbook(make_workbook(tmp_path / "v.xlsx", [("004/01", 1, 105)])).weights[0].recorded_crime_code == "105"
    )


def test_eaten_zeros_of_codes_are_restored(tmp_path: Path) -> None:
    read = read_workbook(make_workbook(tmp_path / "w.xlsx", [(806, 10), (1908, 1825), (10501, 1), ("5/1", 4)], SHORT))
    assert days_of(read) == {"008/06": 10, "019/08": 1825, "105/01": 1, "005/01": 4}
    assert [anomaly.done for anomaly in read.anomalies][:2] == ["read as 008/06", "read as 019/08"]


def test_expired_rows_are_left_out_and_never_win_as_the_lowest(tmp_path: Path) -> None:
    titles = (*TITLES, "Comment", "Expired?")
    rows: Rows = [
        (*RAPE, "5 years' custody", None, None, "No"),
        (*MURDER, None, None, None, date(9999, 12, 31)),
        ("019/08", 10, "19A", "Rape of a female - EXPIRED 30/04/04"),
        ("019/08", 9, "19A", "(Expired 2017) Rape"),
        ("019/08", 8, "19A", "Rape, expired"),
        ("019/08", 7, "19A", "Rape", None, None, "Expired 30/04/04"),
        ("019/08", 6, "19A", "Rape", None, None, "code EXPIRED"),
        ("019/08", 5, "19A", "Rape", None, None, None, "Y"),
        ("019/08", 4, "19A", "Rape", None, None, None, date(2004, 4, 30)),
        ("019/08 EXPIRED", 3, "19A", "Rape"),
        ("020/05", 19, "20A", "Sexual assault", "as for the EXPIRED 020/01", None, "used for an expired code", "n/a"),
        ("005/01", 1460, "5D", "Wounding, not expired"),
        (None, None, None, "Expired offences have a sheet of their own"),
    ]
    read = read_workbook(make_workbook(tmp_path / "w.xlsx", rows, titles))
    assert left_out(read) == {"expired": (4, 5, 6, 7, 8, 9, 10, 11, 14)}
    assert days_of(read) == {"019/08": 1825, "001/01": 5475, "020/05": 19, "005/01": 1460}
    assert (read.used_rows, read.sheet_rows) == (4, 13)


@pytest.mark.parametrize("column", range(4))
def test_a_heading_of_expired_rows_is_refused(column: int, tmp_path: Path) -> None:
    """In whichever column it stands; below it harmrank cannot know what is expired. Titles may be repeated."""
    heading = ["EXPIRED OFFENCES" if position == column else None for position in range(4)]
    path = make_workbook(tmp_path / "w.xlsx", [MURDER, heading, RAPE])
    assert "row 3 says expired without a code and a score, and row 4 below it has both" in refusal(path)
    titles = (*TITLES, "Expired")
    assert len(days_of(read_workbook(make_workbook(tmp_path / "v.xlsx", [MURDER, titles, RAPE], titles)))) == 2


def test_blank_rows_totals_and_notes_are_no_offences(tmp_path: Path) -> None:
    rows: Rows = [
        MURDER,
        (),
        (None, None),
        RAPE,
        (516, 999_999, None, "Total"),
        ("Grand total", 7),
        (None, None, None, "Note: 2"),
    ]
    read = read_workbook(make_workbook(tmp_path / "w.xlsx", rows))
    assert days_of(read) == {"001/01": 5475, "019/08": 1825}
    assert left_out(read) == {"a row of totals": (6, 7), "no code and no score (a heading or a note)": (8,)}


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("w.csv", b"HO Code;Score\n019/08;1825\n", "a text file (CSV)"),
        ("w.ods", b"PK\x03\x04not really", "an OpenDocument spreadsheet"),
        ("w.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls), or one with a password"),
        ("w.xlsx", {"content.xml": ""}, "an OpenDocument spreadsheet"),
        ("w.xlsx", {"xl/workbook.bin": ""}, "a binary Excel workbook"),
        ("w.xlsx", {"xl/workbook.xml": '<workbook xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"/>'}, "a Strict Open XML"),
    ],
)  # fmt: skip
def test_other_formats_are_named_with_the_remedy(
    name: str, content: bytes | dict[str, str], what: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for part, words in content.items():
                archive.writestr(part, words)
    said = refusal(path)
    assert what in said and "save it as Excel Workbook (.xlsx)" in said


def hundred_days(scope: str, count: int) -> dict[str, float]:
    """Weights of 100 days for so many codes of a scope."""
    codes = [row["offence_code"] for row in seed_rows("offences") if row["vawg_scope"] == scope]
    return dict.fromkeys(codes[:count], 100.0)


@pytest.mark.parametrize(
    ("change", "count", "gross"),
    [
        ("gone", 9, ""),
        ("gone", 10, "10 of the 100 codes in scope that cchi_2020 weighs would have no weight"),
        ("gone out of scope", 18, ""),
        ("gone out of scope", 19, "20 of the 200 codes that cchi_2020 weighs would have no weight"),
        (9.9, 5, ""),
        (10, 1, ""),
        (10, 2, "2 of 100 weights in scope would move tenfold or more"),
        (1 / 10, 2, "2 of 100 weights in scope would move tenfold or more"),
        (99.9, 1, ""),
        (100, 1, "1 code in scope would move a hundredfold or more: "),
        (1 / 100, 1, "1 code in scope would move a hundredfold or more: "),
        (0, 1, "1 code in scope would move a hundredfold or more: "),
        (1.9, 100, ""),
        (2, 100, "the typical weight would be 2 times that of cchi_2020"),
        (1 / 2, 100, "the typical weight would be 0.5 times that of cchi_2020"),
    ],
)
def test_the_differences_that_an_import_refuses(change: str | float, count: int, gross: str) -> None:
    """Each share exactly, and just beside it. Codes out of scope may move, and are listed."""
    inside, outside = hundred_days("in", 100), hundred_days("out", 98)
    old = {**inside, **outside, "053B": 1.0, "061/22": 1.0}
    new = {**inside, **outside, "061/22": 5000.0}
    for code in list(outside if change == "gone out of scope" else inside)[:count]:
        if isinstance(change, str):
            del new[code]
        else:
            new[code] *= change
    found = comparison.compare(new, "cchi_2020", old, ["in"])
    assert len(found.gross) == bool(gross) and all(gross in reason for reason in found.gross)
    assert (found.gone[-1], found.moved[-1].code) == ("053B", "061/22")


def test_scores_that_contradict_their_own_row_are_refused(tmp_path: Path) -> None:
    """Scores that slipped by a row: most neighbours are alike, so the comparison with the index in use sees nothing."""
    assert list(comparison.contradicted(1, 51)) == []
    assert list(comparison.contradicted(1, 50)) == ["1 of 50 scores contradict the starting point in their own row"]
    rows = [(code, days, prc, "", "Band B fine" if days == 2 else "") for code, days, prc in edition()]
    right = import_workbook(make_workbook(tmp_path / "w.xlsx", rows), "cchi_2026", Home(tmp_path / "home"))
    assert (right.result, right.workbook.contradicted_rows) == ("imported", 0)
    slipped = [(*row[:1], later[1], *row[2:]) for row, later in zip(rows, [*rows[1:], rows[0]], strict=True)]
    wrong = import_workbook(make_workbook(tmp_path / "w.xlsx", slipped), "cchi_2026", Home(tmp_path / "home"))
    assert wrong.result == "refused" and "contradict" in wrong.gross[-1]


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    """No program writes them on purpose, and the reader would drop them."""
    whole = make_workbook(tmp_path / "whole.xlsx", [MURDER, RAPE])
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(tmp_path / "w.xlsx", "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(b'<row r="3"', b'<row r="2"'))
    assert "rows out of order" in refusal(tmp_path / "w.xlsx")


def test_a_plausible_edition_is_imported_and_a_wrong_unit_is_not(tmp_path: Path) -> None:
    """A refused import makes no home, and changes nothing in one."""
    home = Home(tmp_path / "home")
    titles = (*SHORT, "Classification Code")
    right = make_workbook(tmp_path / "right.xlsx", edition({"008/06": 18.25, "028/03": 3}), titles)
    in_years = make_workbook(
        tmp_path / "wrong.xlsx", [[code, days / 365, prc] for code, days, prc in edition()], titles
    )
    assert import_workbook(in_years, "cchi_2026", home).result == "refused"
    assert not home.root.exists()
    report = import_workbook(right, "cchi_2026", home)
    moved = [(move.code, move.was, move.becomes, move.in_scope) for move in report.comparisons[0].moved]
    assert (report.result, moved) == ("imported", [("008/06", 10.0, 182.5, True)])
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*")}
    assert import_workbook(in_years, "cchi_2026", home).result == "refused"
    assert import_workbook(right, "cchi_2026", home).result == "nothing new"
    assert {path: path.stat().st_mtime_ns for path in home.root.rglob("*")} == before
    again = import_any(in_years, "cchi_2026", home)
    assert (again.result, [each.index for each in again.comparisons]) == (
        "imported",
        ["cchi_2020_supplemented", "cchi_2026"],
    )
    with warehouse.connect(home, read_only=True) as connection:
        sources = connection.execute("SELECT DISTINCT source FROM raw.imported_weights").fetchall()
    assert sources == [
        (
            f"Workbook wrong.xlsx, SHA-256 {again.sha256}, sheet Values, columns offence_code A, recorded_crime_code C, score B, "
            f"{again.workbook.used_rows} of {again.workbook.sheet_rows} rows, differences accepted",
        )
    ]


def test_the_index_in_use_may_be_an_imported_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, and with an index in other units, the newest index in days of harmrank's own is compared."""
    home, path = Home(tmp_path / "home"), make_workbook(tmp_path / "w.xlsx", [MURDER, RAPE])
    for in_use in ("cchi_2026", "ons_css_2020", "crime_count"):
        monkeypatch.setattr(comparison, "index_in_use", lambda in_use=in_use: (in_use, ("in",)))
        assert import_workbook(path, "cchi_2026", home).comparisons[0].index == "cchi_2020_supplemented"
    monkeypatch.setattr(comparison, "index_in_use", lambda: ("cchi_2026", ("in",)))
    import_any(path, "cchi_2026", home)
    only_murder = make_workbook(tmp_path / "v.xlsx", [MURDER])
    report = import_workbook(only_murder, "cchi_2027", home)
    assert (report.result, report.comparisons[0].gone) == ("refused", ("019/08", "19C"))
    assert len(stored(home, "cchi_2026")) == 2


def test_the_command_says_what_it_read(tmp_path: Path, harmrank: Command) -> None:
    """As text and as JSON, also where it refuses."""
    sheets = {
        "Index": values(MURDER, RAPE, ("020/05", 5, "20A", "Sexual assault - EXPIRED")),
        "Expired": values(MURDER),
    }
    path, home = make_sheets(tmp_path / "w.xlsx", sheets), tmp_path / "home"
    command = ("weights", "import", path, "--name", "cchi_2026", "--home", home)
    done = harmrank(*command)
    assert (done.returncode, home.exists()) == (2, False)
    for line in (
        "Sheet 'Index' of w.xlsx, SHA-256 ",
        "score from B 'CCHI 2026 Score'",
        "Rows: 2 of 3 used, 1 left out.",
        "Left out: 1 row, expired (row 4).",
        "Sheet 'Expired' was not read: expired offences, 1 row.",
        "Compared with cchi_2020_supplemented: 4 of its 638 codes kept, 0 with another weight; 0 new.",
        "Gone: 634, in scope 217: ",
    ):
        assert line in done.stdout
    assert "217 of the 221 codes in scope" in done.stderr and "add --accept-differences" in done.stderr
    refused = harmrank(*command, "--json")
    assert (refused.returncode, json.loads(refused.stdout)["result"]) == (2, "refused")
    accepted = harmrank(*command, "--json", "--accept-differences")
    report = json.loads(accepted.stdout)
    assert (accepted.returncode, report["result"], report["workbook"]["used_rows"]) == (0, "imported", 2)
    assert report["workbook"]["left_out"] == [{"reason": "expired", "row_numbers": [4]}]
    assert "nothing new" in harmrank(*command).stdout
