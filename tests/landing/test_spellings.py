"""The spellings that landing reads: of days, times, offsets, flags, numbers, words, and of nothing."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harmrank import contract
from harmrank.contract import TABLES, Kind
from harmrank.home.folder import Home
from harmrank.home.warehouse import connect
from harmrank.landing.files import typing_sql
from harmrank.landing.land import land
from harmrank.landing.outcome import LandingResult
from harmrank.text import quoting

LONDON = "Europe/London"
DAY = "2026-10-31"


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


class Reader:
    """Reads one column as landing does, from a CSV file or from Parquet."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def csv(self, table: str, column: str, values: list[str], zone: str | None = None) -> list[tuple[Any, str | None]]:
        """Returns each value as stored, and its fault."""
        path = self._folder / "values.csv"
        path.write_text("\n".join(["c0,c1", *(f'"{value}",x' for value in values)]), encoding="utf-8")
        return self._read(table, column, typing_sql.csv_source(str(path), 2, has_ordinal=False), "c0", zone)

    def parquet(self, table: str, column: str, select: str, zone: str | None = None) -> list[tuple[Any, str | None]]:
        """Returns each value of a query as stored, and its fault."""
        path = self._folder / "values.parquet"
        self._connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
        source = typing_sql.parquet_source(str(path))
        sql_type = self._connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()[0][1]
        return self._read(table, column, source, typing_sql.parquet_text("c0", sql_type, zone), zone)

    def _read(self, table: str, column: str, source: str, text: str, zone: str | None) -> list[tuple[Any, str | None]]:
        stored = "is_deleted" if column == "deleted" else column
        faults = [fault for fault in typing_sql.value_faults(TABLES[table]) if fault.column.name == column]
        reason = (
            " ".join(f"WHEN {fault.flag} THEN {quoting.text(fault.reason)}" for fault in faults) or "WHEN false THEN ''"
        )
        query = typing_sql.checked_rows(TABLES[table], source, {column: text}, zone)
        return self._connection.execute(f"SELECT {stored}, CASE {reason} END FROM ({query})").fetchall()


@pytest.fixture
def reader(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Reader:
    return Reader(connection, tmp_path)


def test_every_form_of_the_contract_is_read(reader: Reader) -> None:
    """The forms that docs/extracts.md lists, combined; the table there is made from the same lists."""
    days = [one + time for one in contract.DAYS for time in ("", *contract.TIMES)]
    assert {found for found, _ in reader.csv("crimes", "reported_on", days)} == {date(2026, 10, 31)}
    fractions = {"T02:30:15.123456789": 15.123456, "T02:30:15,5": 15.5, "T02:30": 0}
    expected = {
        day + time + offset: datetime(2026, 10, 31, 2, 30)
        + timedelta(seconds=fractions.get(time, 15), hours=-("1" in offset))
        for day in contract.DAYS
        for time in contract.TIMES
        for offset in ("", *contract.OFFSETS)
    }
    found = reader.csv("crimes", "updated_at", list(expected))
    assert dict(zip(expected, (value for value, _ in found), strict=True)) == expected


@pytest.mark.parametrize(
    "written",
    [
        "05/10/2026",
        "10/05/2026",
        "05-10-2026",
        "05-OCT-26",
        "2026-5-1",
        "31 Feb 2026",
        "1 Octopus 2026",
        "01 Oct 0000",
        "N",
        "46326",
    ],
)
def test_a_day_is_never_guessed(reader: Reader, written: str) -> None:
    assert reader.csv("crimes", "cancelled_on", [written]) == [(None, "cancelled_on is not a date: use YYYY-MM-DD")]


def test_every_word_for_missing_is_no_value_and_no_fault(reader: Reader) -> None:
    for table in TABLES.values():
        for column in table.columns:
            words = [*contract.MISSING, *column.missing, *(word.title() for word in column.missing)]
            words += [contract.NO_DAY, f"{contract.NO_DAY} 23:59:59"] if column.kind is Kind.DATE else []
            nothing = False if column.name == "deleted" else None
            assert set(reader.csv(table.name, column.name, words)) == {(nothing, None)}, column.name


@pytest.mark.parametrize("name", ["Null", "Na", "NA", "Nan", "None", "Unknown"])
def test_a_surname_is_no_word_for_missing(reader: Reader, name: str) -> None:
    assert reader.csv("people", "surname", [name]) == [(name, None)]
    assert reader.parquet("people", "surname", f"SELECT '{name}' AS c0") == [(name, None)]


def test_every_spelling_of_a_flag_or_choice_is_read_in_any_case(reader: Reader) -> None:
    for table in TABLES.values():
        for column in table.columns:
            spellings: dict[Any, tuple[str, ...]] = {}
            if column.kind is Kind.FLAG:
                spellings = {True: column.true, False: contract.FALSE}
            elif column.kind is Kind.CHOICE:
                spellings = {choice: (choice, *others) for choice, others in column.choices.items()}
            for stored, words in spellings.items():
                written = [change(word) for word in words for change in (str.lower, str.upper, str.title)]
                written += [word.replace("_", between) for word in words for between in (" ", "-")]
                assert set(reader.csv(table.name, column.name, written)) == {(stored, None)}, (column.name, stored)


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("deleted", "X"),
        ("deleted", "2"),
        ("sex", "1"),
        ("sex", "W"),
        ("sex", "woman"),
        ("birth_year", "85"),
        ("birth_year", "1985.5"),
    ],
)
def test_a_code_of_another_meaning_is_not_read(reader: Reader, column: str, written: str) -> None:
    ((found, fault),) = reader.csv("people", column, [written])
    assert not found
    assert fault


@pytest.mark.parametrize(("written", "stored"), [("15.0", 15), ("015", 15), ("22.00", 22), ("0.0", 0), ("15.", 15)])
def test_a_whole_number_may_be_written_as_a_float(reader: Reader, written: str, stored: int) -> None:
    assert reader.csv("crimes", "outcome_type", [written]) == [(stored, None)]
    assert reader.parquet("crimes", "outcome_type", f"SELECT {written}::DOUBLE AS c0") == [(stored, None)]


@pytest.mark.parametrize(
    ("written", "in_london"),
    [
        ("1985-07-09T23:00:00Z", date(1985, 7, 10)),
        ("1985-01-10 00:00:00+00", date(1985, 1, 10)),
        ("1985-07-10 00:00:00.0000000 +01:00", date(1985, 7, 10)),
        ("09-JUL-1985 23:00:00 UTC", date(1985, 7, 10)),
        ("1985-07-09T22:59:59Z", date(1985, 7, 9)),
        ("1985-07-09T23:30:00-05:00", date(1985, 7, 10)),
    ],
)
def test_an_instant_is_a_day_only_in_a_stated_zone(reader: Reader, written: str, in_london: date) -> None:
    reason = "date_of_birth has an offset: its day depends on time_zone in extract.json, which is not stated"
    assert reader.csv("people", "date_of_birth", [written]) == [(None, reason)]
    assert reader.csv("people", "date_of_birth", [written], LONDON) == [(in_london, None)]
    instant = f"SELECT TIMESTAMPTZ '{in_london} 00:00:00 {LONDON}' AS c0"
    assert reader.parquet("people", "date_of_birth", instant, LONDON) == [(in_london, None)]


class Feed:
    """A folder of extracts and a home to land them in."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root / "home")
        self.extracts = root / "extracts"

    def send(self, select: str, extract_id: str = DAY, **manifest: object) -> None:
        folder = self.extracts / extract_id
        folder.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"SET TimeZone = '{LONDON}'; COPY ({select}) TO '{folder / 'people.parquet'}' (FORMAT parquet)")
        (folder / "extract.json").write_text(json.dumps(manifest))

    def land(self) -> LandingResult:
        return land(self.extracts, self.home, lambda _: None)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.home) as connection:
            return connection.execute(query).fetchall()


def test_a_parquet_file_of_instants_needs_a_stated_zone(tmp_path: Path) -> None:
    """Midnights of London became the day before in summer."""
    feed = Feed(tmp_path)
    select = """
        SELECT 'met' AS force, range::VARCHAR AS person_ref, (DATE '1985-07-01' + range::INTEGER)::TIMESTAMPTZ AS date_of_birth,
            NULL::TIMESTAMPTZ AS deceased_on, TIMESTAMPTZ '2026-10-01 01:00:00' AS updated_at FROM range(3)
    """
    feed.send(select)
    (refusal,) = feed.land().refused
    assert "people.parquet, column date_of_birth: the column holds timestamps with a time zone" in refusal.message
    assert "time_zone" in refusal.message
    feed.send(select, time_zone="Summer time")
    assert (
        'extract.json: time_zone is not the name of a time zone: use "Europe/London"' in feed.land().refused[0].message
    )
    feed.send(select, time_zone=LONDON)
    assert feed.land().landed == [DAY]
    assert feed.ask("SELECT date_of_birth, deceased_on, updated_at FROM raw.people ORDER BY 1") == [
        (date(1985, 7, day), None, datetime(2026, 10, 1)) for day in (1, 2, 3)
    ]
