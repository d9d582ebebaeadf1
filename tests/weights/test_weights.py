"""The import of an official workbook: what it reads, reports and refuses."""

from __future__ import annotations

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest
from support.workbooks import import_any, left_out, make_workbook, stored

from harmrank.errors import UsageError
from harmrank.home.folder import Home
from harmrank.home.warehouse import connect
from harmrank.weights.importing import import_workbook
from harmrank.weights.rows import Anomaly, round_to_half_day
from harmrank.weights.starting_points import contradicted_days, words_of

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = Path(os.environ.get("HARMRANK_REFERENCE", ROOT.parent / "shared" / "reference"))
WORKBOOK = REFERENCE / "cchi_2020_workbook.xlsx"

with_workbook = pytest.mark.skipif(
    not WORKBOOK.is_file(), reason="HARMRANK_REFERENCE does not name a folder with the official workbook"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@with_workbook
def test_the_2020_workbook_has_exactly_the_weights_of_the_seed(home: Home) -> None:
    """It also passes the comparison with the index in use: no row is left out, and only the supplement is gone."""
    report = import_workbook(WORKBOOK, "cchi_2020_again", home)
    assert (report.result, report.comparisons[0].gone, report.workbook.left_out) == (
        "imported",
        ("008/77", "008/78"),
        (),
    )
    with (ROOT / "seeds" / "harm_weights.csv").open(encoding="utf-8", newline="") as file:
        seeded = [
            (
                row["offence_code"],
                row["recorded_crime_code"] or None,
                float(row["harm_days"]),
                float(row["harm_days_highest"]),
                row["published_days"],
                row["basis"],
            )
            for row in csv.DictReader(file)
            if row["harm_index"] == "cchi_2020"
        ]
    held = stored(home, "cchi_2020_again")
    assert set(held) == set(seeded)
    assert len(held) == len(seeded) == len(report.workbook.weights)
    assert (report.codes, report.workbook.sheet_rows) == (516, 698)


@with_workbook
def test_the_known_anomalies_of_the_2020_workbook_are_reported(home: Home) -> None:
    anomalies = import_workbook(WORKBOOK, "cchi_2020_again", home).workbook.anomalies

    def codes(words: str) -> set[str]:
        return {anomaly.code for anomaly in anomalies if words in anomaly.what}

    assert codes("malformed") == {"00200"}
    assert codes("starting point") == {"008/67", "070/18", "081/71"}
    assert len(codes("several values")) == 11
    assert codes("same code and title") == {"068/07"}
    assert codes("web address") == {"111/05"}
    assert len(anomalies) == 17


def test_a_layout_of_another_year_is_read(tmp_path: Path, home: Home) -> None:
    """Columns are found by their titles, in any order and below a preamble."""
    titles = ("Notes", "Harm Score 2026 (days)", "HO Code", "Offence Title")
    path = make_workbook(tmp_path / "w.xlsx", [("x", "1825", "19/8", "Rape")], titles, lead=5)
    report = import_any(path, "cchi_2026", home)
    assert (report.workbook.sheet, report.codes, report.workbook.used_rows) == ("Values", 1, 1)
    assert stored(home, "cchi_2026") == [
        ("019/08", None, 1825.0, 1825.0, "1825", "starting point not stated as one measure")
    ]
    assert report.workbook.anomalies == (Anomaly(7, "19/8", "malformed Home Office code", "read as 019/08"),)


def test_oddities_of_rows_are_reported_and_good_rows_stay(tmp_path: Path, home: Home) -> None:
    rows: list[tuple[object, ...]] = [
        ("001/01", 5475, "1", "Murder", "15 years' custody", "VIOLENCE"),
        (None, 10, "1", "No code", None, None),
        ("rape", 10, "19C", "Unreadable code", None, None),
        ("019/08", None, "19C", "No score", None, None),
        ("019/08", "soon", "19C", "Unreadable score", None, None),
        ("019/08", -3, "19C", "Negative score", None, None),
        (None, None, None, None, None, None),
        ("002/00", 19, "2?", "No such recorded-crime code", "High level community order", "https://example.org"),
        ("998/98", 2, "NN", "Not in the seed", "Band B fine", None),
    ]
    report = import_any(make_workbook(tmp_path / "w.xlsx", rows), "cchi_2026", home)
    assert [(row[0], row[1], row[2]) for row in stored(home, "cchi_2026")] == [
        ("001/01", "1", 5475.0),
        ("002/00", None, 19.0),
        ("998/98", None, 2.0),
    ]
    assert left_out(report.workbook) == {
        "a score without a Home Office code": (3,),
        "unreadable Home Office code": (4,),
        "no score": (5,),
        "the score is no number": (6,),
        "negative score": (7,),
    }
    assert (report.workbook.used_rows, report.workbook.sheet_rows) == (3, 8)
    assert [(anomaly.row_number, anomaly.what) for anomaly in report.workbook.anomalies] == [
        (9, "group holds a web address"),
        (9, "'2?' is not a recorded-crime code"),
        (10, "code that the offences seed does not know"),
    ]


def test_several_values_keep_lowest_and_highest(tmp_path: Path, home: Home) -> None:
    rows = [("008/01", 547.5, "8N", "b", "18 months", ""), ("008/01", 19, "8N", "a", "High level community order", "")]
    import_any(make_workbook(tmp_path / "w.xlsx", rows), "cchi_2026", home)
    assert stored(home, "cchi_2026") == [("008/01", "8N", 19.0, 547.5, "19|547.5", "high level community order")]


def test_a_second_import_replaces_only_its_own_index(tmp_path: Path, home: Home) -> None:
    first = make_workbook(tmp_path / "a.xlsx", [("001/01", 5475, "1", "", "", ""), ("019/08", 1825, "19C", "", "", "")])
    second = make_workbook(tmp_path / "b.xlsx", [("001/01", 6000, "1", "", "", "")])
    import_any(first, "cchi_2023", home)
    import_any(first, "cchi_2026", home)
    import_any(second, "cchi_2026", home)
    assert [row[2] for row in stored(home, "cchi_2026")] == [6000.0]
    assert len(stored(home, "cchi_2023")) == 2
    with connect(home, read_only=True) as connection:
        sources = connection.execute("SELECT count(DISTINCT source) FROM raw.imported_weights").fetchone()
    assert sources == (2,)


@pytest.mark.parametrize("name", ["cchi_2020", "crime_count", "CCHI", "2026", "a-b", "", "x'; drop table y", "cchi\n"])
def test_taken_and_invalid_names_are_refused(name: str, tmp_path: Path, home: Home) -> None:
    path = make_workbook(tmp_path / "w.xlsx", [("001/01", 5475, "1", "", "", "")])
    with pytest.raises(UsageError, match="name"):
        import_any(path, name, home)
    assert not home.root.exists()


def refused(path: Path, home: Home) -> str:
    with pytest.raises(UsageError) as caught:
        import_any(path, "cchi_2026", home)
    return str(caught.value)


def test_files_that_are_not_workbooks_are_refused_in_one_sentence(tmp_path: Path, home: Home) -> None:
    whole = make_workbook(tmp_path / "whole.xlsx", [("001/01", 5475, "1", "", "", "")]).read_bytes()
    for name, content in {"text.xlsx": b"offence,score\n", "cut.xlsx": whole[:900], "empty.xlsx": b""}.items():
        (tmp_path / name).write_bytes(content)
        assert "cannot be read as an .xlsx workbook" in refused(tmp_path / name, home)
    (tmp_path / "table.csv").write_bytes(b"a,b\n")
    assert "cannot be read as an .xlsx workbook" in refused(tmp_path / "table.csv", home)
    assert "is not a file" in refused(tmp_path / "missing.xlsx", home)


def test_a_damaged_sheet_leaves_the_earlier_import_unchanged(tmp_path: Path, home: Home) -> None:
    """Damaged bytes within the archive raise an error while rows are read, after the workbook has been opened."""
    path = make_workbook(tmp_path / "w.xlsx", [(f"{n:03d}/01", n, "1", "", "", "") for n in range(1, 900)])
    import_any(path, "cchi_2026", home)
    before = stored(home, "cchi_2026")
    content = bytearray(path.read_bytes())
    # The second sheet is by far the largest part of the archive: its middle is the archive's middle.
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    assert "cannot be read" in refused(path, home)
    assert stored(home, "cchi_2026") == before


def test_sheets_without_the_columns_are_refused_by_name(tmp_path: Path, home: Home) -> None:
    no_score = make_workbook(tmp_path / "a.xlsx", [("001/01", "Murder")], ("Home Office Code", "Offence"))
    assert "'Values' has a Home Office code column but no score column" in refused(no_score, home)
    nothing = make_workbook(tmp_path / "b.xlsx", [("x", "y")], ("This", "That"))
    assert "'Sheet', 'Values'" in refused(nothing, home)
    empty = make_workbook(tmp_path / "c.xlsx", [])
    assert "has no row" in refused(empty, home)


@pytest.mark.parametrize(
    ("days", "expected"),
    [("0.1", 0.0), ("0.25", 0.5), ("0.3", 0.5), ("0.74", 0.5), ("0.75", 1.0), ("182.5", 182.5), ("7973.393", 7973.5)],
)
def test_weights_are_rounded_to_half_a_day_and_ties_go_up(days: str, expected: float) -> None:
    assert round_to_half_day(Decimal(days)) == expected


@pytest.mark.parametrize(
    ("words", "days", "said"),
    [
        ("Medium level community order", "84", "10"),
        ("Band C fine + 12 months DQd", "3", None),
        ("Band B fine", "3", "2"),
        ("1 year 6 months", "547.5", None),
        ("Three years", "1095", None),
        ("26 weeks custody", "182", None),
        ("9 months", "270", None),
        ("2 years", "365", "730"),
        ("Range from 6 months to 14 years", "1460", None),
        ("Band E fine and something more", "7", None),
        ("", "10", None),
    ],
)
def test_a_score_is_compared_with_its_starting_point(words: str, days: str, said: str | None) -> None:
    """Only a starting point with one measure is compared, to avoid false alarms."""
    assert contradicted_days(words, Decimal(days)) == (None if said is None else Decimal(said))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("1 year’s custody", "1 year's custody"),
        ("1 years custody", "1 year's custody"),
        ("Three Years", "3 years' custody"),
        ("1 year 6 months", "1 year 6 months' custody"),
        ("Medium level community order", "medium level community order"),
        ("band b fine + 3 points", "band B fine"),
        ("Band C fine + 12 months DQd", "band C fine"),
        ("Low level community order and a band B fine", None),
        ("Range from 6 months to 14 years", None),
        ("Fine", None),
    ],
)
def test_a_starting_point_is_reworded(words: str, said: str | None) -> None:
    """The measure is a fact and is kept; the sentences of a workbook belong to its authors."""
    assert words_of(words) == said
