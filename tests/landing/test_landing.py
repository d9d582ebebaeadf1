"""Landing: what lands, what goes to quarantine, what is refused, and that no row is lost."""

import csv
import gzip
import hashlib
import json
import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harmrank.contract import TABLES
from harmrank.errors import UsageError
from harmrank.home.folder import Home
from harmrank.home.warehouse import connect
from harmrank.landing.checking import door_in
from harmrank.landing.files import typing_sql
from harmrank.landing.land import land
from harmrank.landing.outcome import LandingResult

CRIMES = "force,crime_ref,offence_code,reported_on,updated_at"
PEOPLE = "force,person_ref,sex,birth_year,date_of_birth,updated_at"
DAY = "2026-10-31"


class Door:
    """A folder of extracts and a home to land them in."""

    def __init__(self, root: Path) -> None:
        self.extracts = root / "extracts"
        self.extracts.mkdir()
        self.home = Home(root / "home")
        self.lines: list[str] = []

    def send(self, name: str, content: str | bytes, extract_id: str = DAY) -> Path:
        path = self.extracts / extract_id / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self, **settings: float) -> LandingResult:
        return land(self.extracts, self.home, self.lines.append, **settings)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        connection = connect(self.home)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def refused(self) -> Any:
        result = self.land()
        assert len(result.refused) == 1
        for table in (
            "crimes",
            "people",
            "involvements",
            "custody",
            "person_merges",
            "extracts",
            "extract_files",
            "quarantine",
            "value_defects",
            "corrections",
        ):
            rows = self.ask(f"select count(*) from raw.{table} where extract_id = '{result.refused[0].extract_id}'")
            assert rows == [(0,)], table
        return result.refused[0]


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def crime(ref: object, reported: str = "2026-10-01", updated: str = "2026-10-01T10:00:00") -> str:
    return f"met,{ref},019/08,{reported},{updated}"


def crimes(*rows: str, header: str = CRIMES, good: int = 0, end: str = "\n") -> str:
    """Returns a crimes file: these rows, then `good` usable ones, so that bad rows stay a small share."""
    return end.join([header, *rows, *(crime(f"good{number}") for number in range(good))]) + end


def test_values_are_stored_typed(door: Door) -> None:
    door.send("people.csv", f"{PEOPLE},deleted\n met ,p1,m,1990,1990-02-28, 2026-10-01T10:20:30.5 ,n\n")
    door.send("crimes.csv", f"{CRIMES},outcome_type,domestic_abuse,reported_by\n{crime('c1')},16,y,VICTIM\n")
    assert door.land().landed == [DAY]
    assert door.ask(
        "select force, person_ref, sex, birth_year, date_of_birth, updated_at, is_deleted, "
        "extract_id, row_number from raw.people"
    ) == [("met", "p1", "M", 1990, date(1990, 2, 28), datetime(2026, 10, 1, 10, 20, 30, 500000), False, DAY, 1)]
    assert door.ask("select outcome_type, domestic_abuse, reported_by from raw.crimes") == [(16, True, "victim")]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-10-05", date(2026, 10, 5)),
        ("2026-10-05T23:59:59", date(2026, 10, 5)),
        ("2026-10-05 23:59", date(2026, 10, 5)),
        ("2026-10-05T24:00", date(2026, 10, 5)),
        ("1849-12-31", date(1849, 12, 31)),
        ("2024-02-29", date(2024, 2, 29)),
    ],
)
def test_a_date_is_the_day_as_written(door: Door, written: str, stored: date) -> None:
    door.send("crimes.csv", crimes(crime("c1", reported=written)))
    door.land()
    assert door.ask("select reported_on from raw.crimes") == [(stored,)]


@pytest.mark.parametrize(
    "written", ["05/10/2026", "2026-02-30", "2025-02-29", "2026-1-05", "0000-01-01", "20261005", "2026-10-05x", "today"]
)
def test_an_unusable_date_goes_to_quarantine(door: Door, written: str) -> None:
    door.send("crimes.csv", crimes(crime("c1", reported=written), good=9))
    door.land()
    assert door.ask("select file_name, line_number, reason, raw_text from raw.quarantine") == [
        ("crimes.csv", 2, "reported_on is not a date: use YYYY-MM-DD", crime("c1", reported=written))
    ]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-10-05", datetime(2026, 10, 5)),
        ("2026-10-05 10:20", datetime(2026, 10, 5, 10, 20)),
        ("2026-10-05T10:20:30Z", datetime(2026, 10, 5, 10, 20, 30)),
        ("2026-10-05T10:20:30+01:00", datetime(2026, 10, 5, 9, 20, 30)),
        ("2026-10-05T10:20-0530", datetime(2026, 10, 5, 15, 50)),
    ],
)
def test_updated_at_with_an_offset_becomes_utc(door: Door, written: str, stored: datetime) -> None:
    door.send("crimes.csv", crimes(crime("c1", updated=written)))
    door.land()
    assert door.ask("select updated_at from raw.crimes") == [(stored,)]


@pytest.mark.parametrize("written", ["2026-10-05T25:00:00", "2026-10-05T10:60", "2026-10-05T10", "2026-10-05T1:00:00"])
def test_an_unusable_time_goes_to_quarantine(door: Door, written: str) -> None:
    door.send("crimes.csv", crimes(crime("c1", updated=written), good=9))
    door.land()
    assert door.ask("select reason from raw.quarantine") == [
        ("updated_at is not a timestamp: use YYYY-MM-DDTHH:MM:SS",)
    ]


@pytest.mark.parametrize("missing", ["", "   ", "NULL", "null", " NULL ", '""', '"NULL"', "\t"])
def test_blank_and_null_are_missing(door: Door, missing: str) -> None:
    row = f"met,{missing},019/08,2026-10-01,2026-10-01"
    door.send("crimes.csv", crimes(row, good=9))
    door.send("people.csv", f"{PEOPLE}\nmet,p1,{missing},{missing},{missing},2026-10-01\n")
    door.land()
    assert door.ask("select reason from raw.quarantine") == [("crime_ref is missing",)]
    assert door.ask("select sex, birth_year, date_of_birth from raw.people") == [(None, None, None)]
    assert door.ask("select count(*) from raw.value_defects") == [(0,)]


def test_an_unusable_optional_value_becomes_missing_and_is_counted(door: Door) -> None:
    rows = ["met,p1,Q,1990,x,2026-10-01", "met,p2,F,1.0,1990-01-01,2026-10-01", "met,p3,Q,3000,,2026-10-01"]
    door.send("people.csv", "\n".join([PEOPLE, *rows]))
    door.land()
    assert door.ask("select sex, birth_year, date_of_birth from raw.people order by person_ref") == [
        (None, 1990, None),
        ("F", None, date(1990, 1, 1)),
        (None, None, None),
    ]
    assert door.ask("select column_name, reason, rows_affected from raw.value_defects order by column_name") == [
        ("birth_year", "birth_year is not a whole number from 1000 to 2999", 2),
        ("date_of_birth", "date_of_birth is not a date: use YYYY-MM-DD", 1),
        ("sex", "sex is not M, F, X or U", 2),
    ]


def test_a_role_outside_the_list_goes_to_quarantine(door: Door) -> None:
    header = "force,crime_ref,person_ref,role,updated_at"
    good = [f"met,c{number},p1,Suspect,2026-10-01" for number in range(9)]
    door.send("involvements.csv", "\n".join([header, *good, "met,c1,p1,bystander,2026-10-01"]))
    door.land()
    assert door.ask("select line_number, reason from raw.quarantine") == [
        (11, "role is not suspect, victim or witness")
    ]
    assert door.ask("select distinct role from raw.involvements") == [("suspect",)]


def test_a_bar_in_force_goes_to_quarantine(door: Door) -> None:
    door.send("crimes.csv", crimes("m|t,c1,019/08,2026-10-01,2026-10-01", good=9))
    door.land()
    assert door.ask("select count(*) from raw.quarantine where reason like 'force contains |%'") == [(1,)]


def test_a_tombstone_needs_only_its_key_and_updated_at(door: Door) -> None:
    header = f"{CRIMES},deleted"
    rows = ["met,c1,,,2026-10-02,Y", "met,c2,,31/10/2026,2026-10-02,y", "met,,,,2026-10-02,Y", "met,c4,,,,Y"]
    door.send("crimes.csv", "\n".join([header, *rows, *(f"{crime(number)},N" for number in range(36))]))
    door.land()
    assert door.ask("select crime_ref, reported_on from raw.crimes where is_deleted order by 1") == [
        ("c1", None),
        ("c2", None),
    ]
    assert door.ask("select line_number, reason from raw.quarantine order by 1") == [
        (4, "crime_ref is missing"),
        (5, "updated_at is missing"),
    ]


def test_line_numbers_count_quoted_newlines_and_blank_lines(door: Door) -> None:
    header = f"{CRIMES},area_code"
    rows = [
        f'{crime("c1")},"E0900\n0001"',
        "",
        f"{crime('bad', reported='x')},",
        f'{crime("c2")},"a\r\nb"',
        f"{crime('ragged')},,extra",
        'met,"c""3",019/08,2026-10-01,2026-10-01,"a,b"',
        'met,"bad ""4""",019/08,,2026-10-01,"a,\nb"',
    ]
    door.send("crimes.csv", "\n".join([header, *rows, *(f"{crime(n)}," for n in range(40))]))
    door.land()
    assert door.ask("select line_number, reason, raw_text from raw.quarantine order by 1") == [
        (5, "reported_on is not a date: use YYYY-MM-DD", f"{crime('bad', reported='x')},"),
        (8, "7 fields where the header has 6", f"{crime('ragged')},,extra"),
        (10, "reported_on is missing", 'met,"bad ""4""",019/08,,2026-10-01,"a,\nb"'),
    ]
    assert door.ask("select crime_ref, row_number from raw.crimes where row_number < 9 order by 2") == [
        ("c1", 1),
        ("c2", 3),
        ('c"3', 5),
        ("0", 7),
        ("1", 8),
    ]


def test_line_numbers_are_right_without_ragged_rows(door: Door) -> None:
    rows = [f'met,"c\n{number}",019/08,2026-10-01,2026-10-01' for number in range(20)]
    door.send("crimes.csv", crimes(*rows, crime("bad", reported="x")))
    door.land()
    assert door.ask("select line_number from raw.quarantine") == [(42,)]


def test_rows_stay_in_order_when_several_threads_read_a_file(door: Door) -> None:
    """The file is larger than one thread reads at once; values hold line ends and quotes wherever its parts may meet."""
    odd = ['a ""b""', "two\nlines", "plain", "a, b", "", 'three\n\n"" lines', "x" * 900]
    rows = [f'met,c{n},019/08,2026-10-01,2026-10-01,"{odd[n % len(odd)]}"' for n in range(60_000)]
    rows[54_321] = 'met,bad,019/08,x,2026-10-01,"a"'
    content = "\n".join([f"{CRIMES},area_code", *rows])
    assert len(content) > 2 * typing_sql.BUFFER_BYTES
    door.send("crimes.csv", content)
    door.land()
    line = content[: content.index("met,bad")].count("\n") + 1
    assert door.ask("select line_number from raw.quarantine") == [(line,)]
    kept = [(row.split(",")[1], n) for n, row in enumerate(rows, start=1) if n != 54_322]
    assert door.ask("select crime_ref, row_number from raw.crimes order by row_number") == kept
    values = door.ask("select area_code from raw.crimes order by row_number limit 7")
    assert values == [(value.replace('""', '"') or None,) for value in odd]


@pytest.mark.parametrize("source", ["csv", "rewritten csv", "parquet"])
def test_blanks_are_trimmed_at_both_ends_of_every_value(source: str, tmp_path: Path) -> None:
    """The query tests a whole record at once for blanks that need trimming."""
    table, blanks = TABLES["person_merges"], [" ", "\t", "\n", "\r", "\xa0", " \xa0\t "]
    kept = [*blanks, "x", "|", "a |b", "| ", " |", "é\u2003", "NULL", "null", "Nulls", "\xc2"]
    values = [f"{before}{value}{after}" for before in ["", *blanks] for value in kept for after in ["", *blanks]]
    rows = [[value if place == number % 3 else "x" for place in range(3)] for number, value in enumerate(values)]
    names = ["force", "person_ref", "merged_into_ref"]
    path = tmp_path / "file"
    with duckdb.connect() as connection:
        if source == "parquet":
            connection.execute(f"create table made ({', '.join(f'{name} varchar' for name in names)})")
            connection.executemany("insert into made values (?, ?, ?)", rows)
            connection.execute(f"copy made to '{path}' (format parquet)")
            texts = {name: typing_sql.parquet_text(name, "VARCHAR") for name in names}
            query = typing_sql.checked_rows(table, typing_sql.parquet_source(str(path)), texts)
        else:
            has_ordinal = source == "rewritten csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
                for number, row in enumerate([names, *rows]):
                    writer.writerow([number, *row] if has_ordinal else row)
            read = typing_sql.csv_source(str(path), 3, has_ordinal)
            query = typing_sql.checked_rows(table, read, {name: f"c{place}" for place, name in enumerate(names)})
        found = connection.execute(f"select {', '.join(names)} from ({query})").fetchall()
    trimmed = [tuple(value.strip(" \t\n\r\xa0") for value in row) for row in rows]
    assert found == [tuple(None if value in ("", "NULL", "null") else value for value in row) for row in trimmed]


@pytest.mark.parametrize("name", TABLES)
def test_each_row_depends_on_its_record_alone(name: str, tmp_path: Path) -> None:
    """A join or a sort in the query could change the order of rows, and lines and row numbers would be wrong."""
    table = TABLES[name]
    texts = {column.name: f"c{place}" for place, column in enumerate(table.columns)}
    path = tmp_path / "file.csv"
    path.write_text(",".join(texts) + "\n")
    source = typing_sql.csv_source(str(path), len(texts), has_ordinal=False)
    with duckdb.connect() as connection:
        plan = connection.execute(f"explain (format json) {typing_sql.checked_rows(table, source, texts)}").fetchall()[
            0
        ][1]
    steps, operators = json.loads(plan), []
    while steps:
        (step,) = steps
        operators.append(step["name"].strip())
        steps = step["children"]
    assert set(operators) <= {"PROJECTION", "READ_CSV"}


def test_one_stray_quote_costs_one_row(door: Door) -> None:
    door.send("crimes.csv", crimes(crime("c1"), 'met,"open,019/08,2026-10-01,2026-10-01', good=20))
    door.land()
    assert door.ask("select line_number from raw.quarantine") == [(3,)]
    assert door.ask("select count(*) from raw.crimes") == [(21,)]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"\xef\xbb\xbf" + crimes(crime("c1")).encode(), 1),
        (crimes(crime("c1"), crime("c2"), end="\r\n").encode(), 2),
        (crimes(crime("c1"), crime("c2")).rstrip().encode(), 2),
        (f"{CRIMES}\n{crime('c1')}\r\n{crime('c2')}\n".encode(), 2),
        (f"{CRIMES}\r\n{crime('c1')}\n{crime('c2')}\r\n".encode(), 2),
        (f"\n\n{CRIMES}\n\n{crime('c1')}\n\n".encode(), 1),
        (crimes().encode(), 0),
        (('"' + CRIMES.replace(",", '","') + '"\n' + crime("c1")).encode(), 1),
    ],
    ids=["bom", "crlf", "no last line end", "lf then crlf", "crlf then lf", "blank lines", "header only", "quoted"],
)
def test_forms_of_csv(door: Door, content: bytes, rows: int) -> None:
    door.send("crimes.csv", content)
    assert door.land().landed == [DAY]
    assert door.ask("select count(*) from raw.crimes where force = 'met' and is_deleted = false") == [(rows,)]


def test_columns_in_any_order_and_case_without_extra_ones(door: Door) -> None:
    good = "".join(f"2026-10-01,secret,{n},019/08,met,2026-10-01\n" for n in range(9))
    bad = "2026-10-01,secret,c9,019/08,met,x\n"
    door.send("crimes.csv", f"updated_at,Solicitor,CRIME_REF,offence_code,Force,reported_on\n{good}{bad}")
    door.land()
    assert door.ask("select distinct force from raw.crimes") == [("met",)]
    assert door.ask("select raw_text from raw.quarantine") == [("2026-10-01,,c9,019/08,met,x",)]
    assert door.ask("select table_name, column_name, reason, rows_affected from raw.value_defects") == [
        ("crimes", "Solicitor", "column is not in the contract and was dropped", 10)
    ]


def test_parts_in_several_formats_are_one_table_in_name_order(door: Door) -> None:
    door.send("crimes_02.csv.gz", gzip.compress(crimes(crime("b")).encode()))
    door.send("crimes_01.csv", crimes(crime("a"), crime("bad", reported="x"), crime("a2"), good=10))
    select = (
        "select 'met' as force, 'c' as crime_ref, '019/08' as offence_code, "
        "date '2026-10-01' as reported_on, timestamp '2026-10-01' as updated_at"
    )
    duckdb.sql(f"copy ({select}) to '{door.extracts / DAY / 'crimes_03.parquet'}'")
    assert door.land().landed == [DAY]
    assert door.ask(
        "select crime_ref, row_number from raw.crimes where row_number in (1, 3) or length(crime_ref) = 1"
    ) == [("a", 1), ("a2", 3), ("b", 14), ("c", 15)]
    assert door.ask("select file_name, rows_read, rows_landed, rows_quarantined from raw.extract_files") == [
        ("crimes_01.csv", 13, 12, 1),
        ("crimes_02.csv.gz", 1, 1, 0),
        ("crimes_03.parquet", 1, 1, 0),
    ]


def test_parquet_types_are_read_like_csv(door: Door) -> None:
    (door.extracts / DAY).mkdir()
    select = """
        select 'met' as force, range as crime_ref, '019/08' as offence_code,
            timestamp '2026-10-01 23:30:00' as reported_on,
            timestamptz '2026-10-01 23:30:00+00' as updated_at,
            (range % 5)::double as outcome_type, range = 1 as domestic_abuse,
            case when range = 3 then 'Y' end as deleted, 'x' as extra from range(10)
        union all by name select 'met' as force, 10 as crime_ref, '019/08' as offence_code, 'x' as extra
    """
    duckdb.sql(f"copy ({select}) to '{door.extracts / DAY / 'crimes.parquet'}'")
    assert door.land().landed == [DAY]
    assert door.ask(
        "select reported_on, updated_at, outcome_type, domestic_abuse from raw.crimes where row_number = 2"
    ) == [(date(2026, 10, 1), datetime(2026, 10, 1, 23, 30), 1, True)]
    ((line, reason, text),) = door.ask("select line_number, reason, raw_text from raw.quarantine")
    assert (line, reason) == (11, "reported_on is missing")
    assert json.loads(text)["crime_ref"] == 10
    assert "extra" not in text


def test_an_unchanged_extract_changes_nothing(door: Door) -> None:
    path = door.send("crimes.csv", crimes(crime("c1")))
    assert door.land().landed == [DAY]
    assert door.land().unchanged == [DAY]
    os.utime(path, (1, 1))
    assert door.land().unchanged == [DAY]
    assert door.ask("select count(*), max(modified_ns) from raw.extract_files") == [(1, 1_000_000_000)]
    assert door.ask("select count(*) from raw.crimes") == [(1,)]


def test_a_changed_copy_of_a_landed_extract_is_refused(door: Door) -> None:
    door.send("crimes.csv", crimes(crime("c1")))
    door.land()
    door.send("crimes.csv", crimes(crime("c1"), crime("c2")))
    (refusal,) = door.land().refused
    assert "has landed with other content" in refusal.message
    assert "later id" in refusal.message
    assert door.ask("select count(*) from raw.crimes") == [(1,)]


def test_a_refused_extract_is_tried_again_and_the_others_land(door: Door) -> None:
    door.send("crimes.csv", crimes("a,b"), "2026-10-01")
    door.send("crimes.csv", crimes(crime("c1")), "2026-10-02")
    for _ in range(2):
        result = door.land()
        assert [refusal.extract_id for refusal in result.refused] == ["2026-10-01"]
    assert result.unchanged == ["2026-10-02"]
    assert door.ask("select extract_id, line_number from raw.refused_extracts") == [("2026-10-01", 2)]
    door.send("crimes.csv", crimes(crime("c0")), "2026-10-01")
    assert door.land().landed == ["2026-10-01"]


def test_a_tenth_of_bad_rows_lands_and_more_is_refused(door: Door) -> None:
    door.send("crimes.csv", crimes(crime("bad", reported="x"), good=9), "2026-10-01")
    door.send("crimes.csv", crimes(crime("bad", reported="x"), good=8), "2026-10-02")
    door.send("crimes.csv", crimes(*["ragged"] * 10, crime("bad", reported=""), good=89), "2026-10-03")
    result = door.land()
    assert result.landed == ["2026-10-01"]
    assert [(r.extract_id, r.file_name, r.line_number) for r in result.refused] == [
        ("2026-10-02", "crimes.csv", 2),
        ("2026-10-03", "crimes.csv", 2),
    ]
    assert result.refused[0].column_name == "reported_on"
    assert "11 of 100 rows" in result.refused[1].message
    assert door.land(max_bad_share=0.12).landed == ["2026-10-02", "2026-10-03"]


def _merge(ref: str, into: str, updated: str = "2026-10-01", deleted: str = "") -> str:
    return f"met,{ref},{into},{updated},{deleted}"


MERGES = "force,person_ref,merged_into_ref,updated_at,deleted"


def test_a_cycle_of_merges_is_refused_with_its_line(door: Door) -> None:
    door.send("person_merges.csv", "\n".join([MERGES, _merge("a", "b"), _merge("x", "a")]), "2026-10-01")
    door.send("person_merges.csv", "\n".join([MERGES, _merge("y", "z"), _merge("b", "c"), _merge("c", "a")]))
    result = door.land()
    assert result.landed == ["2026-10-01"]
    (refusal,) = result.refused
    assert (refusal.file_name, refusal.line_number) == ("person_merges.csv", 3)
    assert door.ask("select count(*) from raw.person_merges") == [(2,)]


def test_a_record_merged_into_itself_is_refused(door: Door) -> None:
    door.send("person_merges.csv", "\n".join([MERGES, _merge("y", "z"), _merge("a", "a")]))
    assert door.refused().line_number == 3


def test_a_cycle_of_outdated_merges_is_accepted(door: Door) -> None:
    rows = [_merge("a", "b"), _merge("b", "a"), _merge("b", "a", "2026-10-02", "Y"), _merge("c", "c"), _merge("c", "d")]
    door.send("person_merges.csv", "\n".join([MERGES, *rows]))
    assert door.land().landed == [DAY]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("crime.csv", crimes(crime("c1")), "no file that is a table of the contract (1 with other names)"),
        ("crimes.csv", "force,crime_ref,offence_code,updated_at\n", "crimes.csv line 1, column reported_on"),
        ("crimes.csv", f"{CRIMES},Force\n", "names force twice"),
        ("crimes.csv", "", "no readable header"),
        (
            "crimes.csv",
            crimes(crime("c1"), crime("caf\xe9")).encode("latin-1"),
            "line 3, column crime_ref: it is not UTF-8",
        ),
        ("crimes.csv", crimes(crime("c1")).encode("utf-16"), "not UTF-8"),
        ("crimes.csv", crimes(crime("c\x001")), "not UTF-8 text (byte 0x00)"),
        ("crimes.csv.gz", gzip.compress(os.urandom(9) * 9000)[:-20], "truncated or damaged"),
        ("crimes.csv.gz", crimes(crime("c1")), "truncated or damaged"),
        ("crimes.parquet", b"PAR1 and then nothing", "truncated or damaged"),
        ("crimes.csv", crimes(crime("x" * 1_100_000)), "line 2: the line is longer than"),
    ],
)
def test_an_unreadable_file_is_refused(door: Door, name: str, content: str | bytes, words: str) -> None:
    door.send(name, content)
    refusal = door.refused()
    assert words in refusal.message
    assert DAY in refusal.message
    assert refusal.message.endswith(".")


@pytest.mark.parametrize("bad_id", ["october", "2026-13-01", "2026-02-30", "2026-10-31 copy", "20261031", "3000-01-01"])
def test_a_bad_id_is_refused(door: Door, bad_id: str) -> None:
    door.send("crimes.csv", crimes(crime("c1")), bad_id)
    assert bad_id in door.refused().message


def test_an_id_that_is_too_long_is_refused(door: Door) -> None:
    """The id is in every line about the extract; a hundred characters are enough."""
    door.send("crimes.csv", crimes(crime("c1")), "2026-10-31" + "x" * 90)
    door.send("crimes.csv", crimes(crime("c1")), "2026-11-30" + "x" * 91)
    result = door.land()
    assert result.landed == ["2026-10-31" + "x" * 90]
    assert "longer than 100 characters" in result.refused[0].message


def test_a_dropped_column_without_rows_is_no_defect(door: Door) -> None:
    """A correction may send a file with only a header; it must leave nothing that stops the next list."""
    door.send("crimes.csv", f"{CRIMES},extra\n")
    assert door.land().landed == [DAY]
    assert door.ask("select count(*) from raw.value_defects") == [(0,)]


def test_the_manifest_is_checked(door: Door) -> None:
    content = crimes(crime("c1"))
    digest = hashlib.sha256(content.encode()).hexdigest()
    door.send("crimes.csv", content)
    for files, words in (
        ({"crimes.csv": {"rows": 2}}, "1 row where extract.json says 2"),
        ({"crimes.csv": {"sha256": "0" * 64}}, "SHA-256"),
        ({"people.csv": {"rows": 2}}, "lists people.csv, which is not in the folder"),
        ([], None),
    ):
        if words:
            door.send("extract.json", json.dumps({"files": files}))
            assert words in door.refused().message
    door.send("extract.json", "{")
    assert "not readable as JSON" in door.refused().message
    manifest = {"extract_at": "2026-11-01T02:00:00+01:00", "files": {"crimes.csv": {"rows": 1, "sha256": digest}}}
    door.send("extract.json", json.dumps(manifest))
    assert door.land().landed == [DAY]
    assert door.ask("select extract_at, extract_on from raw.extracts") == [
        (datetime(2026, 11, 1, 1), date(2026, 10, 31))
    ]


def test_a_link_that_leads_outside_is_refused(door: Door, tmp_path: Path) -> None:
    outside = tmp_path / "crimes.csv"
    outside.write_text(crimes(crime("c1")))
    (door.extracts / DAY).mkdir()
    (door.extracts / DAY / "crimes.csv").symlink_to(outside)
    assert "leads outside" in door.refused().message


def test_a_file_outside_the_contract_is_reported(door: Door) -> None:
    door.send("crimes.csv", crimes(crime("c1")))
    door.send("persons.csv", "a\n")
    door.send("README.md", "about")
    assert door.land().landed == [DAY]
    assert door.ask("select column_name, reason, rows_affected from raw.value_defects") == [
        ("(file)", "files of no known table were not read (counted in files)", 1)
    ]
    assert "1 file ignored: not a table of the contract" in door.lines[0]
    assert "persons" not in door.lines[0]


@pytest.mark.parametrize("name", ["CRIMES_2.CSV", "crimes.zip", "Crimes.csv", "crimes-2.csv", "crimes.csv.bz2"])
def test_a_misspelt_table_name_is_refused(door: Door, name: str) -> None:
    """The rows of a part with a misspelt name would never land: the extract counts as landed."""
    door.send("crimes.csv", crimes(crime("c1")))
    door.send(name, crimes(crime("c2")))
    refusal = door.refused()
    assert refusal.file_name == name
    assert "crimes_01.csv" in refusal.message


def test_parts_are_read_in_the_order_of_their_numbers(door: Door) -> None:
    """On equal updated_at the later row wins, so part 10 comes after part 2."""
    door.send("crimes_10.csv", crimes(crime("c10")))
    door.send("crimes_2.csv", crimes(crime("c2")))
    door.send("crimes_b.csv", crimes(crime("cb")))
    door.send("crimes.csv", crimes(crime("c")))
    door.land()
    order = [ref for (ref,) in door.ask("select crime_ref from raw.crimes order by row_number")]
    assert order == ["c", "c2", "c10", "cb"]


def test_both_readers_take_blanks_after_a_closing_quote(door: Door) -> None:
    """One broken row must not change how the rows around it are read."""
    rows = [f'"met" ,"c {n}, ""x"" " ,"019/08" ,"2026-10-01" ,"2026-10-01" ' for n in range(30)]
    door.send("crimes.csv", crimes(*rows, "met,short"))
    door.land()
    assert door.ask("select count(*), min(crime_ref) from raw.crimes") == [(30, 'c 0, "x"')]
    assert door.ask("select line_number, reason from raw.quarantine") == [(32, "2 fields where the header has 5")]


@pytest.mark.parametrize(
    ("sql_value", "stored", "defects"),
    [
        ("'nan'::double", None, 0),
        ("'inf'::double", None, 1),
        ("1e30::double", None, 1),
        ("16::double", 16, 0),
        ("16.5::double", None, 1),
        ("16.0::decimal(4, 1)", 16, 0),
        ("16.5::decimal(4, 1)", None, 1),
        ("null::double", None, 0),
    ],
)
def test_numbers_of_data_frames_are_read_in_parquet(
    door: Door, sql_value: str, stored: int | None, defects: int
) -> None:
    """A data frame writes whole numbers with missing values as floats and NaN."""
    (door.extracts / DAY).mkdir()
    duckdb.sql(
        "copy (select 'met' as force, 'c1' as crime_ref, '019/08' as offence_code, date '2026-10-01' as reported_on, "
        f"timestamp '2026-10-01 10:00:00' as updated_at, {sql_value} as outcome_type) "
        f"to '{door.extracts / DAY / 'crimes.parquet'}'"
    )
    assert door.land().landed == [DAY]
    assert door.ask("select outcome_type from raw.crimes") == [(stored,)]
    found = door.ask("select coalesce(sum(rows_affected), 0)::integer from raw.value_defects")
    assert found == [(defects,)]


def test_a_manifest_may_list_other_files(door: Door) -> None:
    """A file that is not read is not checked."""
    door.send("crimes.csv", crimes(crime("c1")))
    door.send("notes.txt", "about")
    door.send("extract.json", json.dumps({"files": {"notes.txt": {"rows": 3}, "crimes.csv": {"rows": 1}}}))
    assert door.land().landed == [DAY]


def test_other_separators_are_named_in_the_refusal(door: Door) -> None:
    """The most common error of an export gets its own advice."""
    door.send("crimes.csv", crimes(crime("c1")).replace(",", ";"))
    assert "separated by commas" in door.refused().message


def test_input_cannot_reach_sql(tmp_path: Path) -> None:
    """A path and a header with SQL and glob characters are read literally."""
    root = tmp_path / "o'brien [a-z]*?; --"
    root.mkdir()
    door = Door(root)
    # DuckDB itself cannot keep a database in a folder with a question mark.
    door.home = Home(tmp_path / "home")
    door.send("crimes.csv", f'{CRIMES},"x""\'); drop table raw.crimes; --"\n{crime(chr(39))},1\n')
    assert door.land().landed == [DAY]
    assert door.ask("select crime_ref from raw.crimes") == [("'",)]


def test_a_wrong_folder_is_a_usage_error(door: Door) -> None:
    door.send("crimes.csv", crimes(crime("c1")))
    with pytest.raises(UsageError, match="looks like one extract"):
        land(door.extracts / DAY, door.home, print)
    with pytest.raises(UsageError, match="not a folder"):
        land(door.extracts / "nowhere", door.home, print)


@pytest.mark.parametrize("held", [".", "archive/letters", "year/2026-10-31", ".hidden/2026-10-31"])
def test_a_folder_without_extracts_is_a_usage_error(tmp_path: Path, held: str) -> None:
    """An unmounted share or a folder too high is never "nothing new", and makes no home."""
    (tmp_path / "extracts" / held).mkdir(parents=True)
    (tmp_path / "extracts" / "2026-10-31.zip").touch()
    with pytest.raises(UsageError, match=r"has no extract in it: .*2026-10-31/crimes\.csv"):
        land(tmp_path / "extracts", Home(tmp_path / "home"), print)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("held", ["2026-10-31", "20261031", "october/crimes.csv", "october/People.xlsx"])
def test_a_folder_meant_as_an_extract_is_refused_and_not_overlooked(tmp_path: Path, held: str) -> None:
    """A transfer that has only begun, or a wrong name, is the fault of one extract (exit code 3)."""
    (tmp_path / "extracts" / held).mkdir(parents=True)
    landed = land(tmp_path / "extracts", Home(tmp_path / "home"), print)
    assert [refusal.extract_id for refusal in landed.refused] == [held.split("/")[0]]


@pytest.mark.parametrize(
    "meanwhile",
    [
        "select 1",
        "delete from raw.digests_made; delete from raw.crime_digests; delete from raw.person_digests",
        "update raw.digests_made set probe = 1; update raw.crime_digests set crime = crime // 2",
    ],
    ids=["unchanged", "a home without digests", "digests by another hash"],
)
def test_references_to_earlier_extracts_are_known(door: Door, meanwhile: str) -> None:
    """References may point to anything that has landed, and to nothing else."""
    door.send("crimes.csv", crimes(good=20), "2026-09-30")
    people = [f"met,p{n},{'U' if n == 1 else 'F'},,,2026-09-01" for n in range(20)]
    door.send("people.csv", "\n".join([PEOPLE, *people]), "2026-09-30")
    door.land()
    door.ask(meanwhile)
    involved = [f"met,good{n},p{n},victim,2026-10-01" for n in range(1, 20)]
    involved += ["met,nowhere,p2,victim,2026-10-01", "met,good2,nobody,suspect,2026-10-01"]
    door.send("involvements.csv", "\n".join(["force,crime_ref,person_ref,role,updated_at", *involved]))
    door.land()
    names = "'involvements_have_their_crime', 'involvements_have_their_person', 'victims_have_a_sex'"
    found = f"select check_name, rows_unexpected from raw.extract_checks where check_name in ({names}) and rows_checked > 0 order by 1"
    assert door.ask(found) == [
        ("involvements_have_their_crime", 1),
        ("involvements_have_their_person", 1),
        ("victims_have_a_sex", 1),
    ]


def test_an_interrupted_landing_leaves_nothing_in_scratch(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is read while the first is checked; if that check is interrupted, both are removed from scratch."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    for day in (1, 2, 3):
        door.send("crimes.csv.gz", gzip.compress(crimes(good=20).encode()), f"2026-10-0{day}")
    monkeypatch.setattr(door_in.DoorIn, "check", stop)
    with pytest.raises(KeyboardInterrupt):
        door.land()
    assert list(door.home.scratch.iterdir()) == []
    assert door.ask("select count(*) from raw.extracts") == [(0,)]


def test_nothing_of_an_extract_is_left_in_scratch(door: Door) -> None:
    door.send("crimes.csv.gz", gzip.compress(crimes("ragged", good=20).encode()))
    door.land()
    assert not [path for path in door.home.scratch.rglob("*") if path.is_file()]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_are_conserved_whatever_is_wrong(door: Door, end: str) -> None:
    rows = ["a", crime("b", reported="x"), 'met,"c', crime("d"), "met,,019/08,2026-10-01,2026-10-01", "", crime("d")]
    door.send("crimes.csv", crimes(*rows, good=60, end=end))
    door.land()
    assert door.ask(
        "select rows_read, rows_landed, rows_quarantined, (select count(*) from raw.crimes), "
        "(select count(*) from raw.quarantine) from raw.extract_files"
    ) == [(66, 62, 4, 62, 4)]
    assert door.ask("select count(distinct row_number), max(row_number) from raw.crimes") == [(62, 66)]


def test_real_feed_lands_whole(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    real = Path(os.environ.get("HARMRANK_REAL", root.parent / "shared" / "real")) / "old_bailey_1830_1849"
    if not real.is_dir():
        pytest.skip("the real feed is not here: set HARMRANK_REAL")
    home = Home(tmp_path / "home")
    lines: list[str] = []
    assert len(land(real, home, lines.append).landed) == 20
    connection = connect(home)

    def counts(table: str) -> Any:
        return connection.execute(f"select count(*) from raw.{table}").fetchone()

    assert [counts(table) for table in ("crimes", "people", "involvements", "quarantine")] == [
        (50645,),
        (105489,),
        (106467,),
        (0,),
    ]
    connection.close()


def test_the_report_of_a_refused_extract_names_all_its_faults(door: Door) -> None:
    """Its message gives the first and the number of the others; its report has them all, with defects and bad rows."""
    cancelled = [f"{crime(n, reported='x' if n < 20 else '2026-10-01')},{'N' if n < 60 else ''}" for n in range(100)]
    door.send("crimes.csv", "\n".join([f"{CRIMES},cancelled_on", *cancelled]))
    people = [f"met,{'' if n < 10 else n},F,19{n:02},,2026-10-01" for n in range(30)]
    door.send("people.csv", "\n".join([PEOPLE, *people, "met,31,F,85,,2026-10-01", "met,32,F,86,,2026-10-01"]))
    message = door.refused().message
    assert "crimes.csv line 2, column reported_on: reported_on is not a date: use YYYY-MM-DD; 20 of 100 rows" in message
    assert message.endswith("Its report shows 2 more faults.")
    page = (door.home.reports / f"{DAY}.html").read_text(encoding="utf-8")
    for fault in (
        "3 faults refuse it",
        "people.csv line 2, column person_ref: person_ref is missing; 10 of 32 rows",
        "crimes.csv line 22, column cancelled_on: More than half of the values of cancelled_on can be used: not true for 40 of 40",
        "birth_year is not a whole number from 1000 to 2999",
        "people.csv line 32",
    ):
        assert fault in page, fault


def test_a_check_with_nothing_to_look_at_is_not_compared(door: Door) -> None:
    """Neither in the report nor in the warehouse has it passed."""
    door.send("crimes.csv", crimes(good=20))
    assert door.land().warnings == []
    checks = dict(door.ask("select check_name, passed from raw.extract_checks"))
    assert checks["codes_are_known"] is True
    names = ("outcomes_follow_the_report", "crimes_come_in_usual_number", "values_are_usable:crimes.cancelled_on")
    assert [checks[name] for name in names] == [None] * 3
    page = (door.home.reports / f"{DAY}.html").read_text(encoding="utf-8")
    assert "Outcomes come after the report: not compared" in page
    assert "Outcomes come after the report<" not in page


def test_one_unreadable_file_hides_no_fault_of_another(door: Door) -> None:
    """The checks of the whole extract are left out: without the file they would find what is not there."""
    door.send("crimes.csv", "force,crime_ref\n")
    door.send("people.csv", "\n".join([PEOPLE, *(f",{n},F,,,2026-10-01" for n in range(20))]))
    message = door.refused().message
    assert "crimes.csv line 1, column offence_code: the header lacks" in message
    assert message.endswith("Its report shows 1 more fault.")
    page = (door.home.reports / f"{DAY}.html").read_text(encoding="utf-8")
    assert "people.csv line 2, column force: force is missing; 20 of 20 rows" in page
    assert "checks" not in page
