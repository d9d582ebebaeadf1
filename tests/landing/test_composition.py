"""What an extract is made of, beside the earlier extracts of its feed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pytest
from expectations.test_expectations import bring

from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.landing.checking import composition, door_in, known_keys

NAMES = ("deciding_columns_hold_the_usual", "columns_hold_the_usual", "usual_values_are_there")
EARLIER = ("2026-02-28", "2026-03-31", "2026-04-30")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, door_in.DoorIn]]:
    """A door in with the counts of three landed extracts of 200 rows a table."""
    home = Home(tmp_path_factory.mktemp("door") / "home")
    home.create()
    connection = warehouse.connect(home)
    door = door_in.DoorIn(connection)
    for extract_id in EARLIER:
        connection.execute("insert into raw.extracts values (?, now(), current_date, now(), 'x')", [extract_id])
        door.check(bring(connection, None))
        composition.keep(connection, extract_id)
    yield connection, door
    connection.close()


def drifted(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], fault: str | None, extract_id: str = "2026-06-30"
) -> list[tuple[str, bool]]:
    """Returns the checks that found a drift, each with whether it is fatal."""
    connection, door = opened
    found = [f for f in door.check(bring(connection, fault, extract_id)) if f.finding.expectation.name in NAMES]
    return [(f.check_name.split(":")[-1], f.finding.is_fatal) for f in found if f.finding.failed]


@contextmanager
def earlier_counts(connection: duckdb.DuckDBPyConnection, measure: str, counts: str) -> Iterator[None]:
    """Gives each earlier extract other counts of a measure: a query for values and rows."""
    before = connection.execute("from raw.value_counts where measure = ?", [measure]).fetchall()
    connection.execute("delete from raw.value_counts where measure = ?", [measure])
    connection.execute(
        f"insert into raw.value_counts select extract_id, 'crimes', ?, counts.* from raw.extracts, ({counts}) counts",
        [measure],
    )
    try:
        yield
    finally:
        connection.execute("delete from raw.value_counts where measure = ?", [measure])
        if before:
            connection.executemany("insert into raw.value_counts values (?, ?, ?, ?, ?)", before)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (29, []),
        (30, [("crimes.reported_by", False)]),
        (79, [("crimes.reported_by", False)]),
        (80, [("crimes.reported_by", True)]),
    ],
)
def test_a_column_that_decides_who_counts_is_warned_of_then_refused(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], rows: int, found: list[tuple[str, bool]]
) -> None:
    """All crimes were reported by victims before, so that chance explains nothing: 0.15 and 0.4 of 200, and just below."""
    with earlier_counts(opened[0], "words in reported_by", "values ('victim', 200)"):
        fault = f"update landing_crimes set reported_by = if(ordinal <= {rows}, 'police', 'victim')"
        assert drifted(opened, fault) == found


def test_another_column_is_never_a_reason_to_refuse(opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn]) -> None:
    """Every outcome is another one; the list does not depend on it."""
    assert drifted(opened, "update landing_crimes set outcome_type = 2") == [("crimes.outcome_type", False)]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("update landing_people set is_deleted = true", {"people.deleted"}),
        ("update landing_crimes set cancelled_on = reported_on", {"crimes.cancelled_on"}),
        ("update landing_people set deceased_on = '2026-06-01'", {"people.deceased_on"}),
        ("update landing_people set date_of_birth = '1920-01-01'", {"people.date_of_birth"}),
        ("update landing_involvements set role = 'witness'", {"involvements.role"}),
        ("update landing_people set sex = 'M'", {"people.sex", "involvements.person_ref"}),
    ],
)
def test_each_column_that_decides_who_counts_is_compared(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], fault: str, found: set[str]
) -> None:
    """Readable in every row, and wrong in every row."""
    assert {name for name, is_fatal in drifted(opened, fault) if is_fatal} == found


@pytest.mark.parametrize(
    ("fault", "extract_id"),
    [
        ("delete from landing_crimes where ordinal > 49", "2026-06-30"),
        ("select 1", "2026-04-15"),
        ("select 1", "2026-06-30_kent"),
        ("insert into landing_crimes select landing_crimes.* from landing_crimes, range(2)", "2026-06-30"),
    ],
)
def test_too_little_to_compare_is_not_compared(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], fault: str, extract_id: str
) -> None:
    """49 rows, two earlier extracts, another feed, and three times the usual rows, as in a full export."""
    assert drifted(opened, f"update landing_crimes set reported_by = 'police'; {fault}", extract_id) == []


def test_fifty_rows_are_compared(opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn]) -> None:
    """The edge of the first case above."""
    fault = "update landing_crimes set reported_by = 'police'; delete from landing_crimes where ordinal > 50"
    assert drifted(opened, fault) == [("crimes.reported_by", True)]


def test_the_finding_names_the_value_that_moved_most(opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn]) -> None:
    """A supplier looks for it."""
    connection, door = opened
    found = door.check(bring(connection, "update landing_crimes set reported_by = 'police' where ordinal <= 150"))
    (finding,) = [f.finding for f in found if f.finding.failed and f.finding.expectation.name in NAMES]
    assert finding.message.startswith(
        "The mix of words in reported_by that decide who counts is about that of earlier extracts: not true (found "
    )
    assert "75%" in finding.message and "crimes.reported_by" in finding.expectation.mend


def test_an_offence_has_one_share_however_its_code_is_written(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn],
) -> None:
    """01908 is 019/08. The next code of the list is another offence."""
    assert drifted(opened, "update landing_crimes set offence_code = replace(offence_code, '/', '')") == []
    fault = "update landing_crimes set offence_code = if(offence_code = '019/08', '019/09', '008/07')"
    assert drifted(opened, fault) == [("crimes.offence_code", False)]


@pytest.mark.parametrize(("areas", "found"), [(100, []), (50, [("crimes.area_code", False)])])
def test_values_of_less_than_a_fiftieth_each_count_as_one(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], areas: int, found: list[tuple[str, bool]]
) -> None:
    """A hundred areas of a hundredth each, then a hundred others: chance moves such shares. Fifty of a fiftieth each are compared."""
    counts = f"select 'a' || i, 200 // {areas} from range({areas}) r(i)"
    with earlier_counts(opened[0], "areas", counts):
        assert drifted(opened, f"update landing_crimes set area_code = 'b' || (ordinal % {areas})") == found


@pytest.mark.parametrize(
    ("usually", "here", "found"), [(10, 0, [("crimes.reported_by", False)]), (10, 1, []), (9, 0, [])]
)
def test_a_usual_value_that_no_row_has_is_warned_of(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], usually: int, here: int, found: list[tuple[str, bool]]
) -> None:
    """Ten reports of 200 by witnesses are too few to move the shares; where none is left, witnesses were left out."""
    with earlier_counts(
        opened[0], "words in reported_by", f"values ('victim', 200 - {usually}), ('witness', {usually})"
    ):
        fault = f"update landing_crimes set reported_by = if(ordinal <= {here}, 'witness', 'victim')"
        assert drifted(opened, fault) == found
        connection, door = opened
        messages = [f.finding.message for f in door.check(bring(connection, fault)) if f.finding.failed]
        messages = [message for message in messages if "usual words" in message]
        said = "None of the usual words in reported_by is missing: not true (found witness: 0%, usually 5%)"
        assert messages == ([said] if found else [])


@pytest.mark.parametrize(
    ("measure", "fault", "most"),
    [
        ("crimes.reported_by", "update landing_crimes set reported_by = if(ordinal <= {}, 'victim', 'police')", 198),
        ("crimes.reported_by", "update landing_crimes set reported_by = if(ordinal <= {}, null, 'police')", 198),
        ("crimes.offence_code", "update landing_crimes set offence_code = if(ordinal <= {}, '019/08', '008/06')", 180),
        ("crimes.cancelled_on", "update landing_crimes set cancelled_on = '2026-06-02' where ordinal <= {}", 100),
        ("people.deceased_on", "update landing_people set deceased_on = '2026-06-02' where ordinal <= {}", 100),
    ],
)
def test_a_value_in_nearly_all_rows_is_warned_of_in_a_first_extract(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], measure: str, fault: str, most: int
) -> None:
    """There is no past to compare with. At its largest share, one row more, and in too few rows."""
    connection, door = opened
    few = "delete from landing_crimes where ordinal > 49; delete from landing_people where ordinal > 49"
    for statements, expected in (
        (fault.format(most), []),
        (fault.format(most + 1), [(f"no_value_is_too_frequent:{measure}", False)]),
        (f"{fault.format(200)}; {few}", []),
    ):
        found = door.check(bring(connection, statements, "2026-01-31"))
        failed = [(f.check_name, f.finding.is_fatal) for f in found if f.finding.failed]
        assert [one for one in failed if one[0].startswith("no_value")] == expected


@pytest.mark.parametrize(("known", "is_compared"), [(150, True), (151, False)])
def test_a_full_export_may_have_any_number_of_crimes(
    opened: tuple[duckdb.DuckDBPyConnection, door_in.DoorIn], known: int, is_compared: bool
) -> None:
    """Three hundred crimes are six times the usual fifty. From more than half of them known, that is what an export is for."""
    connection, door = opened
    connection.execute(
        "insert into raw.extract_files select extract_id, 'crimes', 'crimes.csv', 1, 1, 'x', 50, 50, 0 from raw.extracts"
    )
    more = "insert into landing_crimes select * replace ('x' || crime_ref as crime_ref) from landing_crimes where ordinal <= 100"
    bring(connection, more)
    known_keys.add(connection, "crimes", f"(from incoming_crimes order by crime_ref limit {known})")
    try:
        found = door.check(bring(connection, more))
    finally:
        connection.execute("delete from raw.extract_files; delete from raw.crime_digests")
    (volume,) = [f.finding for f in found if f.finding.expectation.name == "crimes_come_in_usual_number"]
    assert volume.passed is (False if is_compared else None)
