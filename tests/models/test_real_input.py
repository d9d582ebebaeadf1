"""The method on real input: the Proceedings of the Old Bailey, 1830 to 1849.

The list for the last day of 1849 was computed elsewhere. The data may not be shipped (CC BY-NC), so these
tests need its folder beside the repository, or where HARMRANK_REAL says.
"""

from __future__ import annotations

import csv
import os
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pytest
from reliability import homes
from support import independent

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("HARMRANK_REAL", REPOSITORY.parent / "shared" / "real"))
EXTRACTS = REAL / "old_bailey_1830_1849"
EXPECTED = REAL / "expected_1849-12-31.csv"
LIST_DATE = date(1849, 12, 31)

pytestmark = pytest.mark.skipif(
    not (EXTRACTS.is_dir() and EXPECTED.is_file()), reason=f"the Old Bailey feed is not at {REAL} (set HARMRANK_REAL)"
)

Place = tuple[str, float, int, int, str]
"""Offender key, days, allegations, female victims, latest report."""


def expected_places() -> list[Place]:
    """The list computed elsewhere, first place first."""
    with EXPECTED.open(encoding="utf-8", newline="") as lines:
        return [
            (
                row["person"],
                float(row["harm_days"]),
                int(row["allegations"]),
                int(row["female_victims"]),
                row["latest_reported_on"],
            )
            for row in csv.DictReader(lines)
        ]


def tied_groups(places: list[Place]) -> list[tuple[tuple[Any, ...], set[str]]]:
    """The list as groups of people whom only offender_key separates: their order within one is arbitrary."""
    return [(measures, {p[0] for p in group}) for measures, group in groupby(places, key=lambda place: place[1:])]


@pytest.fixture(scope="module")
def mart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mart that the real command publishes from the real feed."""
    home = tmp_path_factory.mktemp("old_bailey")
    done = homes.run("refresh", EXTRACTS, "--home", home, "--list-date", str(LIST_DATE))
    assert done.returncode == 0, done.stderr[-2000:]
    return home / "published" / "current" / "harm_mart.duckdb"


def rows(mart: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows of one query on the published mart."""
    connection = duckdb.connect(str(mart), read_only=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_the_independent_computation_gives_the_known_list() -> None:
    """The computation itself, compared with a list made without it."""
    places: list[Place] = [
        (p.offender_key, p.harm_days, p.allegations, p.female_victims, str(p.latest_reported_on))
        for p in independent.ranked(EXTRACTS, LIST_DATE, REPOSITORY / "seeds")
    ]
    assert tied_groups(places) == tied_groups(expected_places())


def test_the_published_list_is_the_known_list(mart: Path) -> None:
    """Landing, models and publishing together on real data: 44 places, fewer than a hundred."""
    query = """
        select offender_key, harm_days, allegations, female_victims, latest_reported_on::varchar
        from mart.top_100 order by harm_rank
    """
    assert tied_groups(rows(mart, query)) == tied_groups(expected_places())


@pytest.mark.thorough
def test_every_monthly_list_of_twenty_years_agrees(mart: Path) -> None:
    """Month after month of the nineteenth century, against the independent computation."""
    query = """
        select list_date, harm_rank, offender_key, harm_days
        from mart.list_history where harm_rank <= 100
    """
    published = sorted(rows(mart, query))
    assert published
    wanted = [
        (list_date, place.harm_rank, place.offender_key, place.harm_days)
        for list_date in sorted({row[0] for row in published})
        for place in independent.ranked(EXTRACTS, list_date, REPOSITORY / "seeds")[:100]
    ]
    assert [pair for pair in zip(published, wanted, strict=False) if pair[0] != pair[1]][:5] == []
    assert len(published) == len(wanted)


def test_every_row_of_the_feed_is_accounted_for(mart: Path) -> None:
    """Rows are conserved on real defects: duplicate keys, links to crimes that are not there, junk ages."""
    query = """
        select extract_id, table_name from mart.extract_reconciliation
        where rows_read <> rows_landed + rows_quarantined
           or rows_landed <> rows_current + rows_superseded + rows_deleted
    """
    assert rows(mart, query) == []
    (total,) = rows(mart, "select sum(rows_read)::bigint from mart.extract_reconciliation")[0]
    files = [(extract, table) for extract in EXTRACTS.iterdir() for table in independent.KEYS]
    assert total == sum(1 for extract, table in files for _ in independent.rows_of(extract, table))
