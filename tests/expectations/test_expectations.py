"""The checks of Great Expectations at the two doors: each expectation finds its fault and has its effect."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import SMALL_FEED, Command, PublishedHome, write_extract
from support.without_dbt import stand_in_for_dbt

from harmrank.building import run_dbt
from harmrank.building.mart_keys import Keys
from harmrank.contract import CUSTODY, TABLES
from harmrank.errors import GateFailed, HarmrankError
from harmrank.expectations import checks, suites
from harmrank.expectations.suites import Expectation, Suite
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.landing.checking import door_in
from harmrank.landing.files import typing_sql
from harmrank.landing.files.extract_folder import Extract, TableFile
from harmrank.landing.files.manifest import Manifest
from harmrank.landing.files.row_reader import CheckedFile
from harmrank.landing.land import land
from harmrank.publishing import current_build, door_out, publish
from harmrank.refreshing.refresh import refresh
from harmrank.refreshing.request import Options
from harmrank.refreshing.run import Run

# Comparisons with what is known have their faults in tests/landing: test_references.py and test_composition.py.
SUITES_IN = [
    suite for suite in suites.load("door_in") if not suite.relation.startswith(("door_known_", "door_composition"))
]
DOOR_IN = {e.name: e for suite in SUITES_IN for e in suite.expectations}
DOOR_OUT = {e.name: e for suite in suites.load("door_out") for e in suite.expectations}


def names(found: list[checks.Finding]) -> set[str]:
    """Returns the names of the expectations that failed."""
    return {finding.expectation.name for finding in found if finding.failed}


def test_a_check_leaves_the_connection_and_its_transaction_open() -> None:
    """Great Expectations by itself closes DuckDB before it has read a result, and ends an open transaction."""
    expectation = Expectation(
        "late",
        "expect_column_values_to_be_between",
        {"column": "on_day", "max_value": {"$PARAMETER": "today"}, "mostly": 0.9},
        "t",
        "on_day",
        "Nothing is late",
        "Fix it.",
        True,
        0,
    )
    suite = Suite("days", None, (expectation,))
    with duckdb.connect() as connection:
        connection.execute("begin")
        connection.execute(
            "create temp table days as select date '2026-01-01' + i::int as on_day, i + 1 as file_row from range(100) r(i)"
        )
        checker = checks.Checker(connection)
        parameters = {"today": date(2026, 3, 1)}
        (finding,) = checker.check(suite, parameters)
        assert (finding.passed, finding.is_fatal) == (False, True)
        assert (finding.rows_checked, finding.rows_unexpected) == (100, 40)
        assert finding.message == "Nothing is late: not true for 40 of 100 rows (at most 10% allowed)"
        assert checker.places(suite, finding, ["file_row"], 2, parameters) == [(61,), (62,)]
        connection.execute("rollback")
        with pytest.raises(duckdb.CatalogException):
            connection.execute("select * from days")


def test_a_kept_expectation_is_evaluated_on_new_rows() -> None:
    """The next extract has other rows and another day: neither may be judged by those of the last extract."""
    expectation = Expectation(
        "late",
        "expect_column_values_to_be_between",
        {"column": "day", "max_value": {"$PARAMETER": "today"}},
        "t",
        "day",
        "Nothing is late",
        "Fix it.",
        True,
        0,
    )
    suite = Suite("days", None, (expectation,))
    with duckdb.connect() as connection:
        checker = checks.Checker(connection)
        for rows, today, late in ((10, 4, 5), (20, 4, 15), (20, 14, 5), (3, 14, 0), (20, 4, 15)):
            connection.execute(
                f"create or replace temp table days as select date '2026-01-01' + i::int as day from range({rows}) r(i)"
            )
            parameters = {"today": date(2026, 1, 1 + today)}
            (finding,) = checker.check(suite, parameters)
            assert (finding.rows_checked, finding.rows_unexpected) == (rows, late)
            first = [(date(2026, 1, 2 + today),)] if late else []
            assert checker.places(suite, finding, ["day"], 1, parameters) == first
        connection.execute("create or replace temp table days as select 1 as other")
        with pytest.raises(HarmrankError, match="the check late of t failed to run"):
            checker.check(suite, parameters)


# Twenty rows have a value, and one of them is not as expected.
COUNTED = [
    ("expect_column_values_to_not_be_null", {"column": "flag"}, 1 / 21),
    ("expect_column_values_to_be_null", {"column": "seldom"}, 1 / 21),
    ("expect_column_values_to_be_in_set", {"column": "flag", "value_set": [True]}, 1 / 20),
    ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["it's", "b"]}, 1 / 20),
    ("expect_column_values_to_be_between", {"column": "share", "min_value": 0.1, "max_value": 5}, 1 / 20),
    ("expect_column_values_to_be_between", {"column": "share", "max_value": 9.5, "strict_max": True}, 1 / 20),
    ("expect_column_values_to_be_between", {"column": "on_day", "max_value": {"$PARAMETER": "today"}}, 1 / 20),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "on_day", "column_B": "day", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
        1 / 20,
    ),
    ("expect_column_pair_values_to_be_equal", {"column_A": "word", "column_B": "other"}, 2 / 20),
    ("expect_table_row_count_to_be_between", {"min_value": 21}, None),
    ("expect_table_row_count_to_be_between", {"min_value": 22}, None),
    ("expect_table_columns_to_match_set", {"column_set": ["flag", "word"], "exact_match": False}, None),
    ("expect_table_columns_to_match_set", {"column_set": ["flag", "gone"], "exact_match": False}, None),
]


def test_what_is_counted_is_what_great_expectations_finds() -> None:
    """Only what the counts say is not true reaches Great Expectations: at the share and just beside it both must agree."""
    expectations = []
    for number, (kind, arguments, share) in enumerate(COUNTED):
        shares = [{}] if share is None else [{}, {"mostly": 1 - share}, {"mostly": 1 - share + 1e-9}]
        expectations += [
            Expectation(f"{number}_{place}", kind, {**arguments, **mostly}, "t", "c", "It is", "Mend it.", True, 0)
            for place, mostly in enumerate(shares)
        ]
    suite = Suite("counted", None, tuple(expectations))
    parameters = {"today": date(2026, 1, 20)}
    with duckdb.connect() as connection:
        connection.execute("""
            create temp table counted as select
                i as file_row, if(i = 20, null, i <> 7) as flag, if(i = 3, 1, null) as seldom,
                case i when 20 then null when 7 then 'x' else 'it''s' end as word,
                case i when 20 then null when 8 then 'y' when 7 then null else 'it''s' end as other,
                case i when 20 then null when 7 then 9.5 else 0.1 end as share,
                if(i = 20, null, date '2026-01-01' + if(i = 7, 20, 19)) as on_day,
                if(i = 7, date '2027-01-01', date '2026-01-20') as day
            from range(21) r(i)
        """)
        checker = checks.Checker(connection)
        counted = checker._counted(suite, parameters)
        judged = checker._judged(suite.relation, list(suite.expectations), parameters)
        assert counted == judged
        assert [f.failed for f in judged.values() if f.rows_checked is not None] == [True, False, True] * 9
        for finding in judged.values():
            rows = checker.places(suite, finding, ["file_row"], 100, parameters)
            assert len(rows) == (finding.rows_unexpected or 0), finding.expectation
        connection.execute("delete from counted")
        counted = checker._counted(suite, parameters)
        assert counted == checker._judged(suite.relation, list(suite.expectations), parameters)


def test_every_expectation_about_rows_is_counted() -> None:
    """Another kind would need Great Expectations for every extract, and its findings would have no places."""
    counted = {
        e.name: checks._about_rows(
            e, dict.fromkeys(door_in._suite_parameters() | {"list_date": 0, "build_ids": 0}, ["x"])
        )
        for suite in [*suites.load("door_in"), *suites.load("door_out")]
        for e in suite.expectations
        if not e.type.startswith("expect_table_")
    }
    assert counted and [name for name, sql in counted.items() if sql is None] == []


def test_a_check_that_cannot_be_run_does_not_pass() -> None:
    """An expectation about a missing column raises an error of one line without data."""
    suite = Suite(
        "days",
        None,
        (
            Expectation(
                "x", "expect_column_values_to_not_be_null", {"column": "gone"}, "days", "gone", "x", "x", True, 0
            ),
        ),
    )
    with duckdb.connect() as connection:
        connection.execute("create table days as select 1 as here")
        with pytest.raises(HarmrankError, match="the check x of days failed to run"):
            checks.Checker(connection).check(suite)


def test_every_expectation_has_a_sentence_and_advice() -> None:
    """Suppliers read both. Names are unique, so that the findings of two extracts can be compared."""
    loaded = [*suites.load("door_in"), *suites.load("door_out")]
    everything = [expectation for suite in loaded for expectation in suite.expectations]
    assert len({expectation.name for expectation in everything}) == len(everything)
    for expectation in everything:
        assert expectation.sentence[0].isupper() and not expectation.sentence.endswith("."), expectation.name
        assert expectation.mend.endswith("."), expectation.name


# --- the door in: faults in an extract -------------------------------------------------------------------------

ROWS = 200
GOOD = {
    "crimes": "select 'met' as force, 'c' || i as crime_ref, if(i % 2 = 0, '019/08', '008/06') as offence_code, "
    "date '2026-06-01' as reported_on, null::date as committed_from, null::date as committed_to, "
    "if(i % 20 = 0, 'witness', 'victim') as reported_by, 1 as outcome_type, "
    "date '2026-06-02' as outcome_on, null::date as cancelled_on, null::varchar as area_code, null::boolean as domestic_abuse",
    "people": "select 'met' as force, 'p' || i as person_ref, null as forename, null as middle_names, null as surname, "
    "date '1980-01-01' as date_of_birth, null::int as birth_year, 'F' as sex, null as ethnicity, null as pnc_id, "
    "null as postcode, null::date as deceased_on",
    "involvements": "select 'met' as force, 'c' || i as crime_ref, 'p' || i as person_ref, 'victim' as role, "
    "'named' as status, null as relationship",
    "custody": "select 'met' as force, 'p' || i as person_ref, date '2026-01-01' as custody_from, "
    "date '2026-02-01' as custody_to",
    "person_merges": "select 'met' as force, 'q' || i as person_ref, 'p' || i as merged_into_ref",
}
FLAGS = {
    name: ", ".join(f"false as {fault.flag}" for fault in typing_sql.value_faults(table))
    for name, table in TABLES.items()
}
# On days of their own, so that they are not one crime under many references.
ONE_SUSPECT = (
    "update landing_involvements set person_ref = 'p1', role = 'suspect' where ordinal <= 101; "
    "update landing_crimes set committed_from = date '2025-01-01' + ordinal::int; "
    "update landing_people set sex = 'M' where ordinal = 2"
)
SUSPECTS = "update landing_involvements set role = 'suspect' where ordinal <= {}"
FIVES = "update landing_involvements set crime_ref = 'c' || ((ordinal - 1) // 5) where role = 'suspect'"
MERGES = (
    "update landing_person_merges set person_ref = 'p' || (199 - i) where ordinal <= {0}; "
    "update landing_people set sex = 'M' where ordinal <= {0}"
)
FAULTS_IN = {
    "most_deciding_values_are_usable": "update landing_people set date_of_birth = null, defect_date_of_birth = true "
    "where ordinal <= 100",
    "values_are_usable": "update landing_crimes set outcome_type = null, defect_outcome_type = true where ordinal <= 20",
    "few_deciding_days_are_defaults": "update landing_people set date_of_birth = '1970-01-01' where ordinal <= 100",
    "few_days_are_defaults": "update landing_people set date_of_birth = '1900-01-01' where ordinal <= 20",
    "deciding_columns_are_filled": "update landing_crimes set reported_by = null where ordinal <= 180",
    "columns_are_filled": "update landing_crimes set reported_by = null where ordinal <= 100",
    "people_have_a_sex": "update landing_people set sex = null where ordinal <= 180",
    "most_victims_have_a_sex": "update landing_people set sex = 'U' where ordinal <= 100",
    "crimes_have_a_force": "update landing_crimes set force = null where ordinal = 7",
    "crimes_have_a_reference": "update landing_crimes set crime_ref = null where ordinal = 7",
    "crimes_reported_by_known_words": "update landing_crimes set reported_by = 'x' where ordinal = 7",
    "most_crimes_are_reported_by_the_extract": "update landing_crimes set reported_on = '2026-07-01' where ordinal <= 101",
    "crimes_are_reported_by_the_extract": "update landing_crimes set reported_on = '2026-07-01' where ordinal <= 3",
    "most_crimes_are_updated_by_the_extract": "update landing_crimes set updated_at = '2026-07-05' where ordinal <= 101",
    "crimes_are_updated_by_the_extract": "update landing_crimes set updated_at = '2026-07-02 00:00:01' where ordinal = 7",
    "codes_are_known": "update landing_crimes set offence_code = '999/99' where ordinal <= 11",
    "codes_are_read_one_way": "update landing_crimes set offence_code = if(ordinal = 7, '802', '1908') "
    "where ordinal in (7, 8, 9)",
    "codes_keep_their_zeros": "update landing_crimes set offence_code = '1908' where ordinal = 7",
    "outcomes_follow_the_report": "update landing_crimes set outcome_on = '2026-05-31' where ordinal <= 3",
    "crimes_stand_once": "update landing_crimes set crime_ref = 'c1' where ordinal <= 4",
    "most_crimes_are_committed_before_the_report": "update landing_crimes set committed_from = '2026-06-02' where ordinal <= 101",
    "crimes_are_committed_before_the_report": "update landing_crimes set committed_from = if(ordinal <= 11, date '2026-06-02', "
    "'2026-06-01')",
    "most_crimes_are_updated_after_the_report": "update landing_crimes set updated_at = '2026-05-30' where ordinal <= 101",
    "crimes_are_updated_after_the_report": "update landing_crimes set updated_at = '2026-05-30' where ordinal <= 5",
    "some_crimes_are_recent": "update landing_crimes set reported_on = '2026-04-28'",
    "people_have_a_force": "update landing_people set force = null where ordinal = 7",
    "people_have_a_reference": "update landing_people set person_ref = null where ordinal = 7",
    "sex_is_a_known_letter": "update landing_people set sex = 'x' where ordinal = 7",
    "most_people_are_updated_by_the_extract": "update landing_people set updated_at = '2026-07-05' where ordinal <= 101",
    "people_are_updated_by_the_extract": "update landing_people set updated_at = '2026-07-05' where ordinal = 7",
    "people_are_born": "update landing_people set date_of_birth = '2026-07-01' where ordinal <= 3",
    "nobody_dies_before_birth": "update landing_people set deceased_on = '1979-12-31' where ordinal = 7",
    "involvements_name_a_crime": "update landing_involvements set crime_ref = null where ordinal = 7",
    "involvements_name_a_person": "update landing_involvements set person_ref = null where ordinal = 7",
    "roles_are_known_words": "update landing_involvements set role = 'x' where ordinal = 7",
    "statuses_are_known_words": "update landing_involvements set status = 'x' where ordinal = 7",
    "most_involvements_are_updated_by_the_extract": "update landing_involvements set updated_at = '2026-07-05' "
    "where ordinal <= 101",
    "involvements_are_updated_by_the_extract": "update landing_involvements set updated_at = '2026-07-05' where ordinal = 7",
    "involvements_have_their_crime": "delete from landing_crimes where ordinal <= 11",
    "people_have_a_birth": "update landing_people set date_of_birth = null where ordinal <= 161",
    "involvements_have_their_person": "delete from landing_people where ordinal <= 11",
    "victims_have_a_sex": "update landing_people set sex = 'U' where ordinal <= 21",
    "most_crimes_have_few_people": "update landing_involvements set crime_ref = 'c1' where ordinal <= 100",
    "crimes_have_few_people": "update landing_involvements set crime_ref = 'c1' where ordinal <= 21",
    "most_suspects_have_few_crimes": ONE_SUSPECT,
    "suspects_have_few_crimes": ONE_SUSPECT,
    "most_crimes_have_one_reference": "update landing_involvements set person_ref = 'p1' where ordinal <= 101",
    "crimes_have_one_reference": "update landing_involvements set person_ref = 'p1' where ordinal <= 21",
    "most_suspects_are_male": f"{SUSPECTS.format(60)}; update landing_people set sex = 'M' where ordinal between 31 and 59",
    "suspects_are_male": f"{SUSPECTS.format(60)}; update landing_people set sex = 'M' where ordinal between 22 and 60",
    "most_crimes_have_few_suspects": f"{SUSPECTS.format(100)}; {FIVES}; update landing_people set sex = 'M'",
    "crimes_have_few_suspects": f"{SUSPECTS.format(100)}; {FIVES} and ordinal <= 20; update landing_people set sex = 'M'",
    "some_suspects_are_cleared": f"{SUSPECTS.format(160)}; update landing_people set sex = 'M'",
    "most_merges_join_one_person": MERGES.format(10),
    "merges_join_one_person": f"{MERGES.format(5)}; update landing_person_merges set person_ref = 'p50' where ordinal > 195",
    "custody_ends_after_it_begins": "update landing_custody set custody_to = '2025-12-31' where ordinal = 7",
    "crimes_come_in_usual_number": "delete from landing_crimes where ordinal > 39",
    "people_come_in_usual_number": "delete from landing_people where ordinal > 39",
    "involvements_come_in_usual_number": "delete from landing_involvements where ordinal > 39",
    "custody_come_in_usual_number": "delete from landing_custody where ordinal > 39",
    "person_merges_come_in_usual_number": "delete from landing_person_merges where ordinal > 39",
}


# Faults that other expectations find, too.
ALSO = {
    # The zeros that make the code ambiguous are missing; a hundred crimes are always a large share of two hundred.
    "codes_are_read_one_way": ["codes_keep_their_zeros"],
    "suspects_have_few_crimes": ["most_suspects_have_few_crimes", "people_are_in_a_crime"],
    # One person takes the places of others.
    "most_suspects_have_few_crimes": ["people_are_in_a_crime"],
    "most_crimes_have_one_reference": ["people_are_in_a_crime"],
    "crimes_have_one_reference": ["people_are_in_a_crime"],
    "involvements_come_in_usual_number": ["people_are_in_a_crime"],
    # Involvements do not find a crime or person without a key, or a missing one.
    "crimes_come_in_usual_number": ["involvements_have_their_crime"],
    "people_have_a_sex": ["most_victims_have_a_sex", "victims_have_a_sex"],
    "most_victims_have_a_sex": ["victims_have_a_sex"],
    "people_come_in_usual_number": ["involvements_have_their_person", "victims_have_a_sex"],
    # The report moves to a later day than the outcome.
    "crimes_are_reported_by_the_extract": ["outcomes_follow_the_report"],
    "most_crimes_are_reported_by_the_extract": ["outcomes_follow_the_report"],
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, door_in.DoorIn]]:
    """A door in with three landed extracts of 200 rows per table."""
    home = Home(tmp_path_factory.mktemp("door") / "home")
    home.create()
    connection = warehouse.connect(home)
    for extract_id in ("2026-03-31", "2026-04-30", "2026-05-31"):
        connection.execute("insert into raw.extracts values (?, now(), current_date, now(), 'x')", [extract_id])
        connection.execute(
            "insert into raw.extract_checks values (?, 'columns_are_filled:crimes.reported_by', 'crimes', 'reported_by', 'x', true, ?, 0)",
            [extract_id, ROWS],
        )
        for table in TABLES:
            connection.execute(
                "insert into raw.extract_files values (?, ?, ?, 1, 1, 'x', ?, ?, 0)",
                [extract_id, table, f"{table}.csv", ROWS, ROWS],
            )
    yield connection, door_in.DoorIn(connection)
    connection.close()


def bring(
    connection: duckdb.DuckDBPyConnection,
    fault: str | None,
    extract_id: str = "2026-06-30",
    accept: tuple[str, ...] = (),
) -> door_in.IncomingExtract:
    """Returns an extract whose files were read, with a planted fault."""
    for table, query in GOOD.items():
        connection.execute(
            f"create or replace temp table landing_{table} as select *, timestamp '2026-06-30 09:00' as updated_at, "
            f"false as is_deleted, false as has_deleted, {FLAGS[table]}, i + 1 as ordinal, null::varchar as problem "
            f"from ({query}, i from range({ROWS}) r(i))"
        )
    if fault:
        connection.execute(fault)
    read = []
    for name, table in TABLES.items():
        (rows,) = connection.execute(f"select count(*) from landing_{name}").fetchone() or (0,)
        file = TableFile(table, Path(f"{name}.csv"), 1, 1, (0, 0))
        read.append(CheckedFile(file, "x", f"landing_{name}", "ordinal", rows, [], {}, 1, None))
    extract, manifest = Extract(extract_id, Path(), (), ()), Manifest(None, {}, {}, accept=accept)
    incoming = door_in.IncomingExtract(extract, manifest, datetime(2026, 6, 30), "x", read, "incoming")
    door_in.prepare(connection, incoming)
    return incoming


def test_a_good_extract_passes_every_check(opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn]) -> None:
    """The faults below start from this extract, and every suite is run."""
    connection, door = opened
    found = door.check(bring(connection, None))
    assert names([f.finding for f in found]) == set()
    everything = {e.name for suite in suites.load("door_in") for e in suite.expectations}
    assert {f.finding.expectation.name for f in found} == everything


def test_every_expectation_at_the_door_in_has_a_fault() -> None:
    """A new expectation needs a planted fault below."""
    assert set(FAULTS_IN) == set(DOOR_IN)


@pytest.mark.thorough
@pytest.mark.parametrize("name", DOOR_IN)
def test_a_fault_in_an_extract_is_found(opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], name: str) -> None:
    """The expectation finds its fault with its severity, and names the first row that has it.

    Another expectation may find it only if it is the milder form of the same, or in ALSO.
    """
    connection, door = opened
    found = door.check(bring(connection, FAULTS_IN[name]))
    failed = {f.finding.expectation.name: f for f in found if f.finding.failed}
    assert name in failed
    assert failed[name].finding.is_fatal == DOOR_IN[name].is_fatal
    assert failed.keys() - {name} <= {name.removeprefix("most_"), *ALSO.get(name, ())}
    if not name.endswith("usual_number"):
        file_name, row = failed[name].places[0]
        assert file_name == f"{failed[name].finding.expectation.table}.csv"
        assert row in ({2} if name == "crimes_stand_once" else {1, 7})


UNUSABLE_BIRTHS = "update landing_people set date_of_birth = null, defect_date_of_birth = true where ordinal <= {}"
UNUSABLE_DEATHS = "update landing_people set defect_deceased_on = true where ordinal <= {}"
DEFAULT_BIRTHS = "update landing_people set date_of_birth = '1970-01-01' where ordinal <= {}"
BLANK_REPORTERS = "update landing_crimes set reported_by = null where ordinal <= {}"
FEW_CRIMES = "update landing_crimes set reported_by = null; delete from landing_crimes where ordinal > {}"
BLANK_SEXES = (
    "update landing_people set sex = null where ordinal > 200 - {}; update landing_involvements set role = 'suspect'"
)
UNKNOWN_VICTIMS = "update landing_people set sex = 'U' where ordinal <= {}"
NEW_VICTIMS = "update landing_involvements set person_ref = 'new' || person_ref where ordinal <= {}"


@pytest.mark.parametrize(
    ("fault", "rows", "warned", "fatal"),
    [
        (UNUSABLE_BIRTHS, 19, False, False),
        (UNUSABLE_BIRTHS, 20, True, False),
        (UNUSABLE_BIRTHS, 99, True, False),
        (UNUSABLE_BIRTHS, 100, False, True),
        (UNUSABLE_DEATHS, 19, True, False),
        (UNUSABLE_DEATHS, 20, False, True),
        (DEFAULT_BIRTHS, 19, False, False),
        (DEFAULT_BIRTHS, 20, True, False),
        (DEFAULT_BIRTHS, 99, True, False),
        (DEFAULT_BIRTHS, 100, False, True),
        (BLANK_REPORTERS, 99, False, False),
        (BLANK_REPORTERS, 100, True, False),
        (BLANK_REPORTERS, 179, True, False),
        (BLANK_REPORTERS, 180, False, True),
        (FEW_CRIMES, 19, False, False),
        (FEW_CRIMES, 20, False, True),
        (BLANK_SEXES, 179, False, False),
        (BLANK_SEXES, 180, False, True),
        (UNKNOWN_VICTIMS, 99, False, False),
        (UNKNOWN_VICTIMS, 100, False, True),
        (NEW_VICTIMS, 200, False, False),
    ],
)
def test_a_column_is_warned_of_or_refused_from_its_share_on(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], fault: str, rows: int, warned: bool, fatal: bool
) -> None:
    """Values that cannot be used, default days, and blanks against the past: at each share and just beside it."""
    connection, door = opened
    found = [f.finding for f in door.check(bring(connection, fault.format(rows)))]
    of_columns = {
        expectation.name
        for suite in suites.load("door_in")
        if suite.relation == "door_columns"
        for expectation in suite.expectations
    }
    failed = [f for f in found if f.failed and f.expectation.name in {*of_columns, "most_victims_have_a_sex"}]
    assert [f.is_fatal for f in failed] == [False] * warned + [True] * fatal


@pytest.mark.parametrize(
    ("extracts", "usual", "rows", "filled", "found"),
    [
        (3, 0.05, 200, 0, "refused"),
        (3, 0.05, 200, 1, None),
        (2, 0.05, 200, 0, None),
        (3, 0.045, 200, 0, "warned"),
        (3, 0.035, 200, 0, "warned"),
        (3, 0.035, 200, 1, None),
        (3, 0.034, 200, 0, None),
        (1, 0.2, 200, 0, "refused"),
        (1, 0.2, 19, 0, None),
        (0, 1.0, 200, 0, None),
    ],
)
def test_a_column_that_events_fill_is_compared_only_where_chance_says_little(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn],
    extracts: int,
    usual: float,
    rows: int,
    filled: int,
    found: str | None,
) -> None:
    """A death is seldom sent: none of nine is no reason to refuse, and none of six is chance.

    A feed that never sent one, or a first full export, is no past to compare with.
    """
    connection, door = opened
    for number in range(extracts):
        connection.execute(
            "insert into raw.extract_checks select extract_id, 'columns_are_filled:people.deceased_on', 'people', 'deceased_on', "
            "'x', true, 1000, 1000 - ? from raw.extracts order by extract_id offset ? limit 1",
            [1000 * usual, number],
        )
    try:
        fault = (
            f"update landing_people set deceased_on = '2026-06-01' where ordinal <= {filled}; "
            f"delete from landing_people where ordinal > {rows}"
        )
        checked = door.check(bring(connection, fault))
        on_purpose = door.check(bring(connection, fault, accept=("deciding_columns_are_filled:people.deceased_on",)))
    finally:
        connection.execute("delete from raw.extract_checks where column_name = 'deceased_on'")
    failed = {f.check_name: "refused" if f.finding.is_fatal else "warned" for f in checked if f.finding.failed}
    failed = {name: how for name, how in failed.items() if name.endswith(".deceased_on")}
    names = {
        "refused": "deciding_columns_are_filled:people.deceased_on",
        "warned": "columns_are_filled:people.deceased_on",
    }
    assert failed == ({names[found]: found} if found else {})
    assert not any(f.finding.is_fatal for f in on_purpose)
    assert any(f.is_accepted for f in on_purpose) == (found == "refused")


def test_a_share_of_less_than_a_hundred_rows_refuses_nothing(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn],
) -> None:
    """With 99 rows that have a date the finding is not fatal; with 100 it is."""
    connection, door = opened
    for rows, is_fatal in ((99, False), (100, True)):
        fault = (
            f"update landing_crimes set reported_on = null, is_deleted = true where ordinal > {rows}; "
            f"update landing_crimes set reported_on = '2026-07-01' where ordinal <= {rows}"
        )
        found = door.check(bring(connection, fault))
        by_name = {f.finding.expectation.name: f.finding for f in found}
        assert not by_name["most_crimes_are_reported_by_the_extract"].passed
        assert by_name["most_crimes_are_reported_by_the_extract"].is_fatal == is_fatal


@pytest.mark.parametrize(
    ("extract_id", "is_compared"), [("2026-06-30", True), ("2026-06-30_kent", False), ("2026-05-30", False)]
)
def test_volumes_are_compared_with_three_extracts_of_the_same_feed(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], extract_id: str, is_compared: bool
) -> None:
    """Not with two earlier extracts, and not with those of another force."""
    connection, door = opened
    found = door.check(bring(connection, "delete from landing_custody where ordinal > 39", extract_id))
    assert ("custody_come_in_usual_number" in names([f.finding for f in found])) == is_compared


# --- the door in, from outside ------------------------------------------------------------------------------------


def test_a_fatal_finding_refuses_the_extract_and_says_where(
    tmp_path: Path, published: PublishedHome, harmrank: Command
) -> None:
    """reported_on is a century too late: exit code 3, file and line in the message and on the page, and no row lands."""
    home, extracts = tmp_path / "home", tmp_path / "extracts"
    shutil.copytree(published.home, home, symlinks=True)
    shutil.copytree(published.extracts, extracts)
    rows = "".join(f"met,x{number},019/08,2126-06-01,2026-06-02T09:00:00\n" for number in range(150))
    slip = {"crimes": f"force,crime_ref,offence_code,reported_on,updated_at\n{rows}"}
    write_extract(extracts, "2026-07-31", slip)
    done = harmrank("land", extracts, "--home", home)
    assert done.returncode == 3
    assert "Extract 2026-07-31 was refused: crimes.csv line 2, column reported_on: " in done.stderr
    assert "not true for 150 of 150 rows" in done.stderr
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from raw.crimes where crime_ref like 'x%'").fetchone() == (0,)
    page = (home / "reports" / "2026-07-31.html").read_text(encoding="utf-8")
    assert "Refused: nothing of this extract counts" in page
    assert "crimes.csv line 2" in page


def test_a_finding_that_is_not_fatal_becomes_a_warning_of_the_build(
    tmp_path: Path, published: PublishedHome, harmrank: Command
) -> None:
    """The extract lands; the manifest, `status` and data_defects show the finding."""
    home, extracts = tmp_path / "home", tmp_path / "extracts"
    shutil.copytree(published.home, home, symlinks=True)
    shutil.copytree(published.extracts, extracts)
    late = "force,crime_ref,offence_code,reported_on,updated_at\nmet,c3,19/8,2026-07-01,2099-07-02T09:00:00\n"
    write_extract(extracts, "2026-07-31", {"crimes": late})
    done = harmrank("refresh", extracts, "--home", home)
    assert done.returncode == 0, done.stderr
    said = (
        "crimes: Crimes were last changed before the extract was taken: not true for 1 of 1 rows of extract 2026-07-31"
    )
    manifest = json.loads((home / "published" / "current" / "manifest.json").read_text(encoding="utf-8"))
    assert said in manifest["warnings"]
    assert said in " ".join(harmrank("status", "--home", home).stdout.split())
    with duckdb.connect(str(home / "published" / "current" / "harm_mart.duckdb"), read_only=True) as connection:
        defects = connection.execute(
            "select column_name, reason, rows_affected from mart.data_defects where reason like 'check%' order by all"
        ).fetchall()
    assert ("updated_at", "check not passed: Crimes were last changed before the extract was taken", 1) in defects


def test_acceptance_reports_need_no_network_and_name_nobody(tmp_path: Path) -> None:
    """One page per extract, rebuilt if missing, without names, values or the HTML of a hostile header."""
    extracts, home = tmp_path / "extracts", Home(tmp_path / "home")
    feed = dict(SMALL_FEED)
    feed["people"] = (
        "force,person_ref,forename,surname,sex,<script>alert(1)</script>,updated_at\n"
        + "".join(f"met,p{n},Secretname,Alsosecret,M,x,2026-05-02T09:00:00\n" for n in range(20))
        + "met,v1,Secretname,Alsosecret,banana,x,2026-05-02T09:00:00\n"
        + "met,,Secretname,Alsosecret,F,x,2026-05-02T09:00:00\n"
    )
    write_extract(extracts, "2026-06-30", feed)
    write_extract(extracts, "June <b>", {"crimes": "x\n"})
    land(extracts, home, lambda line: None)
    pages = {path.name: path.read_text(encoding="utf-8") for path in home.reports.iterdir()}
    assert "2026-06-30.html" in pages and "index.html" in pages
    assert any(re.fullmatch(r"no-extract-id-[0-9a-f]{12}\.html", name) for name in pages)
    for name, page in pages.items():
        assert "Secretname" not in page and "Alsosecret" not in page and "banana" not in page, name
        assert "<script" not in page and "<b>" not in page, name
        assert not re.search(r"(src|href)=\"(?!index\.html|2026-06-30\.html|no-extract-id)", page), name
    page = pages["2026-06-30.html"]
    assert "Accepted, with remarks" in page
    assert "people.csv line 23" in page, "the row in quarantine"
    assert "people.csv line 22" in page, "the value that cannot be used"
    (home.reports / "2026-06-30.html").unlink()
    land(extracts, home, lambda line: None)
    assert (home.reports / "2026-06-30.html").read_text(encoding="utf-8") == page


def test_the_page_of_a_landed_extract_mentions_a_refused_changed_copy(tmp_path: Path) -> None:
    """The landed version still counts, so its page must not say that nothing of it counts."""
    extracts, home = tmp_path / "extracts", Home(tmp_path / "home")
    folder = write_extract(extracts, "2026-06-30", SMALL_FEED)
    land(extracts, home, lambda line: None)
    (folder / "crimes.csv").write_text(SMALL_FEED["crimes"] + "met,c9,19/8,2026-06-02,2026-06-03T09:00:00\n")
    assert len(land(extracts, home, lambda line: None).refused) == 1
    page = (home.reports / "2026-06-30.html").read_text(encoding="utf-8")
    assert "Accepted" in page and "nothing of this extract counts" not in page
    assert "A changed copy of this extract was refused." in page and "with a later id" in page
    (folder / "crimes.csv").write_text(SMALL_FEED["crimes"])
    assert land(extracts, home, lambda line: None).unchanged == ["2026-06-30"]
    assert "A changed copy" not in (home.reports / "2026-06-30.html").read_text(encoding="utf-8")
    with warehouse.connect(home) as connection:
        assert connection.execute("select count(*) from raw.refused_extracts").fetchone() == (0,)


def test_a_page_that_a_kill_prevented_is_written_by_the_next_refresh(tmp_path: Path) -> None:
    """After a kill between landing and writing the page, a corrected extract must not stay "refused" on its page."""
    extracts, home = tmp_path / "extracts", Home(tmp_path / "home")
    folder = write_extract(extracts, "2026-06-30", {**SMALL_FEED, "crimes": "force\n"})
    land(extracts, home, lambda line: None)
    refused = (home.reports / "2026-06-30.html").read_bytes()
    assert b"Refused" in refused
    (folder / "crimes.csv").write_text(SMALL_FEED["crimes"])
    land(extracts, home, lambda line: None)
    (home.reports / "2026-06-30.html").write_bytes(refused)
    land(extracts, home, lambda line: None)
    assert b"Refused" not in (home.reports / "2026-06-30.html").read_bytes()


def test_a_correction_with_few_tables_gets_no_warning_about_volumes(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn],
) -> None:
    """A table without a file has nothing new, which is not an unusual volume."""
    connection, door = opened
    incoming = bring(connection, None)
    found = door.check(replace(incoming, files=incoming.files_of(CUSTODY)))
    assert names([f.finding for f in found]) == set()


def test_a_damaged_current_build_is_not_compared(twelve_listed: PublishedHome, tmp_path: Path) -> None:
    """A list that replaces a damaged one must not fail because there is nothing to compare it with."""
    home = Home(tmp_path / "home")
    shutil.copytree(twelve_listed.home, home.root, symlinks=True)
    current = (home.published / "current").resolve()
    folder = tmp_path / "build"
    shutil.copytree(current, folder)
    parquet = current / "top_100.parquet"
    parquet.write_bytes(bytes(parquet.stat().st_size))
    assert names(checked(home, folder)) == set()


def test_great_expectations_is_loaded_only_for_what_is_not_met(published: PublishedHome, tmp_path: Path) -> None:
    """Its import takes seconds: neither a refresh with nothing new nor an extract that is as expected spends them."""
    code = (
        "import sys, harmrank.cli.main as cli\n"
        f"cli._exit = lambda code: print(code, 'great_expectations' in sys.modules, 'dbt.cli' in sys.modules)\n"
        f"cli.main(['refresh', {str(published.extracts)!r}, '--home', {str(published.home)!r}])\n"
        f"cli.main(['land', {str(published.extracts)!r}, '--home', {str(tmp_path / 'home')!r}])"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    answers = [line.split() for line in done.stdout.splitlines() if line.startswith("0 ")]
    assert answers == [["0", "False", "False"]] * 2, done.stderr


# --- the door out: faults in a build ------------------------------------------------------------------------------

Plant = Callable[[duckdb.DuckDBPyConnection, Path], Any]


def run(*statements: str) -> Plant:
    """Returns a fault: these statements run in the mart file."""
    return lambda mart, folder: [mart.execute(statement) for statement in statements]


def without_column(table: str, column: str) -> Plant:
    """Returns a fault: a table lacks a column."""
    return run(f"alter table mart.{table} drop column {column}")


def twice(table: str) -> Plant:
    """Returns a fault: a table has one row twice."""
    return run(f"insert into mart.{table} select * from mart.{table} limit 1")


def other_parquet(mart: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Plants a Parquet file with fewer rows than the table."""
    path = folder / "top_100.parquet"
    mart.execute(f"copy (select * from mart.top_100 where false) to '{path}' (format parquet)")


FAULTS_OUT: dict[str, Plant] = {
    "top_100_has_its_columns": without_column("top_100", "most_serious_offence"),
    "places_are_of_the_list_date": run("update mart.top_100 set list_date = date '2026-06-29' where harm_rank = 1"),
    "the_list_is_not_empty": run("delete from mart.top_100"),
    "evidence_adds_up": run("delete from mart.top_100_evidence where crime_ref = 'c2'"),
    "the_compared_list_is_the_list": run("update mart.method_lists set method_rank = method_rank + 1"),
    "top_100_evidence_has_its_columns": without_column("top_100_evidence", "is_historic"),
    "offender_harm_has_its_columns": without_column("offender_harm", "female_victims"),
    "list_history_has_its_columns": without_column("list_history", "harm_days"),
    "no_list_from_the_future": run("update mart.list_history set list_date = date '2026-07-31' where harm_rank = 1"),
    "offender_people_has_its_columns": run("alter table operational.mart.offender_people drop column sex"),
    "crime_harm_monthly_has_its_columns": without_column("crime_harm_monthly", "detected_harm_days"),
    "harm_concentration_has_its_columns": without_column("harm_concentration", "share_of_offenders"),
    "extract_reconciliation_has_its_columns": run(
        "alter table mart.extract_reconciliation rename column table_name to name_of_table"
    ),
    "data_defects_has_its_columns": without_column("data_defects", "reason"),
    "build_info_has_its_columns": without_column("build_info", "code_version"),
    "tables_and_manifest_are_one_build": run("update mart.build_info set build_id = 'another'"),
    "files_hold_the_same_rows": other_parquet,
    "manifest_counts_are_right": twice("crime_harm_monthly"),
    "columns_are_described": run("comment on column mart.top_100.harm_days is null"),
    "names_are_in_one_table": run(
        "alter table mart.top_100 add column surname varchar", "comment on column mart.top_100.surname is 'A name.'"
    ),
    "more_than_half_of_the_list_stays": run(
        "update mart.top_100 set offender_key = offender_key || 'x' where harm_rank % 2 = 0"
    ),
    "more_than_half_as_many_are_ranked": run("delete from mart.offender_harm where harm_rank % 2 = 0"),
    "at_most_twice_as_many_are_ranked": run(
        "create temp table more as select h.* from mart.offender_harm as h, range(2)",
        "update more set offender_key = offender_key || rowid, harm_rank = 100 + rowid",
        "insert into mart.offender_harm select * from more",
    ),
}


@pytest.fixture(scope="module")
def twelve_listed(tmp_path_factory: pytest.TempPathFactory, harmrank: Command) -> PublishedHome:
    """A home with a list of twelve people."""
    root = tmp_path_factory.mktemp("twelve")
    feed = dict(SMALL_FEED)
    for n in range(2, 13):
        feed["crimes"] += f"met,d{n},008/06,2026-06-{n:02d},2026-06-20T09:00:00\n"
        feed["people"] += f"met,p{n},Invented,Mann,M,1981-01-01,2026-05-02T09:00:00\n"
        for who in (f"p{n},suspect", "v1,victim"):
            feed["involvements"] += f"met,d{n},{who},,2026-06-04T09:00:00\n"
    write_extract(root / "extracts", "2026-06-30", feed)
    done = harmrank("refresh", root / "extracts", "--home", root / "home")
    assert done.returncode == 0, done.stderr
    return PublishedHome(root / "home", root / "extracts")


def checked(home: Home, folder: Path) -> list[checks.Finding]:
    """Returns what the door out finds in a folder, with the current build of the home for comparison."""
    current = current_build.read_manifest(home)
    assert current is not None
    return door_out.check(home, folder, current, current)


def test_a_good_build_passes_every_check(twelve_listed: PublishedHome) -> None:
    """The faults below start from here."""
    home = Home(twelve_listed.home)
    found = checked(home, (home.published / "current").resolve())
    assert names(found) == set()
    assert {finding.expectation.name for finding in found} == set(DOOR_OUT)


def test_every_expectation_at_the_door_out_has_a_fault() -> None:
    """A new expectation needs a planted fault above."""
    assert set(FAULTS_OUT) == set(DOOR_OUT)


@pytest.mark.thorough
@pytest.mark.parametrize("name", DOOR_OUT)
def test_a_fault_in_a_build_is_found(twelve_listed: PublishedHome, tmp_path: Path, name: str) -> None:
    """The expectation finds its fault, with its severity."""
    home = Home(twelve_listed.home)
    folder = tmp_path / "build"
    shutil.copytree((home.published / "current").resolve(), folder)
    with duckdb.connect(str(folder / current_build.MART_FILE)) as mart:
        mart.execute(f"attach '{folder / current_build.NAMES_FILE}' as operational")
        FAULTS_OUT[name](mart, folder)
    found = checked(home, folder)
    by_name = {finding.expectation.name: finding for finding in found}
    assert not by_name[name].passed
    assert by_name[name].is_fatal == DOOR_OUT[name].is_fatal


@pytest.mark.parametrize(
    ("before", "left", "fatal"),
    [(12, 6, True), (12, 7, False), (10, 5, True), (9, 1, None), (12, 0, True), (100, 50, True), (100, 51, False)],
)
def test_half_of_the_people_must_not_go(before: int, left: int, fatal: bool | None) -> None:
    """Exactly half is too few, one more is enough; with fewer than ten people it is only a warning (None)."""
    suite = next(suite for suite in suites.load("door_out") if suite.relation == "door_changes")
    with duckdb.connect() as connection:
        connection.execute(
            "create temp table door_changes as select n < $left as is_still_listed, n < $left as is_matched, "
            "1.0 as offenders_as_multiple from range($before) as people (n)",
            {"left": left, "before": before},
        )
        found = {f.expectation.name: f for f in checks.Checker(connection).check(suite)}
    for name in ("more_than_half_of_the_list_stays", "more_than_half_as_many_are_ranked"):
        assert found[name].passed == (fatal is False), name
        assert found[name].is_fatal == bool(fatal) and found[name].expectation.can_be_accepted


def test_a_suite_that_cannot_be_run_stops_the_publication(twelve_listed: PublishedHome, tmp_path: Path) -> None:
    """A column that other checks need is missing: a fatal finding says so, and no check counts as passed."""
    home = Home(twelve_listed.home)
    folder = tmp_path / "build"
    shutil.copytree((home.published / "current").resolve(), folder)
    with duckdb.connect(str(folder / current_build.MART_FILE)) as mart:
        mart.execute("alter table mart.top_100 drop column harm_days")
    broken = [f for f in checked(home, folder) if f.expectation.name == "the_suite_can_be_run"]
    assert broken and all(finding.is_fatal for finding in broken)
    assert "top_100" in {finding.expectation.table for finding in broken}


def test_a_fatal_finding_at_the_door_out_publishes_nothing(
    twelve_listed: PublishedHome, tmp_path: Path, harmrank: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An allegation is lost between warehouse and published file: the last list stays, and `status` says what failed."""
    root = tmp_path / "home"
    shutil.copytree(twelve_listed.home, root, symlinks=True)
    home, copied = Home(root), publish._copy_marts

    def lossy(home: Home, folder: Path, keys: Keys, marts: publish.Marts) -> dict[str, Any]:
        tables = copied(home, folder, keys, marts)
        with duckdb.connect(str(folder / current_build.MART_FILE)) as mart:
            mart.execute("delete from mart.top_100_evidence where crime_ref = 'c2'")
        return tables

    before = (home.published / "current").readlink()
    monkeypatch.setattr(publish, "_copy_marts", lossy)
    # Put back by monkeypatch, whatever takes its place.
    monkeypatch.setattr(run_dbt, "build", run_dbt.build)
    stand_in_for_dbt()
    with pytest.raises(GateFailed, match="The evidence of every place adds up to its harm"):
        refresh(Options(twelve_listed.extracts, home, full=True), Run(home))
    assert (home.published / "current").readlink() == before
    assert [path.name for path in home.published.glob(".*")] == []
    shown = " ".join(harmrank("status", "--home", root).stdout.split())
    assert "The evidence of every place adds up to its harm" in shown
