"""Damaged extracts: the short form of tests/reliability/damage.py, and CSV files of random pieces."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reliability.damage import attack, count_rows, make_case
from reliability.damage_kinds import KINDS

from harmrank.home.folder import Home
from harmrank.home.warehouse import connect
from harmrank.landing.land import land

SHORT = 2 * len(KINDS) * 4 // 3
"""Enough cases for every kind of damage twice alone, and for half as many combinations."""


@pytest.mark.thorough
def test_damaged_extracts_break_no_promise() -> None:
    """For any damage: no unexpected error, no row lost, no name printed, and the other extracts land as if alone."""
    tally, broken = attack(SHORT, seed=20)
    assert broken == []
    assert all(row.cases for row in tally.values())


def test_a_case_is_reproducible() -> None:
    """The same seed and number must make the same bytes, so that a failed case can be studied."""
    first, again = (make_case(3, 7) for _ in range(2))
    assert (first.kinds, first.extract.files) == (again.kinds, again.extract.files)


HEADER = "force,person_ref,forename,updated_at"
GOOD = "met,p1,Zqfore,2026-09-01"
PIECES = st.sampled_from(
    [
        GOOD,
        f"{GOOD}\n",
        "\n",
        "\r\n",
        "\r",
        ",",
        '"',
        '""',
        ' "',
        '" ',
        " ",
        "\t",
        "x",
        "é",
        "\ufeff",
        "NULL",
        "\x1b",
        "\xa0",
    ]
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Path, count[int]]:
    """Returns one home for all examples, a folder of extracts, and numbers for their ids."""
    root = tmp_path_factory.mktemp("bytes")
    return Home(root / "home"), root, count()


@pytest.mark.thorough
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(PIECES, max_size=40), encoding=st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"])
)
def test_any_csv_is_refused_or_accounted_for_row_by_row(
    home: tuple[Home, Path, count[int]], pieces: list[str], encoding: str
) -> None:
    """With line ends, quotes and blanks in any order, DuckDB and csv_records must agree on what is a record."""
    place, root, numbers = home
    extract_id = f"2026-09-30_{next(numbers)}"
    folder = root / extract_id / extract_id
    folder.mkdir(parents=True)
    path = folder / "people.csv"
    path.write_bytes(f"{HEADER}\n{''.join(pieces)}".encode(encoding, "replace"))
    result = land(folder.parent, place, lambda line: None, max_bad_share=1)
    if result.refused:
        return
    with connect(place, read_only=True) as connection:
        query = "select rows_read, rows_landed, rows_quarantined from raw.extract_files where extract_id = ?"
        ((read, landed, bad),) = connection.execute(query, [extract_id]).fetchall()
        people = connection.execute("select count(*) from raw.people where extract_id = ?", [extract_id]).fetchone()
    assert count_rows(path) == read == landed + bad
    assert people == (landed,)
