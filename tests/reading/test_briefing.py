"""The briefing says what the mart holds, names nobody unless asked, and reads well on a phone, a laptop and paper."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import REPOSITORY, SMALL_FEED, Command, PublishedHome, write_extract
from playwright.sync_api import Browser, Page

from harmrank.reading.briefing import sentences
from harmrank.text.wording import brief, day, days, per_cent, split

# Names that would run as markup if they were not escaped.
HOSTILE = "<script>alert('x')</script>"
HOSTILE_IMAGE = "<img src=x onerror=alert(1)>"


@dataclass
class Tables(HTMLParser):
    """The tables of a page by the id of their label, each a list of rows of cell texts."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: str = ""
    label: str = ""
    skipped: int = 0
    in_cell: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("style", "svg", "head"):
            self.skipped += 1
        elif tag == "div" and "scroll" in (named.get("class") or ""):
            self.label = named["aria-labelledby"] or ""
            self.tables[self.label] = []
        elif tag == "tr":
            self.tables[self.label].append([])
        elif tag in ("td", "th"):
            self.tables[self.label][-1].append("")
            self.in_cell = True
        elif self.in_cell:
            self.tables[self.label][-1][-1] += " " if tag == "br" else ""
        self.text += " "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "svg", "head"):
            self.skipped -= 1
        elif tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.text += data
            if self.in_cell:
                self.tables[self.label][-1][-1] += data

    @classmethod
    def of(cls, page: str) -> Tables:
        parser = cls()
        parser.feed(page)
        parser.text = " ".join(parser.text.split())
        for rows in parser.tables.values():
            rows[:] = [[" ".join(cell.split()) for cell in row] for row in rows]
        return parser


def write(harmrank: Command, home: Path, page: Path, *options: str) -> str:
    """Returns the page that the command writes."""
    done = harmrank("briefing", "--home", home, "--out", page, *options)
    assert done.returncode == 0, done.stderr
    return page.read_text(encoding="utf-8")


def ask(home: Path, query: str) -> list[tuple[Any, ...]]:
    """Returns the rows of a query on the published files; that with names is `operational`."""
    build = home / "published" / "current"
    with duckdb.connect(str(build / "harm_mart.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{build / 'operational' / 'offender_people.duckdb'}' as operational (read_only)")
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def home(full_list: PublishedHome) -> Path:
    """A full list of an invented force, with a year of lists before it."""
    return full_list.home


@pytest.fixture(scope="module")
def page(home: Path, harmrank: Command, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The briefing of that home without names."""
    return write(harmrank, home, tmp_path_factory.mktemp("pages") / "briefing.html")


@pytest.fixture(scope="module")
def read(page: str) -> Tables:
    """The tables and text of that page."""
    return Tables.of(page)


def test_the_list_is_the_published_one(home: Path, read: Tables) -> None:
    """Every place with its harm, split, movement, allegations, victims and redraws, as the mart has it."""
    places = ask(
        home,
        "select places.harm_rank, is_tied, places.offender_key, is_in_custody, places.harm_days, unweighted_allegations, "
        "harm_days_charged, harm_days_convicted, listed_in_redraws, places.allegations, female_victims, most_serious_offence, "
        "previous_rank, places.months_on_list, places_moved "
        "from mart.top_100 as places "
        "join mart.rank_uncertainty as redrawn on places.offender_key = redrawn.offender_key "
        "join mart.list_movements as moved on places.offender_key = moved.offender_key and places.list_date = moved.list_date "
        "order by 1",
    )
    assert len(places) == 100
    expected = []
    for rank, tied, key, custody, harm, gaps, charged, convicted, redrawn, count, victims, offence, *moved in places:
        shares = split({"harm_days": harm, "harm_days_charged": charged, "harm_days_convicted": convicted})
        assert shares is not None
        previous, months, by = moved
        expected.append(
            [
                f"{rank}{'=' if tied else ''}",
                ("back" if months > 1 else "new")
                if previous is None
                else (f"up {by}" if by > 0 else f"down {-by}" if by else "same"),
                f"{key}{' *' if custody else ''}",
                f"{days(harm)}{' + ?' if gaps else ''}",
                "/".join(map(str, shares)),
                per_cent(redrawn),
                str(count),
                str(victims),
                brief(offence, 40),
            ]
        )
    assert read.tables["list"][1:] == expected


def test_what_changed_is_what_the_mart_says(home: Path, read: Tables) -> None:
    """The sentences at the head, with the figures of list_churn; why, by how many of each reason."""
    ((today, before, entered, left, stayed, now, then),) = ask(
        home,
        "select list_date, previous_list_date, entered, people_left, stayed, harm_days, harm_days_before from mart.list_churn "
        "where list_date = (select list_date from mart.build_info)",
    )
    assert entered > 1 and left > 1 and now != then, "the sample would prove little"
    assert (
        f"{entered} people are new on the list of {day(today)}, {left} have left since the monthly list of {day(before)}, "
        f"and {stayed} stayed."
    ) in read.text
    ways = "risen" if now > then else "fallen"
    share = f"{100 * abs(now - then) / then:.1f} %"
    assert (
        f"The harm of the 100 people listed has {ways} by {days(abs(now - then))} days ({share}) to {days(now)} days."
    ) in read.text
    reasons = ask(
        home,
        "select reason, count(*) from mart.list_movements where movement = 'left' "
        "and list_date = (select list_date from mart.build_info) group by reason",
    )
    for reason, people in reasons:
        if reason == "window_passed":
            assert f"n allegation left the window ({people})" in read.text


def test_who_came_and_went_is_in_the_words_of_explain(home: Path, read: Tables, harmrank: Command) -> None:
    """Everybody who moved and nobody else; the reason and its allegations in the words of `explain`."""
    for label, movement in (("entered", "entered"), ("left", "left"), ("stayed", "stayed")):
        reported = "and allegations_reported > 0" if movement == "stayed" else ""
        moved = ask(
            home,
            "select harm_rank, offender_key from mart.list_movements "
            f"where movement = '{movement}' {reported} and list_date = (select list_date from mart.build_info) "
            "order by harm_rank nulls last, harm_rank_before",
        )
        assert [row[2] for row in read.tables[label][1:]] == [key for _, key in moved]
        ranked = [row for row in read.tables[label][1:] if row[0] != "none"]
        _, _, key, *_, why, rests_on = ranked[0]
        said = " ".join(harmrank("explain", key, "--home", home).stdout.replace("\n- ", " ").split())
        assert f": {why[0].lower()}{why[1:]}." in said
        assert rests_on in said


def test_the_line_the_spread_and_the_trend_are_the_marts(home: Path, read: Tables) -> None:
    """Boundary cases with what separates them, concentration, the lists of a year and the months of recorded crime."""
    boundary = ask(home, "select harm_rank, offender_key, harm_days from mart.rank_boundary order by harm_rank")
    assert [(row[0], row[1], row[2]) for row in read.tables["line"][1:]] == [
        (f"{rank}", key, days(harm)) for rank, key, harm in boundary
    ]
    ((by, much),) = ask(home, "select separated_by, separation from mart.rank_boundary where harm_rank = 100")
    words = {"harm_days": f"{days(much)} days of harm", "offender_key": "the key alone, which is arbitrary"}.get(
        by, f"{much:,.0f} "
    )
    assert f"Place 100, the last on the list, is ahead of place 101 by {words}" in read.text
    few = ask(home, "select offenders from mart.harm_concentration order by share_of desc, per_cent")
    assert [row[1] for row in read.tables["few"][1:]] == [f"{people:,}" for (people,) in few]
    lists = ask(
        home,
        "select list_date, sum(harm_days), sum(harm_days_charged) from mart.list_history group by list_date "
        "order by list_date desc limit 13",
    )
    assert [(row[0], row[4], row[6]) for row in read.tables["lists"][1:]] == [
        (day(on), days(harm), days(charged)) for on, harm, charged in lists
    ]
    months = ask(
        home,
        "select month, sum(harm_days), sum(historic_harm_days), sum(proactive_harm_days), sum(company_harm_days) "
        "from mart.crime_harm_monthly group by month order by month desc limit 13",
    )
    assert [(row[0], row[1], *row[3:]) for row in read.tables["months"][1:]] == [
        (f"{month:%B %Y}", *map(days, harm)) for month, *harm in months
    ]


def test_data_quality_and_method_are_on_record(home: Path, read: Tables) -> None:
    """The newest extract table by table, its defects, the order of the list, every changed rule and method, the caveat."""
    files = ask(
        home,
        "select extract_id, table_name, rows_read from mart.extract_reconciliation "
        "where extract_on = (select max(extract_on) from mart.extract_reconciliation) and rows_read > 0 order by 1, 2",
    )
    assert [(row[0], row[1], row[2]) for row in read.tables["files"][1:]] == [
        (extract, table, f"{read:,}") for extract, table, read in files
    ]
    defects = ask(
        home,
        "select count(*), sum(rows_affected) from mart.data_defects "
        "where extract_id = (select newest_extract_id from mart.build_info)",
    )
    found = [row for row in read.tables["defects"][1:] if row[3] != "0"]
    assert [(len(found), sum(int(row[3].replace(",", "")) for row in found))] == defects
    for table, label in (("rule_effect", "rules"), ("method_comparison", "methods")):
        ((count,),) = ask(home, f"select count(*) from mart.{table}")
        assert len(read.tables[label]) == count + 1
    ((caveat, unit),) = ask(home, "select harm_index_caveat, harm_unit from mart.build_info")
    assert caveat in read.text and unit
    assert "an allegation is not a conviction" in read.text
    macro = (REPOSITORY / "macros" / "ranking.sql").read_text(encoding="utf-8")
    (columns,) = re.findall(r"return\(\['harm_days', (.+)\]\)", macro)
    assert [f"'{name}'" for name in sentences.TIE_BREAKERS] == columns.split(", ")
    assert (
        "The person with the most harm is first. Between people with the same harm, the order is decided by more female "
        "victims, then by more allegations, then by the more recent latest report. Where these are the same too, only the "
        "key decides, which is arbitrary."
    ) in read.text
    comments = {comment for (comment,) in ask(home, "select comment from duckdb_columns() where comment is not null")}
    assert [comment for comment in comments if comment in read.text] == []


def test_nobody_is_named_unless_asked(home: Path, page: str) -> None:
    """The page holds no full name and no date of birth of anybody in the mart, and its marking says so."""
    people = ask(home, "select forename, surname, date_of_birth from operational.mart.offender_people")
    assert len(people) > 100
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    named = [(forename, surname) for forename, surname, _ in people if f"{forename} {surname}" in text]
    born = [on for *_, on in people if on and (day(on) in text or on.isoformat() in page)]
    assert (named, born) == ([], [])
    assert "Pseudonymous: keys, no names" in text
    assert "Contains personal data" not in page


def test_operational_readers_get_names_and_every_page_says_so(home: Path, harmrank: Command, tmp_path: Path) -> None:
    """Every table of people has name and date of birth beside the key; the marking is in the margin of each page."""
    text = write(harmrank, home, tmp_path / "named.html", "--operational")
    read = Tables.of(text)
    people = {
        key: (" ".join(filter(None, names)), on)
        for key, on, *names in ask(
            home,
            "select offender_key, date_of_birth, forename, middle_names, surname from operational.mart.offender_people "
            "where is_surviving_record",
        )
    }
    for label, column in (("list", 2), ("entered", 2), ("left", 2), ("line", 1)):
        for row in read.tables[label][1:]:
            key, _, rest = row[column].replace(" *", "").partition(" ")
            name, on = people[key]
            assert rest.startswith(name)
            assert on is None or rest.endswith(f"born {day(on)}")
    (margin,) = re.findall(r"@top-right \{ content: \"([^\"]+)\"", text)
    assert margin == "Contains personal data: names and dates of birth"
    assert f"{margin}. For operational readers only" in read.text


def test_a_page_for_its_owner_alone_that_replaces_nothing(home: Path, harmrank: Command, tmp_path: Path) -> None:
    """The file has mode 600. An existing file is not replaced, and a missing folder is an error in one line."""
    there = tmp_path / "briefing.html"
    write(harmrank, home, there)
    assert stat.S_IMODE(there.stat().st_mode) == 0o600
    there.write_text("mine")
    done = harmrank("briefing", "--home", home, "--out", there)
    assert (done.returncode, done.stderr) == (2, f"harmrank: {there} exists already: name a new file.\n")
    assert there.read_text() == "mine"
    nowhere = harmrank("briefing", "--home", home, "--out", tmp_path / "no" / "briefing.html")
    assert nowhere.returncode == 2 and len(nowhere.stderr.splitlines()) == 1


def test_the_same_build_gives_the_same_page(home: Path, page: str, cold_harmrank: Command, tmp_path: Path) -> None:
    """Byte for byte, charts included, wherever matplotlib keeps its fonts; and small enough for mail."""
    done = cold_harmrank(
        "briefing", "--home", home, "--out", tmp_path / "again.html", HOME="/proc/no-home", MPLCONFIGDIR=""
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page
    assert len(page.encode()) < 1_000_000


def test_it_needs_no_network_and_no_script(page: str) -> None:
    """The page fetches and runs nothing; every chart has a description for screen readers."""
    assert not re.search(r"<(script|link|img|iframe|object|embed)|https?://|@import|url\((?!#)|@font-face", page)
    charts = re.findall(r'<svg viewBox="[^"]+" role="img" aria-labelledby="(\S+) (\S+)"', page)
    assert len(charts) == 5
    for title, description in charts:
        assert re.search(rf'<title id="{title}">[^<]+</title>\s*<desc id="{description}">[^<]{{40,}}</desc>', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_other_commands_do_not_wait_for_the_charts() -> None:
    """matplotlib is loaded when a chart is drawn, not before."""
    code = (
        "import sys, harmrank.cli.main, harmrank.reading.published_mart, harmrank.reading.briefing.paper\n"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_a_list_of_an_older_harmrank_is_refused(home: Path, harmrank: Command, tmp_path: Path) -> None:
    """One line says what to do; no file remains."""
    shutil.copytree(home / "published", tmp_path / "home" / "published", symlinks=True)
    with duckdb.connect(str(tmp_path / "home" / "published" / "current" / "harm_mart.duckdb")) as connection:
        connection.execute("alter table mart.list_churn drop column harm_days")
    done = harmrank("briefing", "--home", tmp_path / "home", "--out", tmp_path / "briefing.html")
    assert done.returncode == 1
    assert "published by an older harmrank" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "briefing.html").exists()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, harmrank: Command) -> Path:
    """The list of a date within a month as it was known then, with one person whose records contain markup."""
    root = tmp_path_factory.mktemp("hostile")
    feed = {
        table: text.replace("p1", HOSTILE_IMAGE).replace("Invented,Mann", f"{HOSTILE},$x_1$&Mann")
        for table, text in SMALL_FEED.items()
    }
    write_extract(root / "extracts", "2026-06-15", feed)
    done = harmrank("refresh", root / "extracts", "--home", root / "home", "--known-at", "2026-06-15")
    assert done.returncode == 0, done.stderr
    return root / "home" / "known-at" / "2026-06-15"


def test_markup_in_the_data_is_text(hostile: Path, harmrank: Command, tmp_path: Path) -> None:
    """Names and keys appear unchanged in both forms, and none of them becomes an element."""
    for options in ([], ["--operational"]):
        text = write(harmrank, hostile, tmp_path / f"{len(options)}.html", *options)
        assert HOSTILE_IMAGE not in text and "<script" not in text
        read = Tables.of(text)
        assert read.tables["list"][1][2].startswith(f"met|{HOSTILE_IMAGE}")
    assert f"{HOSTILE} $x_1$&Mann, born 1 January 1980" in read.text


def test_a_list_within_a_month_as_it_was_known(hostile: Path, harmrank: Command, tmp_path: Path) -> None:
    """It is compared with the previous monthly list, uses the singular for one person, and says that it is a past list."""
    read = Tables.of(write(harmrank, hostile, tmp_path / "briefing.html"))
    assert "The same person is on the list of 15 June 2026 as on the monthly list of 31 May 2026." in read.text
    assert "The harm of the one person listed has risen by 10 days (0.5 %) to 1,835 days." in read.text
    assert "Nobody is new on the list." in read.text and "Nobody has left the list." in read.text
    assert [row[0] for row in read.tables["lists"][1:]] == ["15 June 2026", "31 May 2026"]
    assert [row[0] for row in read.tables["months"][1:]] == ["June 2026 (incomplete)", "May 2026"]
    assert "Everybody who can be ranked is on the list" in read.text
    assert "line" not in read.tables
    assert "The list of 15 June 2026, as it was known on 15 June 2026" in read.text
    assert "Nothing that was sent after 15 June 2026 counts" in read.text
    assert "Both lists use what was known on 15 June 2026" in read.text
    assert "known now" not in read.text and "known today" not in read.text
    assert "Hatched months are not complete: their figures are too low." in read.text


@pytest.fixture
def edited(scratch: PublishedHome, harmrank: Command, tmp_path: Path) -> Callable[..., str]:
    """Returns the page on the published list after changes of its mart."""

    def make(*changes: str) -> Tables:
        with duckdb.connect(str(scratch.mart)) as connection:
            for change in changes:
                connection.execute(change)
        return write(harmrank, scratch.home, tmp_path / "edited.html")

    return make


EMPTIED = ("top_100", "top_100_evidence", "rank_boundary", "list_movements", "rank_uncertainty")


def test_an_empty_list_is_not_the_first_one(edited: Callable[..., str]) -> None:
    """Without an earlier monthly list, and without anybody on it, the page says both and no more."""
    emptied = [f"delete from mart.{table}" for table in (*EMPTIED, "list_churn", "offender_harm")]
    read = Tables.of(edited(*emptied))
    assert (
        "Nobody is on the list of 30 June 2026. There is no earlier monthly list in the data to compare it with."
    ) in read.text
    assert "first list" not in read.text.replace("the first lists", "")


def test_a_list_that_everybody_has_left(edited: Callable[..., str]) -> None:
    """The page says first that nobody is on it."""
    left = "update mart.list_churn set places = 0, entered = 0, stayed = 0, people_left = 1, harm_days = 0"
    read = Tables.of(edited(*(f"delete from mart.{table}" for table in EMPTIED), left))
    assert "Nobody is on the list of 30 June 2026: 1 has left since the monthly list of 31 May 2026." in read.text
    assert "Nobody who is ranked is on the list." in read.text


def test_a_month_that_is_not_complete_is_no_month_without_harm(edited: Callable[..., str]) -> None:
    """It is hatched, named in the table, and not compared with: the caption is about the newest complete month."""
    page = edited("update mart.crime_harm_monthly set is_complete = false where month = date '2026-06-01'")
    read = Tables.of(page)
    assert [row[0] for row in read.tables["months"][1:]] == ["June 2026 (incomplete)", "May 2026"]
    assert "that the public reported in May have harm of 1,825 days" in read.text
    assert "Hatched months are not complete: their figures are too low." in read.text
    assert page.count(">month not complete</text>") == 1


def test_no_month_is_complete(edited: Callable[..., str]) -> None:
    """There is nothing to compare."""
    page = edited("update mart.crime_harm_monthly set is_complete = false")
    assert "No month is complete: the figures are too low." in Tables.of(page).text


def test_complete_months_are_not_hatched(edited: Callable[..., str]) -> None:
    """The legend has no sign that the chart does not show; one person makes all of the harm, not 80 % of it."""
    page = edited()
    assert "not complete" not in page
    titles = ("Reported by the public in the year it happened", "Found by the police", "Detected by companies")
    assert [title for title in titles if f">{title}</text>" not in page] == []
    assert "1 person, 100 % of all, is enough for 80 % of it." in Tables.of(page).text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("newest_extract_id = '2026-05-31'", "Of the days after it, up to the list date, nothing is known."),
        ("newest_extract_id = '2026-07-31'", "What was sent after the list date counts, too"),
        ("built_at = timestamp '2026-06-27 09:00:00'", "It was built on 27 June 2026, 3 days before the list date."),
        ("built_at = timestamp '2026-06-30 09:00:00'", "It was built on 30 June 2026, on the list date."),
    ],
)
def test_a_list_of_another_day_than_its_data(edited: Callable[..., str], change: str, said: str) -> None:
    """The page says on which side of the list date the newest extract and the build are."""
    assert said in Tables.of(edited(f"update mart.build_info set {change}")).text


def test_a_list_after_a_rollback_is_not_the_newest(
    scratch: PublishedHome, edited: Callable[..., str], harmrank: Command
) -> None:
    """The page says so, and does not call what is in it known now."""
    current = scratch.home / "published" / "current"
    later = scratch.home / "published" / "29991231T000000000000Z-00000000"
    shutil.copytree(current.resolve(), later)
    manifest = json.loads((later / "manifest.json").read_text())
    (later / "manifest.json").write_text(json.dumps(manifest | {"build_id": later.name, "list_date": "2026-07-31"}))
    earlier = current.resolve().name
    current.unlink()
    current.symlink_to(later.name)
    done = harmrank("rollback", earlier, "--home", scratch.home)
    assert done.returncode == 0, done.stderr
    read = Tables.of(edited())
    assert (
        f"This is not the newest list: the one for 31 July 2026 (build {later.name}) was published later" in read.text
    )
    assert "known now" not in read.text and "use what was known on" in read.text


@pytest.fixture(scope="module")
def beginnings(tmp_path_factory: pytest.TempPathFactory, harmrank: Command) -> dict[str, str]:
    """The briefings on a list without people, on the first list with a person, and on the list of a quiet month."""
    root = tmp_path_factory.mktemp("beginnings")
    write_extract(root / "extracts", "2026-07-31", SMALL_FEED)
    pages = {}
    for list_date in ("2026-04-30", "2026-05-31", "2026-07-31"):
        # The first of them is empty, and would wait.
        asked = ("--list-date", list_date, "--accept-list")
        done = harmrank("refresh", root / "extracts", "--home", root / "home", *asked)
        assert done.returncode == 0, done.stderr
        pages[list_date] = write(harmrank, root / "home", root / f"{list_date}.html")
    return pages


@pytest.mark.thorough
def test_the_first_list_has_no_earlier_one_to_compare(beginnings: dict[str, str]) -> None:
    """The page has no movements and no change of harm, but everything else."""
    read = Tables.of(beginnings["2026-05-31"])
    assert (
        "1 person is on the list of 31 May 2026. There is no earlier monthly list in the data to compare it with. "
        "Their harm is 1,825 days."
    ) in read.text
    assert "Who came and went There is no earlier monthly list in the data to compare it with." in read.text
    assert read.tables["list"][0][:2] == ["Place", "Person"]
    assert not read.tables.keys() & {"entered", "left", "stayed"}


@pytest.mark.thorough
def test_nobody_on_the_list_is_no_error(beginnings: dict[str, str]) -> None:
    """The page says so, and still has data and method."""
    read = Tables.of(beginnings["2026-04-30"])
    assert (
        "Nobody is on the list of 30 April 2026. There is no earlier monthly list in the data to compare it with."
    ) in read.text
    assert "first list" not in read.text
    assert "Nobody can be ranked." in read.text
    assert "Nobody is ranked, or there is no harm." in read.text
    assert "list" not in read.tables
    assert {"files", "rules", "methods"} <= read.tables.keys()
    assert not re.search(r"\bNone\b(?!\.)|\bnan\b|Undefined", read.text)


@pytest.mark.thorough
def test_a_month_in_which_nothing_happened(beginnings: dict[str, str]) -> None:
    """The page says that nobody came, went or was reported again and that the harm is unchanged."""
    read = Tables.of(beginnings["2026-07-31"])
    assert "The same person is on the list of 31 July 2026 as on the monthly list of 30 June 2026." in read.text
    assert "The harm of the one person listed is the same as then: 1,835 days." in read.text
    assert "Nobody who stayed has a new allegation." in read.text
    assert "Nobody is new on the list. Nobody has left the list." in read.text
    assert not read.tables.keys() & {"entered", "left", "stayed"}


@pytest.fixture(scope="module")
def forms(home: Path, beginnings: dict[str, str], harmrank: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page for each form of the briefing."""
    folder = tmp_path_factory.mktemp("forms")
    write(harmrank, home, folder / "pseudonymous.html")
    write(harmrank, home, folder / "operational.html", "--operational")
    for list_date, name in (("2026-05-31", "first"), ("2026-04-30", "nobody")):
        (folder / f"{name}.html").write_text(beginnings[list_date], encoding="utf-8")
    return folder


FORMS = ["pseudonymous", "operational", "first", "nobody"]
WITHIN_A4 = 688
"""CSS pixels between the margins of the page: 182 mm."""


def opened(browser: Browser, file: Path, width: int) -> tuple[Page, list[str]]:
    """Returns the page in a window of that width in pixels, and every request, message and error."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    noticed: list[str] = []
    page.on("console", lambda message: noticed.append(message.text))
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("request", lambda request: noticed.append(request.url))
    page.goto(file.as_uri())
    return page, noticed


# Elements that stick out of the page to the right, except in a part that scrolls.
STICKS_OUT = """() => [...document.body.querySelectorAll('*')].filter(element => {
    const scrolls = getComputedStyle(element.closest('.scroll, .chart') ?? document.body).overflowX === 'auto';
    return !scrolls && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
}).map(element => element.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("width", "media"), [(390, "screen"), (1366, "screen"), (WITHIN_A4, "print")])
def test_it_fits_a_phone_a_laptop_and_paper(
    browser: Browser, forms: Path, form: str, width: int, media: Literal["print", "screen"]
) -> None:
    """Nothing sticks out; the page requests nothing else and logs no error."""
    file = forms / f"{form}.html"
    page, noticed = opened(browser, file, width)
    page.emulate_media(media=media)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STICKS_OUT) == []
    assert noticed == [file.as_uri()]
    page.close()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("width", [390, 1366])
def test_it_is_accessible(browser: Browser, forms: Path, form: str, width: int) -> None:
    """axe-core finds no violation of WCAG 2 A and AA or of its best practices."""
    page, _ = opened(browser, forms / f"{form}.html", width)
    found = Axe().run(page)
    assert [(rule["id"], rule["nodes"][0]["html"][:120]) for rule in found.response["violations"]] == []
    page.close()


def test_it_prints_on_few_pages(browser: Browser, forms: Path) -> None:
    """A hundred places with all tables and charts take six to nine A4 pages."""
    page, _ = opened(browser, forms / "pseudonymous.html", 1366)
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert 6 <= len(pages) <= 9
    page.close()
