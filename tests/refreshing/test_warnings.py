"""Which force and table has gone silent, by its own rhythm."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import Command, PublishedHome
from landing.test_landing import crime, crimes

from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.landing.land import land
from harmrank.machine.clock import utc_now
from harmrank.refreshing import request, warnings

Sent = dict[tuple[str, str], list[int]]
"""By force and table, the days on which rows of it came."""

START = date(2026, 1, 1)


def silent(root: Path, sent: Sent) -> list[str]:
    """Returns what is said after these extracts, one for each day on which something came."""
    home = Home(root)
    home.create()
    with warehouse.connect(home) as connection:
        connection.execute("delete from raw.extracts")
        connection.execute("delete from raw.extract_forces")
        for day in {day for days in sent.values() for day in days}:
            taken = START + timedelta(days=day)
            connection.execute(
                "insert into raw.extracts values (?, ?, ?, now()::timestamp, '')", [str(taken), taken, taken]
            )
        for (force, table), days in sent.items():
            for day in days:
                values = [str(START + timedelta(days=day)), table, force]
                connection.execute("insert into raw.extract_forces values (?, ?, ?, 1)", values)
        extracts = [row[0] for row in connection.execute("select extract_id from raw.extracts").fetchall()]
    now = utc_now()
    return warnings.silent(home, request.Request("", now, now.date(), None, "", "", "", "", extracts, None))


@pytest.mark.parametrize(
    ("own", "newest", "is_late"),
    [
        ([0, 30, 60, 90], 90 + 67, False),
        ([0, 30, 60, 90], 90 + 68, True),
        ([0, 30, 60], 300, False),
        ([0, 1, 2, 3], 3 + 9, False),
        ([0, 1, 2, 3], 3 + 10, True),
        ([0, 7, 14, 84, 91], 91 + 77, False),
        ([0, 7, 14, 84, 91], 91 + 78, True),
        ([0, *range(100, 100 + 13 * 7, 7)], 184 + 22, True),
        ([0, 30, 60, 90], 90 + 365, True),
        ([0, 30, 60, 90], 90 + 366, False),
    ],
    ids=[
        "a month late is no month missed",
        "two months and a week",
        "two intervals are no rhythm",
        "nine days of a daily feed",
        "ten days of a daily feed",
        "as late as it has been before",
        "later than it has ever been",
        "a gap of long ago is forgotten",
        "the last day of the year",
        "after a year it has left",
    ],
)
def test_a_force_is_silent_by_its_own_rhythm(tmp_path: Path, own: list[int], newest: int, is_late: bool) -> None:
    """At the day and just beside it. The other force sends on the last day alone: it has no rhythm, and is not silent."""
    said = silent(tmp_path, {("mercia", "crimes"): own, ("wessex", "crimes"): [newest]})
    last = START + timedelta(days=own[-1])
    assert [f"nothing of mercia has landed since {last}, {newest - own[-1]} days before" in line for line in said] == (
        [True] if is_late else []
    )


def test_a_table_that_stops_is_named(tmp_path: Path) -> None:
    """People without involvements count nobody: the tables that stopped are named, the force as a whole only if nothing comes."""
    months = list(range(0, 361, 30))
    sent = {
        ("mercia", "crimes"): months,
        ("mercia", "people"): months,
        ("mercia", "involvements"): months[:6],
        ("mercia", "custody"): months[:6],
        ("wessex", "crimes"): months[:5],
        ("wessex", "people"): months[:5],
    }
    assert silent(tmp_path, sent) == [
        "nothing of mercia in custody or involvements has landed since 2026-05-31, 210 days before the newest extract; "
        "usually it comes every 30 days: ask its supplier",
        "nothing of wessex has landed since 2026-05-01, 240 days before the newest extract; usually it comes every 30 days: "
        "ask its supplier",
    ]


def test_landing_counts_the_rows_of_each_force(tmp_path: Path) -> None:
    """Two forces in one file are counted apart; a row in quarantine does not count."""
    extract = tmp_path / "extracts" / "2026-10-31"
    extract.mkdir(parents=True)
    rows = [crime("c1"), crime("c2"), crime("c3").replace("met,", "city,"), *(crime(f"d{n}") for n in range(20))]
    (extract / "crimes.csv").write_text(crimes(*rows, crime("").replace("met,", "kent,")))
    home = Home(tmp_path / "home")
    assert land(tmp_path / "extracts", home, print).landed == ["2026-10-31"]
    with warehouse.connect(home, read_only=True) as connection:
        counted = connection.execute(
            "select table_name, force, rows_landed from raw.extract_forces order by 2"
        ).fetchall()
    assert counted == [("crimes", "city", 1), ("crimes", "met", 22)]


def test_another_folder_of_extracts_is_noticed(tmp_path: Path) -> None:
    """If nothing of what has landed is there, it may be the wrong folder; an archive that was thinned out is no reason."""
    home, said = Home(tmp_path / "home"), []
    for folder, days in (
        ("a", ["2026-08-31", "2026-09-30"]),
        ("b", ["2026-10-31"]),
        ("c", ["2026-09-30", "2026-11-30"]),
    ):
        for day in days:
            (tmp_path / folder / day).mkdir(parents=True)
            (tmp_path / folder / day / "crimes.csv").write_text(crimes(crime("c1")))
        said.append(land(tmp_path / folder, home, print).remarks)
    assert said == [[], ["none of the 2 extracts that landed before is in this folder: is it the right one?"], []]


def test_status_monitors_and_briefing_say_which_force(
    scratch: PublishedHome, harmrank: Command, tmp_path: Path
) -> None:
    """The age of extracts is what --max-list-age asks for; with --max-age alone the scheduler is healthy, and the line says so."""
    said = "nothing of mercia has landed since 2026-06-30"
    path = scratch.home / "published" / "current" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "silent": [said]}))
    status = " ".join(harmrank("status", "--home", scratch.home).stdout.split())
    assert f"Stale {said}" in status and "Stale no" not in status.replace(said, "")
    healthy = harmrank("status", "--home", scratch.home, "--max-age", "9999d")
    assert (healthy.returncode, healthy.stdout.startswith("fresh: "), said in healthy.stdout) == (0, True, True)
    stale = harmrank("status", "--home", scratch.home, "--max-list-age", "9999d")
    assert (stale.returncode, stale.stdout) == (1, f"stale: {said}\n")
    assert harmrank("briefing", "--home", scratch.home, "--out", tmp_path / "b.html").returncode == 0
    assert f"{said.capitalize()}." in (tmp_path / "b.html").read_text()
