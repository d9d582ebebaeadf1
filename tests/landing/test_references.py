"""References and codes that changed shape or meaning: what is refused, warned of and accepted, at each edge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from harmrank.contract import TABLES
from harmrank.expectations import suites
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.landing.checking import door_in, known_keys
from harmrank.landing.files import typing_sql
from harmrank.landing.files.extract_folder import Extract, TableFile
from harmrank.landing.files.manifest import Manifest
from harmrank.landing.files.row_reader import CheckedFile
from harmrank.landing.land import land

REWRITTEN = [
    "4.40E+11",
    "4.4e+11",
    "4,40E+11",
    "4E+11",
    "-4.4E+11",
    "1e+05",
    "4.40000000001E11",
    "4.4E-5",
    "440000000001.0",
    "440000000001.00",
    "440000000001,0",
    "19-Aug",
    "08-Jun-26",
    "Mar-12",
    "2026-08-19",
    "2026-08-19T00:00:00",
    "########",
    "#REF!",
    "#DIV/0!",
    "#NAME?",
]
AS_SENT = [
    "1E5",
    "4E11",
    "12e7",
    "4.4",
    "440000000001",
    "00000003",
    "t18300114-1-off1",
    "0000001/25",
    "CR-2026-08-19",
    "2026-08-19-01",
    "19-AUG",
    "12-Mars",
    "1.5",
    "10.05",
    "#1",
    "e+5",
    "C4.4E+11",
]


def test_rewritten_references_and_codes_are_unusable_and_others_are_not(tmp_path: Path) -> None:
    """Not one legitimate form is mistaken for a rewritten one; a tombstone needs its key, not its code."""
    folder = tmp_path / "extracts" / "2026-10-31"
    folder.mkdir(parents=True)
    at = "2026-10-01T10:00:00"
    every = [*REWRITTEN, *AS_SENT]
    files = {
        "crimes": ["force,crime_ref,offence_code,reported_on,updated_at,deleted"]
        + [f'met,"{ref}",19C,2026-10-01,{at},' for ref in every]
        + [f'met,code{number},"{code}",2026-10-01,{at},' for number, code in enumerate(["19-Aug", "10501.0", "37.2"])]
        + [f"met,gone,19-Aug,2026-10-01,{at},Y", f"met,4.4E+11,,,{at},Y"],
        "people": ["force,person_ref,updated_at"] + [f'met,"{ref}",{at}' for ref in every],
        "person_merges": ["force,person_ref,merged_into_ref,updated_at"]
        + [f'met,old{number},"{ref}",{at}' for number, ref in enumerate(every)],
        "involvements": ["force,crime_ref,person_ref,role,updated_at"]
        + [f'met,"{ref}",p,suspect,{at}\nmet,c,"{ref}",suspect,{at}' for ref in every],
    }
    for table, lines in files.items():
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    home = Home(tmp_path / "home")
    assert land(tmp_path / "extracts", home, print, max_bad_share=1).landed == ["2026-10-31"]
    with warehouse.connect(home) as connection:

        def landed(column: str, table: str, where: str = "true") -> set[str]:
            return {row[0] for row in connection.execute(f"select {column} from raw.{table} where {where}").fetchall()}

        assert landed("crime_ref", "crimes") == {*AS_SENT, "code2", "gone"}
        assert landed("person_ref", "people") == set(AS_SENT)
        assert landed("merged_into_ref", "person_merges") == set(AS_SENT)
        assert landed("crime_ref", "involvements", "crime_ref <> 'c'") == set(AS_SENT)
        assert landed("person_ref", "involvements", "person_ref <> 'p'") == set(AS_SENT)
        reasons = landed("split_part(reason, ',', 1)", "quarantine")
        what = "is a number or date as a spreadsheet rewrites it"
        assert reasons == {f"{name} {what}" for name in ("crime_ref", "person_ref", "merged_into_ref", "offence_code")}


def test_a_whole_column_of_rewritten_references_refuses_the_extract(tmp_path: Path) -> None:
    """The line names file, line, column and the remedy."""
    folder = tmp_path / "extracts" / "2026-10-31"
    folder.mkdir(parents=True)
    rows = [f"met,4.40E+11,19C,2026-10-0{day},2026-10-10" for day in range(1, 9)]
    header = "force,crime_ref,offence_code,reported_on,updated_at"
    (folder / "crimes.csv").write_text("\n".join([header, "met,c1,19C,2026-10-01,2026-10-10", *rows]) + "\n")
    (refusal,) = land(tmp_path / "extracts", Home(tmp_path / "home"), print).refused
    assert (refusal.file_name, refusal.line_number, refusal.column_name) == ("crimes.csv", 3, "crime_ref")
    assert "(export it as text)" in refusal.message
    assert "8 of 9 rows cannot be used" in refusal.message


@pytest.mark.parametrize(("sql_type", "bits"), [("DOUBLE", 53), ("FLOAT", 24)])
def test_floats_in_parquet_are_references_only_where_they_are_exact(tmp_path: Path, sql_type: str, bits: int) -> None:
    """2^53 may stand for the number after it, too. A DECIMAL and a BIGINT hold all their digits."""
    folder = tmp_path / "extracts" / "2026-10-31"
    folder.mkdir(parents=True)
    exact, rounded = 2**bits - 1, 2**bits
    with duckdb.connect() as connection:
        for part, of_type in enumerate((sql_type, "DECIMAL(38, 0)", "BIGINT")):
            connection.execute(
                "copy (select 'met' as force, unnest([?::hugeint, ?::hugeint, 44000000000123456::hugeint])::"
                f"{of_type} as person_ref, '2026-10-01' as updated_at) to '{folder / f'people_{part}.parquet'}'",
                [exact, rounded],
            )
    home = Home(tmp_path / "home")
    assert land(tmp_path / "extracts", home, print, max_bad_share=1).landed == ["2026-10-31"]
    whole = [str(exact), str(rounded), "44000000000123456"]
    with warehouse.connect(home) as connection:
        found = connection.execute("select person_ref from raw.people order by row_number").fetchall()
        assert [ref for (ref,) in found] == [str(exact), *whole, *whole]


# --- beside what landed before ----------------------------------------------------------------------------------

# Two hundred crimes and people that landed in September, and the same again in October: changed by each case.
CRIMES = (
    "select 'wessex' as force, lpad(i::varchar, 8, '0') as crime_ref, '019/08' as offence_code, "
    "date '2026-01-01' + (i % 200)::int as reported_on"
)
PEOPLE = (
    "select 'wessex' as force, 'P-' || lpad(i::varchar, 8, '0') as person_ref, date '1970-01-01' + (37 * i)::int as "
    "date_of_birth, if(i % 2 = 0, 'M', 'F') as sex"
)
INVOLVEMENTS = (
    "select 'wessex' as force, 'c' || i as crime_ref, 'p' || i as person_ref, "
    "if(i % 2 = 0, 'suspect', 'victim') as role"
)
ROWS = 200
JUMP = "update new_crimes set reported_on = reported_on + 32"
CLASS = "update new_crimes set offence_code = '020/03'"
OTHERS = "update new_people set date_of_birth = date_of_birth + interval 10 year"
UNPADDED = "update new_crimes set crime_ref = ltrim(crime_ref, '0')"
RESPELT = "update new_people set person_ref = replace(lower(person_ref), '-', ' ')"
# With them, the extract has 420 people.
OTHER_PEOPLE = (
    "insert into new_people select * replace ('x' || person_ref as person_ref) from new_people; insert into new_people select "
    "* replace ('y' || person_ref as person_ref) from new_people where ordinal <= 10"
)
RENAMED = "update new_crimes set force = 'Wessex Police'"
LONG = "update new_crimes set crime_ref = '440000000000001' || lpad(ordinal::varchar, 3, '0')"
# A copy of each crime; the crimes of the involvements are those of the extract.
AGAIN = "insert into new_crimes select * replace ('again' || crime_ref as crime_ref) from new_crimes"
AGAIN_WHO = (
    "update new_involvements set crime_ref = lpad((ordinal - 1)::varchar, 8, '0'); "
    "insert into new_involvements select * replace ('again' || crime_ref as crime_ref) from new_involvements"
)
NEW_PEOPLE = "update new_people set person_ref = 'n' || ordinal; update new_involvements set person_ref = 'n' || ordinal where ordinal >"
ROUNDED = "update new_crimes set crime_ref = (440000000000001 + ordinal) || '000' where ordinal"
TO_CRIME = "update new_involvements set role = 'victim', crime_ref = 'c0'"
TO_PERSON = "update new_involvements set role = 'suspect', person_ref = 'p0'"

WARNED, REFUSED = "warned", "refused"

CASES = [
    # A fifth of the known crimes, and twenty of them.
    (f"{JUMP} where ordinal <= 40", "crimes_keep_their_report", WARNED),
    (f"{JUMP} where ordinal <= 41", "crimes_keep_their_report", REFUSED),
    (f"{JUMP} where ordinal <= 4", "crimes_keep_their_report", None),
    (f"{JUMP} where ordinal <= 5", "crimes_keep_their_report", WARNED),
    (f"{JUMP} where ordinal <= 19; delete from new_crimes where ordinal > 19", "crimes_keep_their_report", WARNED),
    (f"{JUMP} where ordinal <= 20; delete from new_crimes where ordinal > 20", "crimes_keep_their_report", REFUSED),
    ("update new_crimes set reported_on = reported_on + 31", "crimes_keep_their_report", None),
    ("update new_crimes set reported_on = reported_on - 32", "crimes_keep_their_report", REFUSED),
    # The newest version counts, not the first one: 150 days have already been corrected in September.
    ("update new_crimes set crime_ref = 'moved', reported_on = '2026-06-01'", "crimes_keep_their_report", None),
    # One reference for many crimes of the same extract.
    ("update new_crimes set crime_ref = 'x' || left(crime_ref, 6)", "crimes_keep_their_report", REFUSED),
    # Half of the known crimes.
    (f"{CLASS} where ordinal <= 40", "crimes_keep_their_class", None),
    (f"{CLASS} where ordinal <= 41", "crimes_keep_their_class", WARNED),
    (f"{CLASS} where ordinal <= 100", "crimes_keep_their_class", WARNED),
    (f"{CLASS} where ordinal <= 101", "crimes_keep_their_class", REFUSED),
    ("update new_crimes set offence_code = '19C'", "crimes_keep_their_class", None),
    ("update new_crimes set offence_code = '01908'", "crimes_keep_their_class", None),
    # People.
    (f"{OTHERS} where ordinal <= 4", "people_are_the_same", None),
    (f"{OTHERS} where ordinal <= 40", "people_are_the_same", WARNED),
    (f"{OTHERS} where ordinal <= 41", "people_are_the_same", REFUSED),
    ("update new_people set date_of_birth = date_of_birth + 1", "people_are_the_same", None),
    ("update new_people set date_of_birth = date_of_birth + 1, sex = if(sex = 'F', 'M', 'F')", "people_are_the_same", REFUSED),
    ("update new_people set sex = if(sex = 'F', 'M', 'F')", "people_are_the_same", None),
    ("update new_people set date_of_birth = null", "people_are_the_same", None),
    # A twentieth of all crimes and people, and twenty of them: known but for zeros, case and signs.
    (f"{UNPADDED} where ordinal <= 4", "crimes_keep_their_reference", None),
    (f"{UNPADDED} where ordinal <= 5", "crimes_keep_their_reference", WARNED),
    (f"{UNPADDED} where ordinal <= 19", "crimes_keep_their_reference", WARNED),
    (f"{UNPADDED} where ordinal <= 20", "crimes_keep_their_reference", REFUSED),
    (f"{UNPADDED}, reported_on = reported_on + 1", "crimes_keep_their_reference", None),
    (f"{RESPELT} where ordinal <= 21; {OTHER_PEOPLE}", "people_keep_their_reference", WARNED),
    (f"{RESPELT} where ordinal <= 22; {OTHER_PEOPLE}", "people_keep_their_reference", REFUSED),
    ("update new_people set person_ref = 'p00' || ltrim(person_ref, 'P-0')", "people_keep_their_reference", REFUSED),
    # A force of another name.
    (f"{RENAMED}; update new_crimes set crime_ref = 'n' || ordinal where ordinal > 19", "crimes_are_of_one_force", WARNED),
    (f"{RENAMED}; update new_crimes set crime_ref = 'n' || ordinal where ordinal > 20", "crimes_are_of_one_force", REFUSED),
    (f"{RENAMED}, crime_ref = 'n' || ordinal", "crimes_are_of_one_force", None),
    (f"{RENAMED}, reported_on = reported_on + 1", "crimes_are_of_one_force", None),
    ("update new_people set force = 'Wessex Police'", "people_are_of_one_force", REFUSED),
    ("update new_people set force = 'WESSEX', person_ref = 'n' || ordinal where ordinal <= 19", "force_of_people_is_spelt_once", None),
    ("update new_people set force = 'WESSEX', person_ref = 'n' || ordinal where ordinal <= 20", "force_of_people_is_spelt_once", REFUSED),
    ("update new_crimes set force = 'Wes-sex', crime_ref = 'n' || ordinal", "force_of_crimes_is_spelt_once", REFUSED),
    # References of more than 15 digits that a spreadsheet has rounded.
    (f"{LONG}; {ROUNDED} <= 100", "references_of_crimes_keep_their_digits", None),
    (f"{LONG}; {ROUNDED} <= 101", "references_of_crimes_keep_their_digits", REFUSED),
    ("update new_crimes set crime_ref = (44000000000000 + ordinal) || '0'", "references_of_crimes_keep_their_digits", None),
    ("update new_people set person_ref = (440000000000001 + ordinal) || '000'", "references_of_people_keep_their_digits", REFUSED),
    # One crime of many.
    (f"{TO_CRIME} where ordinal <= 20", "crimes_have_few_people", None),
    (f"{TO_CRIME} where ordinal <= 21", "crimes_have_few_people", WARNED),
    (f"{TO_CRIME} where ordinal <= 99", "crimes_have_few_people", WARNED),
    (f"{TO_CRIME} where ordinal <= 100", "crimes_have_few_people", REFUSED),
    (f"{TO_CRIME}, person_ref = 'p' || (ordinal % 20)", "crimes_have_few_people", None),
    ("update new_involvements set role = 'suspect', crime_ref = 'c0' where ordinal <= 50", "crimes_have_few_people", None),
    ("update new_involvements set role = 'suspect', crime_ref = 'c0' where ordinal <= 51", "crimes_have_few_people", WARNED),
    (f"{TO_PERSON} where ordinal <= 100", "suspects_have_few_crimes", None),
    (f"{TO_PERSON} where ordinal <= 101", "suspects_have_few_crimes", REFUSED),
    # Crimes again under another reference: with their victims and suspects, or with others.
    (f"{AGAIN} where ordinal <= 11; {AGAIN_WHO} where ordinal <= 11", "crimes_have_one_reference", WARNED),
    (f"{AGAIN} where ordinal <= 12; {AGAIN_WHO} where ordinal <= 10", "crimes_have_one_reference", None),
    (f"{AGAIN}; {AGAIN_WHO}", "crimes_have_one_reference", REFUSED),
    (f"{AGAIN}; {AGAIN_WHO}; update new_crimes set reported_on = reported_on + 1 where crime_ref like 'again%'",
     "crimes_have_one_reference", None),
    (f"{AGAIN}; {AGAIN_WHO}; update new_involvements set person_ref = 'o' || ordinal where crime_ref like 'again%'",
     "crimes_have_one_reference", None),
    # New people, of whom involvements name some.
    (f"{NEW_PEOPLE} 20", "people_are_in_a_crime", None),
    (f"{NEW_PEOPLE} 21", "people_are_in_a_crime", WARNED),
    ("update new_people set person_ref = 'n' || ordinal; update new_involvements set is_deleted = true", "people_are_in_a_crime", None),
    # Codes that have lost their zeros.
    ("update new_crimes set offence_code = if(ordinal <= 100, '806', '00806')", "codes_keep_their_zeros", None),
    ("update new_crimes set offence_code = if(ordinal <= 101, '1908', '01908')", "codes_keep_their_zeros", WARNED),
    ("update new_crimes set offence_code = if(ordinal <= 100, '104', '00806')", "codes_keep_their_zeros", None),
    ("update new_crimes set offence_code = '802' where ordinal <= 4", "codes_are_read_one_way", None),
    ("update new_crimes set offence_code = if(ordinal = 1, '814', if(ordinal <= 100, '806', '00806'))", "codes_are_read_one_way", None),
    ("update new_crimes set offence_code = if(ordinal = 1, '814', if(ordinal <= 102, '806', '00806'))", "codes_are_read_one_way", REFUSED),
]  # fmt: skip


def make_known(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> None:
    """Makes the door know the rows of a table in September."""
    known_keys.add(connection, table, f"(select {known_keys.digests(table)}, 0 as place from {rows})")
    connection.execute(
        f"insert into raw.extract_forces select '2026-09-30', ?, force, count(*) from {rows} group by force", [table]
    )


@pytest.fixture(scope="module")
def september(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, door_in.DoorIn]]:
    """A door in that knows two hundred crimes and people; of one crime also a newer version."""
    home = Home(tmp_path_factory.mktemp("september") / "home")
    home.create()
    connection = warehouse.connect(home)
    numbers = f"range({ROWS}) r(i)"
    for table, query in (("crimes", CRIMES), ("people", PEOPLE)):
        rows = f"(select *, timestamp '2026-09-30' as updated_at from ({query}, i from {numbers}))"
        make_known(connection, table, rows)
    for day, at in (("2026-06-01", "2026-09-30 10:00"), ("2026-01-01", "2026-09-30 09:00")):
        moved = (
            f"(select 'wessex' as force, 'moved' as crime_ref, '019/08' as offence_code, date '{day}' as reported_on"
        )
        make_known(connection, "crimes", f"{moved}, timestamp '{at}' as updated_at)")
    yield connection, door_in.DoorIn(connection)
    connection.close()


def found_in(
    september: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], change: str, manifest: Manifest | None = None
) -> dict[str, door_in.DoorFinding]:
    """Returns what the door finds in the records of September, sent again in October with a change."""
    connection, door = september
    read = []
    for name, query in (("crimes", CRIMES), ("people", PEOPLE), ("involvements", INVOLVEMENTS)):
        table = TABLES[name]
        given = {"force", "crime_ref", "person_ref", "offence_code", "reported_on", "date_of_birth", "sex", "role"}
        missing = [
            f"null::{c.sql_type} as {c.name}" for c in table.columns if c.name not in given | {"updated_at", "deleted"}
        ]
        flags = ["false as has_deleted", *(f"false as {fault.flag}" for fault in typing_sql.value_faults(table))]
        rest = "".join(f", {column}" for column in missing + flags)
        connection.execute(
            f"create or replace temp table new_{name} as select *, timestamp '2026-10-31' as updated_at, false as is_deleted, "
            f"i + 1 as ordinal, null::varchar as problem{rest} from ({query}, i from range({ROWS}) r(i))"
        )
        file = TableFile(table, Path(f"{name}.csv"), 1, 1, (0, 0))
        read.append(CheckedFile(file, "x", f"new_{name}", "ordinal", ROWS, [], {}, 1, None))
    connection.execute(change)
    extract = Extract("2026-10-31", Path(), (), ())
    given_manifest = manifest or Manifest(None, {}, {})
    incoming = door_in.IncomingExtract(extract, given_manifest, datetime(2026, 10, 31), "x", read, "new_prepared")
    door_in.prepare(connection, incoming)
    return {found.finding.expectation.name: found for found in door.check(incoming)}


def outcome(found: dict[str, door_in.DoorFinding], name: str) -> str | None:
    """Returns what becomes of the extract by a check and its severe form."""
    about = [found[known].finding for known in (name, f"most_{name}") if known in found]
    assert about
    if any(finding.is_fatal for finding in about):
        return REFUSED
    return WARNED if any(finding.failed for finding in about) else None


def test_every_comparison_has_a_case_that_it_finds() -> None:
    """A new expectation about known records needs a case above."""
    compared = [suite for suite in suites.load("door_in") if suite.relation.startswith("door_known_")]
    names = {expectation.name for suite in compared for expectation in suite.expectations}
    assert {name.removeprefix("most_") for name in names} <= {name for _, name, expected in CASES if expected}


@pytest.mark.thorough
@pytest.mark.parametrize(("change", "name", "expected"), CASES)
def test_records_are_compared_with_known_ones(
    september: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], change: str, name: str, expected: str | None
) -> None:
    assert outcome(found_in(september, change), name) == expected


def test_what_is_sent_again_unchanged_is_compared_and_passes(
    september: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn],
) -> None:
    """A full export, every month; of one offence."""
    found = found_in(september, "select 1")
    assert {name for name in found if found[name].finding.failed and "involvements_have" not in name} == {
        "no_value_is_too_frequent",
        "some_crimes_are_recent",
        "victims_have_a_sex",
    }
    compared = {
        "crimes_keep_their_report",
        "crimes_keep_their_class",
        "people_are_the_same",
        "crimes_keep_their_reference",
    }
    assert {name: found[name].finding.rows_checked for name in compared} == dict.fromkeys(compared, ROWS)


def test_a_correction_may_change_what_it_corrects(september: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn]) -> None:
    """What says which extract it corrects is not compared with it; its references are."""
    correction = Manifest(None, {}, {}, corrects=("2026-09-30",))
    found = found_in(september, f"{JUMP}; {OTHERS}", correction)
    for name in ("crimes_keep_their_report", "people_are_the_same"):
        assert (found[name].finding.passed, found[name].finding.rows_checked) == (None, 0)
    assert outcome(found_in(september, UNPADDED, correction), "crimes_keep_their_reference") == REFUSED


def test_what_is_meant_is_accepted_and_recorded(tmp_path: Path) -> None:
    """The refusal names the place, the remedy and the check; extract.json can accept that check, and no other name."""
    header = "force,crime_ref,offence_code,reported_on,updated_at"
    extracts, home = tmp_path / "extracts", Home(tmp_path / "home")
    for month in ("09", "10"):
        folder = extracts / f"2026-{month}-28"
        folder.mkdir(parents=True)
        rows = [f"met,{number},19C,20{month}-06-01,2026-{month}-02" for number in range(20)]
        (folder / "crimes.csv").write_text("\n".join([header, *rows]) + "\n")
    (refusal,) = land(extracts, home, print).refused
    assert (refusal.file_name, refusal.line_number, refusal.column_name) == ("crimes.csv", 2, "reported_on")
    assert "not true for 20 of 20 rows" in refusal.message
    assert "Check whether numbering started again" in refusal.message
    assert refusal.message.endswith('If it is meant, add "accept": ["most_crimes_keep_their_report"] to extract.json.')
    manifest = extracts / "2026-10-28" / "extract.json"
    for accept, reason in (
        (["no_check"], "accept names no_check, which is not a check"),
        ("most_crimes_keep_their_report", "accept is not a list of checks"),
    ):
        manifest.write_text(json.dumps({"accept": accept}))
        (refusal,) = land(extracts, home, print).refused
        assert reason in refusal.message and refusal.file_name == "extract.json"
    manifest.write_text(json.dumps({"accept": ["most_crimes_keep_their_report"]}))
    result = land(extracts, home, print)
    assert (result.landed, result.refused) == (["2026-10-28"], [])
    assert any("extract.json accepts this." in warning for warning in result.warnings)
    with warehouse.connect(home) as connection:
        defects = connection.execute("select column_name, rows_affected from raw.value_defects").fetchall()
        assert ("accept", 1) in defects
    assert "extract.json accepts this." in (home.reports / "2026-10-28.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [".people.csv.Hk3xQ2", ".crimes_01.csv.gz.a1B2c3", "people.csv.filepart", "people.csv.part"]
)
def test_a_file_that_a_transfer_is_writing_refuses_the_extract(tmp_path: Path, name: str) -> None:
    """The crimes are whole, the next file is not there yet: what has come would land alone."""
    folder = tmp_path / "extracts" / "2026-10-31"
    folder.mkdir(parents=True)
    (folder / "crimes.csv").write_text(
        "force,crime_ref,offence_code,reported_on,updated_at\nmet,c,19C,2026-10-01,2026-10-01\n"
    )
    (folder / "._crimes.csv").touch()
    (folder / name).touch()
    home = Home(tmp_path / "home")
    (refusal,) = land(tmp_path / "extracts", home, print).refused
    assert refusal.file_name == name
    assert "un this again when" in refusal.message
    (folder / name).unlink()
    assert land(tmp_path / "extracts", home, print).landed == ["2026-10-31"]
