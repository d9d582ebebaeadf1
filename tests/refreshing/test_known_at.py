"""A past list made again as it was known: the same rows, beside the list that stands, whatever came since."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from conftest import REPOSITORY, Command, PublishedHome
from reliability import homes, increments

from harmrank.errors import UsageError
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.refreshing import known_at
from harmrank.sample import write_sample

THE_DAY = "2026-07-31"
THE_DAY_BEFORE = "2026-07-30"
BEFORE_ALL = "2026-04-29"
LANDED_THEN = ["2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"]


def early_ones(extracts: Path, to: Path, until: str) -> Path:
    """A folder with the extracts up to a day alone."""
    for folder in extracts.iterdir():
        if folder.name[:10] <= until:
            shutil.copytree(folder, to / folder.name)
    return to


def published_rows(home: Path) -> dict[str, Any]:
    """Every published table, byte for byte; of build_info, what is not the build's own name and day."""
    tables = homes.data(home)
    info = (home / "published" / "current").resolve() / "build_info.parquet"
    with duckdb.connect() as connection:
        own = "build_id, built_at, known_at"
        tables["build_info"] = connection.execute(f"select * exclude ({own}) from '{info}'").fetchall()
    return tables


def manifest(home: Path) -> dict[str, Any]:
    """What the build that stands says of itself."""
    said: dict[str, Any] = json.loads((home / "published" / "current" / "manifest.json").read_text(encoding="utf-8"))
    return said


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    """What a reader of a DuckDB file gets."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def write(folder: Path, table: str, header: str, *lines: str) -> None:
    """One file of an extract."""
    folder.mkdir(exist_ok=True)
    (folder / f"{table}.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")


def change_the_past(folder: Path, mart: Path) -> None:
    """An extract of October that changes what was listed in July, in every way that a source system has."""
    evidence = rows(
        mart,
        "select force, crime_ref, split_part(offender_key, '|', 2) from mart.top_100_evidence "
        "qualify row_number() over (partition by offender_key order by crime_ref) = 1 order by harm_rank limit 5",
    )
    (force, cleared, who), (_, deleted, _), (_, cancelled, _), (_, _, merged), (_, _, into) = evidence
    now = "2026-10-31T23:00:00"
    write(
        folder,
        "crimes",
        "force,crime_ref,offence_code,reported_on,cancelled_on,updated_at,deleted",
        f"{force},{deleted},,,,{now},Y",
        f"{force},{cancelled},019/08,2026-07-01,2026-07-02,{now},",
        f"{force},late,019/08,2026-07-31,,{now},",
    )
    write(folder, "people", "force,person_ref,sex,updated_at", f"{force},late_woman,F,{now}")
    write(
        folder,
        "involvements",
        "force,crime_ref,person_ref,role,status,updated_at",
        f"{force},{cleared},{who},suspect,eliminated,{now}",
        f"{force},late,{who},suspect,charged,{now}",
        f"{force},late,late_woman,victim,,{now}",
    )
    write(folder, "person_merges", "force,person_ref,merged_into_ref,updated_at", f"{force},{merged},{into},{now}")
    (folder / "extract.json").write_text(json.dumps({"corrects": [THE_DAY]}), encoding="utf-8")


@dataclass(frozen=True)
class Past:
    """A home that was refreshed in July and again in October, what it published in July, and that list made again."""

    extracts: Path
    home: Path
    then: dict[str, Any]
    said_then: dict[str, Any]
    mart_then: Path
    remade: Path
    said: str


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Four extracts and a list, three more and a list, and the first list again."""
    root = tmp_path_factory.mktemp("past")
    feed, extracts, home = root / "feed", root / "extracts", root / "home"
    write_sample(feed, crimes=3000, months=7, seed=5, report=lambda _: None)
    early_ones(feed, extracts, THE_DAY)
    # A row for quarantine, which a later extract clears, and something in each of the other tables.
    at = "2026-07-31T00:00:00"
    header = "force,crime_ref,offence_code,reported_on,outcome_type,updated_at"
    write(extracts / THE_DAY, "crimes_02", header, "metropolis,unreadable", f"metropolis,odd,46,2026-07-30,soon,{at}")
    write(extracts / THE_DAY, "custody_02", "force,person_ref,custody_from,updated_at", f"metropolis,a,2026-07-30,{at}")
    merge = f"metropolis,a,b,{at}"
    write(extracts / THE_DAY, "person_merges_02", "force,person_ref,merged_into_ref,updated_at", merge)
    homes.refreshed(extracts, home, "--max-bad-share", "1")
    then, said_then = published_rows(home), manifest(home)
    mart_then = (home / "published" / "current").resolve() / "harm_mart.duckdb"
    for folder in sorted(feed.iterdir())[4:]:
        shutil.copytree(folder, extracts / folder.name)
    change_the_past(extracts / "2026-10-31T2300", mart_then)
    homes.refreshed(extracts, home)
    done = homes.run("refresh", extracts, "--home", home, "--known-at", THE_DAY)
    assert done.returncode == 0, done.stderr
    return Past(extracts, home, then, said_then, mart_then, home / "known-at" / THE_DAY, done.stderr)


def test_a_past_list_is_made_again_to_the_byte(past: Past) -> None:
    """Whatever three later extracts changed, every mart has the rows it had."""
    assert published_rows(past.remade) == past.then
    said = manifest(past.remade)
    for fact in ("list_date", "method", "extracts", "code_version", "harm_index"):
        assert said[fact] == past.said_then[fact]
    assert (said["known_at"], past.said_then["known_at"]) == (THE_DAY, None)
    assert rows(past.remade / "published" / "current" / "harm_mart.duckdb", "select known_at from mart.build_info") == [
        (date(2026, 7, 31),)
    ]
    assert f"the list for {THE_DAY} as known on {THE_DAY}" in past.said


def test_the_later_extracts_did_change_it(past: Past) -> None:
    """Else the test above shows nothing: the same day, by what is known now, is another list, in all its parts."""
    now = past.home / "published" / "current" / "harm_mart.duckdb"
    places = "select offender_key, harm_days from mart.{} where list_date = '2026-07-31' order by 1"
    assert rows(now, places.format("list_history")) != rows(past.mart_then, places.format("top_100"))
    july = f"from mart.{{}} where extract_id <= '{THE_DAY}' order by all"
    for query in (
        "select extract_id, table_name, rows_superseded, rows_quarantine_cleared "
        + july.format("extract_reconciliation"),
        "select * " + july.format("data_defects"),
    ):
        assert rows(now, query) != rows(past.mart_then, query)
    gone = rows(past.mart_then, "select force, crime_ref from mart.top_100_evidence")
    assert not set(gone) <= set(rows(now, "select force, crime_ref from mart.offender_evidence"))


@pytest.mark.thorough
def test_a_home_set_up_later_makes_the_same(past: Past, tmp_path: Path) -> None:
    """The date is that of the extracts, so another home makes the list, too: from the early extracts, or from all."""
    early = early_ones(past.extracts, tmp_path / "early", THE_DAY)
    homes.refreshed(early, tmp_path / "fresh", "--max-bad-share", "1")
    assert published_rows(tmp_path / "fresh") == past.then
    asked = ("--known-at", THE_DAY, "--out", tmp_path / "out", "--max-bad-share", "1")
    homes.refreshed(past.extracts, tmp_path / "other", *asked)
    assert published_rows(tmp_path / "out") == past.then
    assert not (tmp_path / "other" / "published" / "current").exists()
    landed = rows(tmp_path / "other" / "warehouse.duckdb", "select max(extract_id) from raw.extracts")
    assert landed == [(THE_DAY,)], "a question about July lands nothing of August"


@pytest.mark.thorough
def test_the_published_list_and_its_tables_are_left_alone(past: Past, tmp_path: Path) -> None:
    """Nobody who reads `current` may meet a past list, and the next refresh builds on what the last one left."""
    home, never = homes.copied(past.home, tmp_path / "home"), homes.copied(past.home, tmp_path / "never")
    shutil.rmtree(never / "known-at")
    before = os.readlink(home / "published" / "current"), sorted(os.listdir(home / "published"))
    homes.refreshed(past.extracts, home, "--known-at", THE_DAY, "--full")
    assert (os.readlink(home / "published" / "current"), sorted(os.listdir(home / "published"))) == before
    assert os.listdir(home / "scratch") == []
    assert not list((home / "known-at").rglob("warehouse.duckdb*")), "no copy of personal data stays"
    extracts = tmp_path / "extracts"
    shutil.copytree(past.extracts, extracts)
    increments.Force(random.Random(3)).send(extracts / "2026-11-15", date(2026, 11, 15))
    done = homes.run("refresh", extracts, "--home", home)
    assert done.returncode == 0, done.stderr
    assert "building and testing what has changed of the list" in done.stderr
    homes.refreshed(extracts, never)
    assert increments.differences(home, never, increments.Findings()) == []
    assert published_rows(home) == published_rows(never)


@pytest.mark.thorough
def test_the_day_before_is_another_day(past: Past, tmp_path: Path) -> None:
    """An extract counts on its day and not before; list date and method go with the day as with any refresh."""
    asked = ("--list-date", "2026-05-31", "--method", "v100_count")
    homes.refreshed(past.extracts, past.home, "--known-at", THE_DAY_BEFORE, *asked)
    remade = past.home / "known-at" / THE_DAY_BEFORE
    assert manifest(remade)["extracts"] == LANDED_THEN[:3]
    assert (manifest(remade)["list_date"], manifest(remade)["method"]) == ("2026-05-31", "v100_count")
    early = early_ones(past.extracts, tmp_path / "early", THE_DAY_BEFORE)
    homes.refreshed(early, tmp_path / "fresh", *asked)
    assert published_rows(remade) == published_rows(tmp_path / "fresh")


def test_a_day_before_all_extracts_is_wrong_use(past: Past, harmrank: Command) -> None:
    """Nothing was known then: a line that says from when on something was, and no empty list."""
    done = harmrank("refresh", past.extracts, "--home", past.home, "--known-at", BEFORE_ALL)
    assert (done.returncode, f"nothing was known on {BEFORE_ALL}" in done.stderr) == (2, True)
    assert "the first extract was taken on 2026-04-30" in done.stderr
    assert not (past.home / "known-at" / BEFORE_ALL).exists()


@pytest.mark.thorough
def test_a_day_that_is_not_over_is_told(past: Past, harmrank: Command, tmp_path: Path) -> None:
    """Everything there is counts, which is today's list; but whoever makes it again later may get another."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    out = tmp_path / "out"
    done = harmrank("refresh", past.extracts, "--home", past.home, "--known-at", tomorrow, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert f"{tomorrow} is not over" in done.stderr
    assert json.loads(done.stdout)["known_at"] == tomorrow
    assert json.loads(done.stdout)["home"] == str(out)
    assert published_rows(out) == published_rows(past.home)
    assert any("is not over" in warning for warning in manifest(out)["warnings"])


def test_it_is_read_like_any_list_and_never_refreshed(past: Past, harmrank: Command) -> None:
    """`top`, `explain` and `status` say whose knowledge it is; what would change it is refused and changes nothing."""
    key = rows(past.mart_then, "select offender_key from mart.top_100 where harm_rank = 1")[0][0]
    for command in (("top",), ("explain", key)):
        done = harmrank(*command, "--home", past.remade)
        assert done.returncode == 0, done.stderr
        assert "as it was known on 31 July 2026" in " ".join(done.stdout.split())
    status = json.loads(harmrank("status", "--home", past.remade, "--verify", "--json").stdout)
    assert status["stale_because"] == status["damaged"] == []
    assert status["remade"] == {"known_at": THE_DAY, "home": str(past.home)}
    assert "Known at" in harmrank("status", "--home", past.remade).stdout
    of_the_home = harmrank("status", "--home", past.home).stdout
    assert "Known at" not in of_the_home
    assert f"{THE_DAY}: past lists" in " ".join(of_the_home.split())
    before = sorted(past.remade.rglob("*"))
    for command in (("refresh", past.extracts), ("land", past.extracts), ("check",), ("quarantine",)):
        done = harmrank(*command, "--home", past.remade)
        assert (done.returncode, "name that home" in done.stderr) == (2, True), command
    assert sorted(past.remade.rglob("*")) == before
    again = harmrank("refresh", past.extracts, "--home", past.home, "--known-at", THE_DAY)
    assert (again.returncode, "nothing new" in again.stderr) == (0, True)


def test_a_damaged_one_says_how_it_is_made_again(past: Past, harmrank: Command, tmp_path: Path) -> None:
    """Not by a refresh of the folder it is in, which would make it a home like any other."""
    home = homes.copied(past.home, tmp_path / "home")
    remade = home / "known-at" / THE_DAY
    # The copy lies elsewhere.
    (remade / "known_at.json").write_text(json.dumps({"known_at": THE_DAY, "home": str(home)}), encoding="utf-8")
    (remade / "published" / "current" / "top_100.parquet").write_bytes(b"")
    (damaged,) = json.loads(harmrank("status", "--home", remade, "--json").stdout)["damaged"]
    assert f"harmrank refresh EXTRACTS --home {home} --known-at {THE_DAY} --full" in damaged
    homes.refreshed(past.extracts, home, "--known-at", THE_DAY)
    assert published_rows(remade) == past.then


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("home", "lies in the home"),
        ("home/published", "lies in the home"),
        ("extracts/past", "lies in the folder of extracts"),
        ("another_home", "is a home or holds other things"),
        ("full", "is a home or holds other things"),
        ("of_another_day", "the list as it was known on 2026-01-31"),
        ("full/file", "is not a folder"),
    ],
)
def test_no_folder_that_holds_something_else_is_written_to(tmp_path: Path, out: str, said: str) -> None:
    """A slip of the folder must never put a past list where another one is read."""
    home = Home(tmp_path / "home")
    home.create()
    Home(tmp_path / "another_home").create()
    (tmp_path / "another_home" / "warehouse.duckdb").touch()
    for name in ("full", "of_another_day", "extracts"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "of_another_day" / "known_at.json").write_text('{"known_at": "2026-01-31", "home": "/h"}')
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match=said):
        known_at.place(home, date(2026, 4, 30), tmp_path / out, tmp_path / "extracts")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_a_kill_leaves_of_the_first_file_is_no_folder_of_somebody_else(past: Past, tmp_path: Path) -> None:
    """Killed while it says whose list it is, the half-written name stays; the day can be made again all the same."""
    home = Home(homes.copied(past.home, tmp_path / "home"))
    folder = home.known_lists / THE_DAY
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".known_at.json.new").write_text("{", encoding="utf-8")
    assert known_at.place(home, date.fromisoformat(THE_DAY), None, past.extracts).root == folder


def test_no_past_list_goes_into_another_home(past: Past, tmp_path: Path) -> None:
    """A folder inside another home, or one that holds another home's list of the same day."""
    home, other = (Home(homes.copied(past.home, tmp_path / name)) for name in ("home", "other"))
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "known_at.json").write_text(json.dumps({"known_at": THE_DAY, "home": str(other.root)}))
    for out in (other.root / "inside", other.known_lists / THE_DAY, tmp_path / "made"):
        with pytest.raises(UsageError):
            known_at.place(home, date.fromisoformat(THE_DAY), out, past.extracts)


def test_a_folder_for_no_past_list_is_wrong_use(published: PublishedHome, harmrank: Command, tmp_path: Path) -> None:
    """A refresh publishes in its home: --out without a day is a misunderstanding."""
    done = harmrank("refresh", published.extracts, "--home", published.home, "--out", tmp_path / "out")
    assert (done.returncode, "--known-at" in done.stderr) == (2, True)
    done = harmrank("refresh", published.extracts, "--home", published.home, "--known-at", "30 April")
    assert done.returncode == 2


def test_every_raw_row_follows_its_extract(past: Past, tmp_path: Path) -> None:
    """Whoever adds a raw table that models read says here whether it belongs to extracts or to the rules."""
    sources = yaml.safe_load((REPOSITORY / "models" / "staging" / "sources.yml").read_text(encoding="utf-8"))
    read = {table["name"] for source in sources["sources"] for table in source["tables"]}
    # What the last refresh asked for, and what the tables of this warehouse hold.
    assert {*known_at.OF_EXTRACTS, *known_at.OF_THE_RULES, *known_at.OF_PUBLICATIONS} == read - {
        "build_request",
        "built_extracts",
    }
    home = Home(homes.copied(past.home, tmp_path / "home"))
    with warehouse.connect(home) as connection:
        connection.execute("insert into raw.imported_weights (harm_index, harm_days) values ('cchi_2026', 1)")
        for build, extract in (("then", LANDED_THEN[-1]), ("later", "2026-10-31")):
            connection.execute(
                "insert into raw.published_places (build_id, built_at, list_date, method, newest_extract_id, harm_rank, "
                "offender_key, harm_days) values (?, now()::timestamp, '2026-07-31', 'v100', ?, 1, 'met|p1', 1)",
                [build, extract],
            )
            connection.execute(
                "insert into raw.published_evidence (build_id, offender_key, force, crime_ref, offence_code, status) "
                "values (?, 'met|p1', 'met', 'c1', '019/08', 'named')",
                [build],
            )
    made = Home(tmp_path / "made", elsewhere=tmp_path / "workshop")
    made.create()
    with warehouse.connect(made) as connection:
        known_at.copy(home, connection, LANDED_THEN)
        for table in known_at.OF_EXTRACTS:
            query = f"select * from {{}}.raw.{table} where extract_id <= '{THE_DAY}' order by all"
            connection.execute(f"attach if not exists '{home.warehouse}' as source (read_only)")
            expected = connection.execute(query.format("source")).fetchall()
            assert connection.execute(f"select * from raw.{table} order by all").fetchall() == expected, table
            assert expected or table == "corrections"
        # What was published by the day and what later: places of both are on record, of the first alone they are copied.
        for table in known_at.OF_PUBLICATIONS:
            copied = {build for (build,) in connection.execute(f"select build_id from raw.{table}").fetchall()}
            assert "then" in copied and "later" not in copied, table
        assert connection.execute("select harm_index from raw.imported_weights").fetchall() == [("cchi_2026",)]


def test_an_extract_that_came_after_later_ones_is_named(past: Past, tmp_path: Path) -> None:
    """Then no list was published here from just these extracts, and the reader of the remade one must know."""
    home = Home(homes.copied(past.home, tmp_path / "home"))
    with warehouse.connect(home) as connection:
        assert known_at.out_of_order(connection, date(2026, 7, 31)) == []
        connection.execute(
            "update raw.extracts set landed_at = now()::timestamp + interval 1 day where extract_id = '2026-05-31'"
        )
        assert known_at.out_of_order(connection, date(2026, 7, 31)) == ["2026-05-31"]
        assert known_at.out_of_order(connection, date(2026, 10, 31)) == []


@pytest.mark.thorough
def test_a_failed_gate_publishes_no_past_list(past: Past, harmrank: Command, tmp_path: Path) -> None:
    """Exit 4, and the list that stands stands; what is wrong with a later extract is no matter."""
    home = homes.copied(past.home, tmp_path / "home")
    broken = (
        "update raw.extract_files set rows_read = rows_read + 1, rows_landed = rows_landed + 1 where extract_id = '{}'"
    )
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(broken.format("2026-08-31"))
    homes.refreshed(past.extracts, home, "--known-at", THE_DAY, "--full")
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(broken.format("2026-05-31"))
    done = harmrank("refresh", past.extracts, "--home", home, "--known-at", THE_DAY, "--full")
    assert (done.returncode, "rows_are_conserved" in done.stderr) == (4, True), done.stderr
    assert published_rows(home / "known-at" / THE_DAY) == past.then
    assert published_rows(home) == published_rows(past.home)
    assert os.listdir(home / "scratch") == []
    said = " ".join(harmrank("status", "--home", home / "known-at" / THE_DAY).stdout.split())
    assert "rows_are_conserved" in said
    assert "rows_are_conserved" not in harmrank("status", "--home", home).stdout


@pytest.mark.thorough
@pytest.mark.parametrize("step", ["copying", "publishing"])
def test_killed_at_any_step_nothing_of_it_stays(past: Past, tmp_path: Path, step: str) -> None:
    """No half list, no copy of personal data after the next command, and the home goes on as if nothing had been."""
    home, out = homes.copied(past.home, tmp_path / "home"), tmp_path / "out"
    asked = ("refresh", past.extracts, "--home", home, "--known-at", THE_DAY, "--out", out)
    process = subprocess.Popen(homes.command(*asked), env=homes.ENVIRONMENT, stderr=subprocess.DEVNULL)
    journal = out / "logs" / "last_refresh.json"
    while process.poll() is None and not (journal.exists() and f'"step": "{step}"' in journal.read_text()):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "published" / "current").exists()
    assert published_rows(home) == published_rows(past.home)
    homes.refreshed(past.extracts, home)
    assert homes.leftovers(home) == []
    homes.refreshed(*asked[1:2], home, *asked[4:])
    assert published_rows(out) == past.then
    assert homes.leftovers(home) == []


@pytest.mark.thorough
def test_a_file_that_may_not_grow_is_one_clear_line(past: Past, tmp_path: Path) -> None:
    """Like a full disk: exit 1, and whatever was half made is gone."""
    home = homes.copied(past.home, tmp_path / "home")
    limit = 1_500_000
    done = subprocess.run(
        homes.command("refresh", past.extracts, "--home", home, "--known-at", THE_DAY_BEFORE, "--full"),
        env=homes.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (done.returncode, "ulimit -f" in done.stderr) == (1, True), done.stderr
    assert os.listdir(home / "scratch") == []
    assert published_rows(home) == published_rows(past.home)


@pytest.mark.thorough
def test_it_is_readable_by_its_owner_alone_unless_shared(past: Past, tmp_path: Path) -> None:
    """A past list holds personal data like any other."""
    assert {path.stat().st_mode & 0o077 for path in past.remade.rglob("*") if not path.is_symlink()} == {0}
    assert (past.home / "known-at").stat().st_mode & 0o077 == 0
    home, out = homes.copied(past.home, tmp_path / "home"), tmp_path / "shared"
    homes.refreshed(past.extracts, home, "--known-at", THE_DAY, "--out", out, "--published-mode", "755")
    assert out.stat().st_mode & 0o777 == 0o711
    assert (out / "published" / "current" / "manifest.json").stat().st_mode & 0o777 == 0o644
    assert (out / "logs").stat().st_mode & 0o077 == 0
    assert home.stat().st_mode & 0o077 == 0
