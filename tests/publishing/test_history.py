"""Published lists are recorded, and compared with the same lists as they are known later."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
from conftest import Command, PublishedHome, write_extract

from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.publishing import history

PLACES = (
    "select list_date::varchar, method, newest_extract_id, harm_rank, offender_key, harm_days from raw.published_places"
)
JUNE, JULY = "2026-06-30", "2026-07-31"

CRIMES = "force,crime_ref,offence_code,reported_on,cancelled_on,updated_at,deleted\n"
PEOPLE = "force,person_ref,sex,updated_at\n"
INVOLVEMENTS = "force,crime_ref,person_ref,role,status,updated_at,deleted\n"
MERGES = "force,person_ref,merged_into_ref,updated_at\n"


def crime(ref: str, cancelled_on: str = "", updated_at: str = "2026-06-02", deleted: str = "") -> str:
    return f"met,{ref},019/08,2026-06-01,{cancelled_on},{updated_at},{deleted}\n"


def link(ref: str, person: str, status: str = "", updated_at: str = "2026-06-02", deleted: str = "") -> str:
    role = "victim" if person == "w" else "suspect"
    return f"met,{ref},{person},{role},{status},{updated_at},{deleted}\n"


def ask(file: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_build_first_records_the_current_list(scratch: PublishedHome, without_dbt: Command) -> None:
    """Once per published build, with its evidence, no matter how many builds begin."""
    file = scratch.home / "warehouse.duckdb"
    assert ask(file, PLACES) == []
    for builds in (1, 2):
        assert without_dbt("refresh", scratch.extracts, "--home", scratch.home, "--full").returncode == 0
        assert ask(file, PLACES) == [(JUNE, "v100", JUNE, 1, "met|p1", 1835.0)] * builds
    for _ in range(2):
        with warehouse.connect(Home(scratch.home)) as connection:
            history.record(connection, Home(scratch.home), print)
    assert ask(file, "select count(*), count(distinct build_id) from raw.published_places") == [(3, 3)]
    evidence = "select distinct offender_key, crime_ref, status, harm_days from raw.published_evidence order by all"
    assert ask(file, evidence) == [("met|p1", "c1", "charged", 1825.0), ("met|p1", "c2", "named", 10.0)]
    # The list is the same each time: nothing to correct.
    assert ask(scratch.mart, "select count(*) from mart.list_corrections") == [(0,)]


def test_an_unreadable_list_does_not_stop_the_build(scratch: PublishedHome, without_dbt: Command) -> None:
    """The next list matters more than the record of the last; a line says what is missing."""
    damaged = scratch.home / "published" / "current" / "top_100.parquet"
    damaged.write_bytes(b"no parquet")
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home, "--full")
    assert done.returncode == 0
    assert "list_corrections will not cover its list" in done.stderr
    assert ask(scratch.home / "warehouse.duckdb", PLACES) == []


def test_a_list_with_other_columns_does_not_stop_the_build(
    scratch: PublishedHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files have the right size but cannot be read: nothing of it is recorded."""
    monkeypatch.setattr(history, "_EVIDENCE", history._EVIDENCE.replace("crime_ref", "no_such_column"))
    said: list[str] = []
    with warehouse.connect(Home(scratch.home)) as connection:
        history.record(connection, Home(scratch.home), said.append)
        assert connection.execute(PLACES).fetchall() == []
    assert len(said) == 1 and "cannot be read" in said[0]


def test_an_interrupted_record_is_made_the_next_time(scratch: PublishedHome) -> None:
    """Places without their evidence would look like a complete record."""

    class Cut:
        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self.connection = connection

        def execute(self, statement: str, *values: Any) -> duckdb.DuckDBPyConnection:
            if statement == history._EVIDENCE:
                raise KeyboardInterrupt
            return self.connection.execute(statement, *values)

    with warehouse.connect(Home(scratch.home)) as connection:
        with pytest.raises(KeyboardInterrupt):
            history.record(cast(duckdb.DuckDBPyConnection, Cut(connection)), Home(scratch.home), print)
        assert connection.execute(PLACES).fetchall() == []
        history.record(connection, Home(scratch.home), print)
        assert len(connection.execute(PLACES).fetchall()) == 1


@pytest.mark.thorough
def test_corrections_give_the_reason_for_each_change_of_a_published_list(tmp_path: Path, harmrank: Command) -> None:
    """Each reason for a change of a past list once, through the real command; then another method."""
    men = ["stays", "cancelled", "deleted", "eliminated", "merged", "recorded", "named_late", "cleared", "born"]
    write_extract(
        tmp_path / "extracts",
        JUNE,
        {
            "crimes": CRIMES + "".join(crime(man) for man in men),
            "people": PEOPLE + "".join(f"met,{man},M,2026-06-02\n" for man in men) + "met,w,F,2026-06-02\n",
            "involvements": INVOLVEMENTS
            + "".join(link(man, "w") for man in men)
            + "".join(link(man, man) for man in men if man not in ("named_late", "cleared"))
            + link("cleared", "cleared", "eliminated"),
        },
    )
    home = PublishedHome(tmp_path / "home", tmp_path / "extracts")
    refresh = ("refresh", home.extracts, "--home", home.home)
    assert harmrank(*refresh).returncode == 0
    later = "2026-07-02"
    write_extract(
        home.extracts,
        JULY,
        {
            "crimes": CRIMES + crime("cancelled", "2026-06-30", later),
            "people": PEOPLE + f"met,recorded,F,{later}\nmet,survivor,M,{later}\nmet,born,M,{later}\n",
            "involvements": INVOLVEMENTS
            + link("deleted", "deleted", "", later, "Y")
            + link("eliminated", "eliminated", "eliminated", later)
            + link("named_late", "named_late", "", later)
            + link("cleared", "cleared", "charged", later),
            "person_merges": MERGES + f"met,merged,survivor,{later}\n",
        },
    )
    assert harmrank(*refresh).returncode == 0
    reasons = "select correction, split_part(offender_key, '|', 2), reason from mart.list_corrections order by all"
    assert ask(
        home.mart, f"select distinct list_date::varchar from ({reasons.replace('select', 'select list_date,', 1)})"
    ) == [(JUNE,)]
    assert ask(home.mart, reasons) == [
        ("added", "cleared", "status_change"),
        ("added", "named_late", "late_report"),
        ("added", "survivor", "merged"),
        ("removed", "cancelled", "cancelled"),
        ("removed", "deleted", "deleted"),
        ("removed", "eliminated", "status_change"),
        ("removed", "merged", "merged"),
        ("removed", "recorded", "changed_record"),
    ]
    remade = "select list_date::varchar, is_remade from mart.list_churn order by 1"
    assert ask(home.mart, remade)[-1] == (JULY, True)
    # By numbers of crimes the same people are listed in June and July, under another rule than the published one.
    assert harmrank(*refresh, "--method", "v100_count").returncode == 0
    found = ask(home.mart, "select distinct reason from mart.list_corrections")
    assert found == [("rule",)]
