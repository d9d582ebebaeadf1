"""The quarantine: listing, exporting and clearing rows, and that no name is printed."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Command, write_extract

from harmrank.errors import UsageError
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.landing.land import land
from harmrank.landing.writing import CORRECTS_UNKNOWN
from harmrank.reading import quarantine
from harmrank.text.spreadsheet import as_text

CRIMES = "force,crime_ref,offence_code,reported_on,updated_at\n"
PEOPLE = "force,person_ref,surname,sex,date_of_birth,updated_at,deleted\n"
GOOD_CRIMES = "".join(f"met,g{n},019/08,2026-05-01,2026-05-02\n" for n in range(60))
GOOD_PEOPLE = "".join(f"met,g{n},Inventedname,F,1980-01-01,2026-05-02,\n" for n in range(40))
NOT_A_DATE = "reported_on is not a date: use YYYY-MM-DD"
BROKEN = "a quoted value is not closed, or goes on after its closing quote"
NO_HEADER = {"crimes": "force,crime_ref\nmet,c1\n"}
FIRST = "2026-05-31"


@dataclass
class Story:
    """A home, its extracts, and the command's output at each stage."""

    root: Path
    harmrank: Command
    output: dict[str, str] = field(default_factory=dict)

    @property
    def extracts(self) -> Path:
        return self.root / "extracts"

    @property
    def home(self) -> Path:
        return self.root / "home"

    def run(self, stage: str, *arguments: str | Path, code: int = 0) -> None:
        done = self.harmrank(*arguments, "--home", self.home)
        assert done.returncode == code, done.stderr
        self.output[stage] = done.stdout

    def groups(self, stage: str) -> set[tuple[Any, ...]]:
        """Returns table, reason, lines and clearing extract of each group of the first extract."""
        found = json.loads(self.output[stage])["groups"]
        assert all(group["extract_id"] == FIRST and group["rows"] == len(group["first_lines"]) for group in found)
        return {(g["table_name"], g["reason"], *g["first_lines"], g["cleared_by"]) for g in found}

    def refused(self, stage: str) -> dict[str, str | None]:
        return {entry["extract_id"]: entry["cleared_by"] for entry in json.loads(self.output[stage])["refused"]}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, harmrank: Command) -> Story:
    """One extract with bad rows and two refused ones; then their corrections, landed first and built later."""
    story = Story(tmp_path_factory.mktemp("story"), harmrank)
    bad_crimes = (
        "met,b1,019/08,nonsense,2026-05-02\n"
        "met,b2,019/08,soon,2026-05-02\n"
        "met,,019/08,2026-05-01,2026-05-02\n"
        'met,"br"oken,019/08,2026-05-01,2026-05-02\n'
        '"=1+1",b3,019/08,nonsense,2026-05-02\n'
    )
    bad_people = 'met,bad,Hushname,F,1980-01-01,sometime,\nmet,"br"oken,Hushname,F,1980-01-01,2026-05-02,\n'
    write_extract(
        story.extracts,
        FIRST,
        {"crimes": CRIMES + GOOD_CRIMES + bad_crimes, "people": PEOPLE + GOOD_PEOPLE + bad_people},
    )
    for extract_id in ("2026-06-01", "2026-06-02"):
        write_extract(story.extracts, extract_id, NO_HEADER)
    story.run("land", "land", story.extracts, code=3)
    story.run("only landed", "quarantine", "--json")
    # Nobody is on its lists, so they would wait.
    story.run("refresh", "refresh", story.extracts, "--accept-list", code=3)
    story.run("built", "quarantine", "--json")
    story.run("shown", "quarantine")
    story.run("table", "quarantine", "--json", "--table", "people")
    story.run("reason", "quarantine", "--json", "--reason", "NOT A date")
    story.run("refused alone", "quarantine", "--json", "--extract", "2026-06-02")
    story.run("export", "quarantine", "--export", story.root / "rows.csv")
    story.run("export text", "quarantine", "--export", story.root / "text.csv", "--with-text")

    shutil.rmtree(story.extracts / "2026-06-01")
    write_extract(story.extracts, "2026-06-01", {"crimes": f"{CRIMES}met,n1,019/08,2026-05-01,2026-06-01\n"})
    shutil.rmtree(story.extracts / "2026-06-02")
    tombstone = f"{PEOPLE}met,bad,,,,2026-06-30,Y\n"
    write_extract(
        story.extracts, "2026-06-30", {"crimes": f"{CRIMES}met,b1,019/08,2026-05-01,2026-05-02\n", "people": tombstone}
    )
    folder = write_extract(story.extracts, "2026-07-31", {"crimes": CRIMES})
    (folder / "extract.json").write_text(json.dumps({"corrects": [FIRST, "2026-06-02", "2020-01-31"]}))
    story.run("land corrections", "land", story.extracts)
    story.run("landed since", "quarantine", "--json")
    story.run("shown landed since", "quarantine")
    story.run("refresh corrections", "refresh", story.extracts, "--accept-list")
    story.run("corrected", "quarantine", "--json")
    story.run("shown all", "quarantine", "--all")
    story.run("all", "quarantine", "--json", "--all")
    story.run("export all", "quarantine", "--all", "--export", story.root / "all.csv")
    return story


ALL_OPEN = {
    ("crimes", NOT_A_DATE, 62, 63, 66, None),
    ("crimes", "crime_ref is missing", 64, None),
    ("crimes", BROKEN, 65, None),
    ("people", "updated_at is not a timestamp: use YYYY-MM-DDTHH:MM:SS", 42, None),
    ("people", BROKEN, 43, None),
}


def test_rows_and_refused_extracts_are_listed_by_reason(story: Story) -> None:
    """The listing has every open row with its line, and every refused extract with its message."""
    assert story.groups("built") == ALL_OPEN
    assert story.refused("built") == {"2026-06-01": None, "2026-06-02": None}
    shown = story.output["shown"]
    assert "62, 63, 66" in shown
    assert "7 open rows and 2 open refused extracts in quarantine." in shown
    assert "Extract 2026-06-01 was refused: crimes.csv line 1" in shown
    assert 'in the extract.json of the new one: "corrects"' in " ".join(shown.split())


def test_without_a_build_everything_is_open(story: Story) -> None:
    """Without a build, no corrections have been applied: everything is open, and the listing says so."""
    assert story.groups("only landed") == ALL_OPEN
    assert json.loads(story.output["only landed"])["build_id"] is None


def test_filters_leave_the_rest_out(story: Story) -> None:
    """Extract, table and reason narrow the listing; refused extracts have neither table nor rows."""
    assert story.groups("table") == {group for group in ALL_OPEN if group[0] == "people"}
    assert story.groups("reason") == {group for group in ALL_OPEN if group[1] == NOT_A_DATE}
    assert story.refused("table") == story.refused("reason") == {}
    assert story.groups("refused alone") == set()
    assert story.refused("refused alone") == {"2026-06-02": None}


def test_rows_corrected_since_the_build_stay_open(story: Story) -> None:
    """Rows corrected since the last build stay open, with a note; refused extracts are cleared at once."""
    assert story.groups("landed since") == ALL_OPEN
    found = json.loads(story.output["landed since"])
    assert found["landed_since"] == ["2026-06-01", "2026-06-30", "2026-07-31"]
    assert found["build_id"] in story.output["shown landed since"]
    assert "Landed since: 2026-06-01, 2026-06-30, 2026-07-31" in story.output["shown landed since"]
    assert found["refused"] == []


def test_a_later_extract_clears_what_it_corrects(story: Story) -> None:
    """Rows are cleared by key, by a tombstone or by `corrects`; a broken row of a table without a correction stays open."""
    assert story.groups("corrected") == {("people", BROKEN, 43, None)}
    assert story.groups("all") == {
        ("crimes", NOT_A_DATE, 62, "2026-06-30"),
        ("crimes", NOT_A_DATE, 63, 66, "2026-07-31"),
        ("crimes", "crime_ref is missing", 64, "2026-07-31"),
        ("crimes", BROKEN, 65, "2026-07-31"),
        ("people", "updated_at is not a timestamp: use YYYY-MM-DDTHH:MM:SS", 42, "2026-06-30"),
        ("people", BROKEN, 43, None),
    }
    assert json.loads(story.output["corrected"])["landed_since"] == []
    assert "7 rows and 2 refused extracts in quarantine." in story.output["shown all"]
    assert "Cleared by" in story.output["shown all"]


def test_a_refused_extract_is_cleared_by_its_own_id_or_by_a_correction(story: Story) -> None:
    """It is sent again under its id, or a later extract names it in `corrects`."""
    assert story.refused("corrected") == {}
    assert story.refused("all") == {"2026-06-01": "2026-06-01", "2026-06-02": "2026-07-31"}
    status = story.harmrank("status", "--home", story.home, "--json")
    assert json.loads(status.stdout)["landed"]["refused"] == []


def test_the_reconciliation_shows_quarantined_and_cleared_rows(story: Story) -> None:
    """History is kept: rows_quarantined stays, and the defects still list what was wrong at the time."""
    mart = story.home / "published" / "current" / "harm_mart.duckdb"
    with duckdb.connect(str(mart), read_only=True) as connection:
        reconciled = connection.execute(
            "select table_name, rows_quarantined, rows_quarantine_cleared from mart.extract_reconciliation "
            f"where extract_id = '{FIRST}' order by 1"
        ).fetchall()
        defects = connection.execute(
            "select extract_id, reason, rows_affected from mart.data_defects "
            "where column_name in ('(row)', 'corrects') order by extract_id desc, rows_affected desc limit 2"
        ).fetchall()
    assert reconciled == [("crimes", 5, 5), ("people", 2, 1)]
    assert defects == [("2026-07-31", CORRECTS_UNKNOWN, 1), (FIRST, f"quarantined: {NOT_A_DATE}", 3)]


def exported(path: Path) -> list[dict[str, str]]:
    """Returns the rows of an export."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_export_has_a_line_per_row_and_text_only_on_request(story: Story) -> None:
    """Texts of rows are personal data: they are exported only on request, readable only by the owner."""
    rows, texts = exported(story.root / "rows.csv"), exported(story.root / "text.csv")
    assert [(row["table"], row["line"], row["record_key"]) for row in rows] == [
        ("crimes", "62", '["met","b1"]'),
        ("crimes", "63", '["met","b2"]'),
        ("crimes", "64", ""),
        ("crimes", "65", ""),
        ("crimes", "66", '["=1+1","b3"]'),
        ("people", "42", '["met","bad"]'),
        ("people", "43", ""),
    ]
    assert list(rows[0]) == ["extract_id", "table", "file", "line", "reason", "record_key", "cleared_by"]
    assert [row["raw_text"] for row in texts][:2] == [
        "met,b1,019/08,nonsense,2026-05-02",
        "met,b2,019/08,soon,2026-05-02",
    ]
    assert "Hushname" not in (story.root / "rows.csv").read_text()
    assert (story.root / "rows.csv").stat().st_mode & 0o777 == 0o600
    cleared = {(row["table"], row["line"]): row["cleared_by"] for row in exported(story.root / "all.csv")}
    assert len(cleared) == 7
    assert cleared["crimes", "62"] == "2026-06-30"
    assert cleared["people", "43"] == ""


def test_a_formula_in_the_export_is_text(story: Story) -> None:
    """A row that starts like a formula, even in quotes, must not run when an analyst opens the file."""
    assert exported(story.root / "text.csv")[4]["raw_text"] == '\'"=1+1",b3,019/08,nonsense,2026-05-02'


def test_no_name_shows_in_any_listing_or_log(story: Story) -> None:
    """Names are only in the warehouse and in an export with text."""
    logs = "".join(path.read_text(errors="replace") for path in (story.home / "logs").rglob("*") if path.is_file())
    assert logs
    for word in ("Hushname", "Inventedname"):
        assert word not in "".join(story.output.values())
        assert word not in logs


def test_wrong_use_is_reported_in_one_line(story: Story, tmp_path: Path) -> None:
    """An existing file is not overwritten; an unknown extract is not an empty quarantine; text needs a file."""
    existing = tmp_path / "existing.csv"
    existing.write_text("keep")
    for arguments, message in (
        (("--export", existing), "exists already"),
        (("--export", tmp_path / "none" / "rows.csv"), "cannot be written"),
        (("--extract", "2026-05-30"), "has no extract of that id"),
        (("--with-text",), "--with-text needs --export FILE"),
        (("--home", tmp_path / "nowhere"), "there is no home at"),
    ):
        done = story.harmrank("quarantine", "--home", story.home, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    assert existing.read_text() == "keep"


def test_a_busy_warehouse_is_reported(story: Story) -> None:
    """While a refresh writes, the command says so and exits with 5, like every other command."""
    with duckdb.connect(str(story.home / "warehouse.duckdb")):
        done = story.harmrank("quarantine", "--home", story.home)
    assert (done.returncode, done.stdout) == (5, "")
    assert "is open in" in done.stderr


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", '"=', "' -", "\u00a0@", "＝"])
def test_text_like_a_formula_gets_an_apostrophe(start: str) -> None:
    """All known ways to start a formula in a spreadsheet, with blanks and quotes before it."""
    assert as_text(f"{start}1") == f"'{start}1"


@pytest.mark.parametrize("text", ["", "met", "2026-05-31", "a=b", '["=1"]', " x", "'"])
def test_other_text_is_unchanged(text: str) -> None:
    """A needless apostrophe would make keys impossible to find."""
    assert as_text(text) == text


def landed(root: Path, extracts: dict[str, dict[str, str]], manifest: str | None = None) -> tuple[Home, list[str]]:
    """Lands these extracts, the last with this extract.json. Returns the home and the lines reported."""
    for extract_id, tables in extracts.items():
        folder = write_extract(root / "extracts", extract_id, tables)
    if manifest is not None:
        (folder / "extract.json").write_text(manifest)
    lines: list[str] = []
    land(root / "extracts", Home(root / "home"), lines.append, max_bad_share=1)
    return Home(root / "home"), lines


def ask(home: Home, query: str) -> list[tuple[Any, ...]]:
    """Returns the rows of a query on the warehouse."""
    with warehouse.connect(home, read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("table", "content", "key"),
    [
        ("crimes", CRIMES + 'met," a|""b"", c ",019/08,x,2026-05-02\n', ["met", 'a|"b", c']),
        ("crimes", CRIMES + "m|t,c1,019/08,2026-05-01,2026-05-02\n", None),
        ("crimes", CRIMES + "met,NULL,019/08,2026-05-01,2026-05-02\n", None),
        ("crimes", CRIMES + "met,c1,019/08\n", None),
        ("crimes", CRIMES + "met,c1,,2026-05-01,2026-05-02\n", ["met", "c1"]),
        (
            "involvements",
            "force,crime_ref,person_ref,role,updated_at\nmet,c,p,SUSPECT,x\n",
            ["met", "c", "p", "suspect"],
        ),
        ("involvements", "force,crime_ref,person_ref,role,updated_at\nmet,c,p,thief,2026-05-02\n", None),
        ("custody", "force,person_ref,custody_from,updated_at\nmet,p,2026-05-01T10:00,x\n", ["met", "p", "2026-05-01"]),
        ("custody", "force,person_ref,custody_from,updated_at\nmet,p,May,2026-05-02\n", None),
        ("person_merges", "force,person_ref,merged_into_ref,updated_at\nmet,p,,2026-05-02\n", ["met", "p"]),
    ],
)
def test_a_quarantined_row_keeps_a_readable_key(
    tmp_path: Path, table: str, content: str, key: list[str] | None
) -> None:
    """The key is as in a landed row, complete or null: a guessed key would clear the wrong row."""
    home, _ = landed(tmp_path, {FIRST: {table: content}})
    ((record_key,),) = ask(home, "select record_key from raw.quarantine")
    assert (record_key and json.loads(record_key)) == key


def test_rows_of_parquet_keep_their_key_too(tmp_path: Path) -> None:
    """The quarantine is the same for Parquet."""
    folder = tmp_path / "extracts" / FIRST
    folder.mkdir(parents=True)
    duckdb.execute(
        "copy (select 'met' as force, 7 as person_ref, 'x' as updated_at) "
        f"to '{folder / 'people.parquet'}' (format parquet)"
    )
    home, _ = landed(tmp_path, {})
    assert ask(home, "select record_key from raw.quarantine") == [('["met","7"]',)]


@pytest.mark.parametrize(
    ("corrects", "message"),
    [
        ('"2026-04-30"', "corrects is not a list of extract ids"),
        ('{"2026-04-30": 1}', "corrects is not a list of extract ids"),
        ("[20260430]", "corrects is not a list of extract ids"),
        ('[""]', "corrects is not a list of extract ids"),
        ('["2026\\u001b[2J"]', "corrects is not a list of extract ids"),
        ('["\\ud800"]', "corrects is not a list of extract ids"),
        (f'["{FIRST}"]', "only an earlier one can be corrected"),
        ('["2026-06-30"]', "only an earlier one can be corrected"),
    ],
)
def test_a_wrong_correction_refuses_the_extract(tmp_path: Path, corrects: str, message: str) -> None:
    """An unusable correction must not be ignored silently."""
    home, lines = landed(tmp_path, {FIRST: {"crimes": CRIMES + GOOD_CRIMES}}, f'{{"corrects": {corrects}}}')
    assert len(lines) == 1
    assert f"Extract {FIRST} was refused: extract.json: corrects " in lines[0]
    assert message in lines[0]
    assert ask(home, "select count(*) from raw.crimes") == [(0,)]


@pytest.mark.parametrize("corrects", ["[]", "null", '["2026-04-30", "2026-04-30"]'])
def test_a_correction_is_kept_once(tmp_path: Path, corrects: str) -> None:
    """An empty list is the same as none, and a correction named twice is kept once."""
    home, _ = landed(tmp_path, {FIRST: {"crimes": CRIMES + GOOD_CRIMES}}, f'{{"corrects": {corrects}}}')
    kept = ask(home, "select extract_id, corrects_extract_id from raw.corrections")
    assert kept == ([(FIRST, "2026-04-30")] if "04" in corrects else [])
    assert ask(home, "select count(*) from raw.value_defects where column_name = 'corrects'") == [(len(kept),)]


def test_an_extract_refused_for_its_name_can_be_corrected(tmp_path: Path) -> None:
    """Its id can never land, so only a correction can clear it."""
    (tmp_path / "extracts" / "May").mkdir(parents=True)
    home, _ = landed(tmp_path, {FIRST: {"crimes": CRIMES + GOOD_CRIMES}})
    with warehouse.connect(home, read_only=True) as connection:
        assert [(r.extract_id, r.cleared_by) for r in quarantine.refused_extracts(connection)] == [("May", None)]
    home, _ = landed(tmp_path, {"2026-06-30": {"crimes": CRIMES}}, '{"corrects": ["May"]}')
    with warehouse.connect(home, read_only=True) as connection:
        assert [r.cleared_by for r in quarantine.refused_extracts(connection)] == ["2026-06-30"]
    assert ask(home, "select count(*) from raw.value_defects") == [(0,)]


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    """A partial export could be taken for a complete one."""
    home, _ = landed(tmp_path, {FIRST: {"crimes": CRIMES + "met,c1,,x,2026-05-02\n"}})
    with pytest.raises(UsageError):
        quarantine.export(home, quarantine.Filter(extract_id="unknown"), tmp_path / "rows.csv", with_text=False)
    assert not (tmp_path / "rows.csv").exists()
    assert quarantine.export(home, quarantine.Filter(), tmp_path / "rows.csv", with_text=False) == 1
