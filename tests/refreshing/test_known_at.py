"""A past list as it was known: the same rows as then, in a home of its own, although later extracts changed the past."""

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
EXTRACTS_THEN = ["2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"]


def early_extracts(extracts: Path, to: Path, until: str) -> Path:
    """Copy only the extracts up to a day. Returns their folder."""
    for folder in extracts.iterdir():
        if folder.name[:10] <= until:
            shutil.copytree(folder, to / folder.name)
    return to


def published_rows(home: Path) -> dict[str, Any]:
    """Returns every published table, without the build's own id and dates."""
    tables = homes.data(home)
    info = (home / "published" / "current").resolve() / "build_info.parquet"
    with duckdb.connect() as connection:
        own = "build_id, built_at, known_at"
        tables["build_info"] = connection.execute(f"select * exclude ({own}) from '{info}'").fetchall()
    return tables


def manifest(home: Path) -> dict[str, Any]:
    """Returns the manifest of the current build."""
    said: dict[str, Any] = json.loads((home / "published" / "current" / "manifest.json").read_text(encoding="utf-8"))
    return said


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Returns the rows of a DuckDB file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def write(folder: Path, table: str, header: str, *lines: str) -> None:
    """Write one file of an extract."""
    folder.mkdir(exist_ok=True)
    (folder / f"{table}.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")


def change_the_past(folder: Path, mart: Path) -> None:
    """Write an extract of October that changes July's list in every way a source system can."""
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
    """A home refreshed in July and in October: what it published in July, and that list rebuilt."""

    extracts: Path
    home: Path
    then: dict[str, Any]
    said_then: dict[str, Any]
    mart_then: Path
    rebuilt: Path
    said: str


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Four extracts and a list, three more and a list, then the first list rebuilt."""
    root = tmp_path_factory.mktemp("past")
    feed, extracts, home = root / "feed", root / "extracts", root / "home"
    write_sample(feed, crimes=3000, months=7, seed=5, report=lambda _: None)
    early_extracts(feed, extracts, THE_DAY)
    # A quarantined row, which a later extract clears, and rows in each of the other tables.
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


@pytest.mark.thorough
def test_a_past_list_is_rebuilt_exactly(past: Past) -> None:
    """Every mart has its old rows, although three later extracts changed the past."""
    assert published_rows(past.rebuilt) == past.then
    said = manifest(past.rebuilt)
    for fact in ("list_date", "method", "extracts", "code_version", "harm_index"):
        assert said[fact] == past.said_then[fact]
    assert (said["known_at"], past.said_then["known_at"]) == (THE_DAY, None)
    assert rows(
        past.rebuilt / "published" / "current" / "harm_mart.duckdb", "select known_at from mart.build_info"
    ) == [(date(2026, 7, 31),)]
    assert f"the list for {THE_DAY} as known on {THE_DAY}" in past.said


@pytest.mark.thorough
def test_later_extracts_did_change_it(past: Past) -> None:
    """Without this the test above shows nothing: as known today, the list of that day differs in all its parts."""
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
def test_a_home_set_up_later_gives_the_same_list(past: Past, tmp_path: Path) -> None:
    """The dates of the extracts decide, so another home gives the same list: from the early extracts, or from all."""
    early = early_extracts(past.extracts, tmp_path / "early", THE_DAY)
    homes.refreshed(early, tmp_path / "fresh", "--max-bad-share", "1")
    assert published_rows(tmp_path / "fresh") == past.then
    asked = ("--known-at", THE_DAY, "--out", tmp_path / "out", "--max-bad-share", "1")
    homes.refreshed(past.extracts, tmp_path / "other", *asked)
    assert published_rows(tmp_path / "out") == past.then
    assert not (tmp_path / "other" / "published" / "current").exists()
    landed = rows(tmp_path / "other" / "warehouse.duckdb", "select max(extract_id) from raw.extracts")
    assert landed == [(THE_DAY,)], "a question about July lands nothing of August"


@pytest.mark.thorough
def test_the_published_list_and_its_tables_do_not_change(past: Past, tmp_path: Path) -> None:
    """Readers of `current` never see a past list, and the next refresh still builds only changes."""
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
    assert "building and testing the changed part of the list" in done.stderr
    homes.refreshed(extracts, never)
    assert increments.differences(home, never, increments.Findings()) == []
    assert published_rows(home) == published_rows(never)


@pytest.mark.thorough
def test_an_extract_does_not_count_the_day_before(past: Past, tmp_path: Path) -> None:
    """An extract counts from its day on; list date and method work as in any refresh."""
    asked = ("--list-date", "2026-05-31", "--method", "v100_count")
    homes.refreshed(past.extracts, past.home, "--known-at", THE_DAY_BEFORE, *asked)
    rebuilt = past.home / "known-at" / THE_DAY_BEFORE
    assert manifest(rebuilt)["extracts"] == EXTRACTS_THEN[:3]
    assert (manifest(rebuilt)["list_date"], manifest(rebuilt)["method"]) == ("2026-05-31", "v100_count")
    early = early_extracts(past.extracts, tmp_path / "early", THE_DAY_BEFORE)
    homes.refreshed(early, tmp_path / "fresh", *asked)
    assert published_rows(rebuilt) == published_rows(tmp_path / "fresh")


@pytest.mark.thorough
def test_a_day_before_all_extracts_is_wrong_use(past: Past, harmrank: Command) -> None:
    """Nothing was known then: the message names the first day, and no empty list is published."""
    done = harmrank("refresh", past.extracts, "--home", past.home, "--known-at", BEFORE_ALL)
    assert (done.returncode, f"nothing was known on {BEFORE_ALL}" in done.stderr) == (2, True)
    assert "the first extract was taken on 2026-04-30" in done.stderr
    assert not (past.home / "known-at" / BEFORE_ALL).exists()


@pytest.mark.thorough
def test_a_day_that_is_not_over_gives_a_warning(past: Past, harmrank: Command, tmp_path: Path) -> None:
    """Everything counts: it is today's list, with the warning that it may change."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    out = tmp_path / "out"
    done = harmrank("refresh", past.extracts, "--home", past.home, "--known-at", tomorrow, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert f"{tomorrow} is not over" in done.stderr
    assert json.loads(done.stdout)["known_at"] == tomorrow
    assert json.loads(done.stdout)["home"] == str(out)
    assert published_rows(out) == published_rows(past.home)
    assert any("is not over" in warning for warning in manifest(out)["warnings"])


@pytest.mark.thorough
def test_it_is_readable_like_any_list_and_never_refreshed(past: Past, harmrank: Command) -> None:
    """`top`, `explain` and `status` say as of which day it is; commands that would change it are refused."""
    key = rows(past.mart_then, "select offender_key from mart.top_100 where harm_rank = 1")[0][0]
    for command in (("top",), ("explain", key)):
        done = harmrank(*command, "--home", past.rebuilt)
        assert done.returncode == 0, done.stderr
        assert "as it was known on 31 July 2026" in " ".join(done.stdout.split())
    status = json.loads(harmrank("status", "--home", past.rebuilt, "--verify", "--json").stdout)
    assert status["stale_because"] == status["damaged"] == []
    assert status["remade"] == {"known_at": THE_DAY, "home": str(past.home)}
    assert "Known at" in harmrank("status", "--home", past.rebuilt).stdout
    of_the_home = harmrank("status", "--home", past.home).stdout
    assert "Known at" not in of_the_home
    assert f"{THE_DAY}: past lists" in " ".join(of_the_home.split())
    before = sorted(past.rebuilt.rglob("*"))
    for command in (("refresh", past.extracts), ("land", past.extracts), ("check",), ("quarantine",)):
        done = harmrank(*command, "--home", past.rebuilt)
        said = " ".join(done.stderr.split())
        assert (done.returncode, f"name {past.home}, the home with the extracts" in said) == (2, True), command
    assert sorted(past.rebuilt.rglob("*")) == before
    again = harmrank("refresh", past.extracts, "--home", past.home, "--known-at", THE_DAY)
    assert (again.returncode, "nothing new" in again.stderr) == (0, True)


@pytest.mark.thorough
def test_a_damaged_one_says_how_to_rebuild_it(past: Past, harmrank: Command, tmp_path: Path) -> None:
    """The advice names the original home: a refresh of its own folder would turn it into a normal home."""
    home = homes.copied(past.home, tmp_path / "home")
    rebuilt = home / "known-at" / THE_DAY
    # The copy is in another place.
    (rebuilt / "known_at.json").write_text(json.dumps({"known_at": THE_DAY, "home": str(home)}), encoding="utf-8")
    (rebuilt / "published" / "current" / "top_100.parquet").write_bytes(b"")
    (damaged,) = json.loads(harmrank("status", "--home", rebuilt, "--json").stdout)["damaged"]
    assert f"harmrank refresh EXTRACTS --home {home} --known-at {THE_DAY} --full" in damaged
    homes.refreshed(past.extracts, home, "--known-at", THE_DAY)
    assert published_rows(rebuilt) == past.then


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("home", "is in the home"),
        ("home/published", "is in the home"),
        ("extracts/past", "is in the folder of extracts"),
        ("another_home", "is a home or has other content"),
        ("full", "is a home or has other content"),
        ("of_another_day", "the list as it was known on 2026-01-31"),
        ("full/file", "is not a folder"),
    ],
)
def test_no_folder_with_other_content_is_written_to(tmp_path: Path, out: str, said: str) -> None:
    """A wrong folder must never put a past list where readers expect another one."""
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


@pytest.mark.thorough
def test_a_folder_with_a_partial_first_file_can_be_used(past: Past, tmp_path: Path) -> None:
    """A kill while known_at.json is written leaves a partial file; that day can still be rebuilt."""
    home = Home(homes.copied(past.home, tmp_path / "home"))
    folder = home.known_lists / THE_DAY
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".known_at.json.new").write_text("{", encoding="utf-8")
    assert known_at.place(home, date.fromisoformat(THE_DAY), None, past.extracts).root == folder


@pytest.mark.thorough
def test_no_past_list_goes_into_another_home(past: Past, tmp_path: Path) -> None:
    """Neither a folder inside another home nor one with another home's list of the same day is accepted."""
    home, other = (Home(homes.copied(past.home, tmp_path / name)) for name in ("home", "other"))
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "known_at.json").write_text(json.dumps({"known_at": THE_DAY, "home": str(other.root)}))
    for out in (other.root / "inside", other.known_lists / THE_DAY, tmp_path / "made"):
        with pytest.raises(UsageError):
            known_at.place(home, date.fromisoformat(THE_DAY), out, past.extracts)


def test_out_without_known_at_is_wrong_use(published: PublishedHome, harmrank: Command, tmp_path: Path) -> None:
    """A refresh publishes in its home: --out without a day is wrong use."""
    done = harmrank("refresh", published.extracts, "--home", published.home, "--out", tmp_path / "out")
    assert (done.returncode, "--known-at" in done.stderr) == (2, True)
    done = harmrank("refresh", published.extracts, "--home", published.home, "--known-at", "30 April")
    assert done.returncode == 2


@pytest.mark.thorough
def test_every_raw_table_is_copied_by_its_kind(past: Past, tmp_path: Path) -> None:
    """Each raw table that models read is named as one of the extracts, the rules or the publications."""
    sources = yaml.safe_load((REPOSITORY / "models" / "staging" / "sources.yml").read_text(encoding="utf-8"))
    read = {table["name"] for source in sources["sources"] for table in source["tables"]}
    # Two describe this warehouse, not the data; the warnings of a list read the forces.
    assert {*known_at.OF_EXTRACTS, *known_at.OF_THE_RULES, *known_at.OF_PUBLICATIONS} == read - {
        "build_request",
        "built_extracts",
    } | {"extract_forces"}
    home = Home(homes.copied(past.home, tmp_path / "home"))
    with warehouse.connect(home) as connection:
        connection.execute("insert into raw.imported_weights (harm_index, harm_days) values ('cchi_2026', 1)")
        for build, extract in (("then", EXTRACTS_THEN[-1]), ("later", "2026-10-31")):
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
    made = Home(tmp_path / "made", elsewhere=tmp_path / "work")
    made.create()
    with warehouse.connect(made) as connection:
        known_at.copy(home, connection, EXTRACTS_THEN)
        for table in known_at.OF_EXTRACTS:
            query = f"select * from {{}}.raw.{table} where extract_id <= '{THE_DAY}' order by all"
            connection.execute(f"attach if not exists '{home.warehouse}' as source (read_only)")
            expected = connection.execute(query.format("source")).fetchall()
            assert connection.execute(f"select * from raw.{table} order by all").fetchall() == expected, table
            assert expected or table == "corrections"
        # Both an earlier and a later publication are on record; only the earlier one is copied.
        for table in known_at.OF_PUBLICATIONS:
            copied = {build for (build,) in connection.execute(f"select build_id from raw.{table}").fetchall()}
            assert "then" in copied and "later" not in copied, table
        assert connection.execute("select harm_index from raw.imported_weights").fetchall() == [("cchi_2026",)]


@pytest.mark.thorough
def test_an_extract_that_landed_after_later_ones_is_named(past: Past, tmp_path: Path) -> None:
    """Then no list was published here from exactly these extracts; readers of the rebuilt list must know."""
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
    """Exit code 4, and the current list stays; an error in a later extract does not matter."""
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
def test_a_kill_at_any_step_leaves_nothing(past: Past, tmp_path: Path, step: str) -> None:
    """No partial list, no copy of personal data after the next command, and the home works as before."""
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
    """Like a full disk: exit code 1, and nothing unfinished is left."""
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
def test_only_its_owner_can_read_it_unless_shared(past: Past, tmp_path: Path) -> None:
    """A past list has personal data like any other."""
    assert {path.stat().st_mode & 0o077 for path in past.rebuilt.rglob("*") if not path.is_symlink()} == {0}
    assert (past.home / "known-at").stat().st_mode & 0o077 == 0
    home, out = homes.copied(past.home, tmp_path / "home"), tmp_path / "shared"
    homes.refreshed(past.extracts, home, "--known-at", THE_DAY, "--out", out, "--published-mode", "755")
    assert out.stat().st_mode & 0o777 == 0o711
    assert (out / "published" / "current" / "manifest.json").stat().st_mode & 0o777 == 0o644
    assert (out / "logs").stat().st_mode & 0o077 == 0
    assert home.stat().st_mode & 0o077 == 0
