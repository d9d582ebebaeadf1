"""Kills at every kind of step and at random, and readers while lists are published (reliability/kills.py, readers.py)."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY, SMALL_FEED, Command, PublishedHome, write_extract
from reliability import homes, kills, readers

from harmrank.home import journal
from harmrank.home.folder import Home
from harmrank.publishing import current_build, publish
from harmrank.reading import published_mart


def older_builds(home: Path, number: int) -> list[str]:
    """Further builds, older than the one that stands, as publishing leaves them."""
    current = (home / "published" / "current").resolve()
    names = [f"20200101T0000{place:02d}000000Z-00000000" for place in range(number)]
    for name in names:
        shutil.copytree(current, current.with_name(name))
    return names


def one_of_each_kind(steps: list[str]) -> list[int]:
    """Every step that gives or takes a name; of those that only bring files to disk or remove them, first and last."""
    numbers = range(1, len(steps) + 1)
    chosen = {n for n in numbers if steps[n - 1].split()[0] in ("replace", "rename", "symlink")}
    for kind in ("open", "mkdir", "chmod", "fsync", "unlink", "rmdir"):
        of_kind = [n for n in numbers if steps[n - 1].split()[0] == kind]
        chosen |= {of_kind[0], of_kind[-1]}
    return sorted(chosen)


@pytest.mark.thorough
def test_killed_before_any_step_of_publishing_the_next_refresh_ends_the_same(scratch: PublishedHome) -> None:
    """Whatever was done or not: one whole build stands, the same data come out, nothing is left, as many builds are kept."""
    older_builds(scratch.home, 1)
    found = kills.kill_at_steps(scratch.home, scratch.extracts, one_of_each_kind)
    assert found.errors == []
    assert found.kills > 15


@pytest.mark.thorough
def test_killed_at_random_the_next_refresh_ends_the_same(scratch: PublishedHome) -> None:
    """The real command, dbt and all, with a new extract, and a reader who looks all the while."""
    write_extract(scratch.extracts, "2026-07-31", {"crimes": SMALL_FEED["crimes"].replace("c1,", "c3,")})
    found = kills.kill_at_random(scratch.home, scratch.extracts, 5, random.Random(1))
    assert found.errors == []
    assert found.checks > 20


@pytest.mark.thorough
def test_readers_see_whole_builds_and_hold_nobody_up(scratch: PublishedHome) -> None:
    """Four readers over three publications: no error, and no refresh is told that the home is busy."""
    found = readers.read_while_publishing(scratch.home, scratch.extracts, 4, 3, compare=False)
    assert found.errors == []
    assert found.builds >= 2


def test_everything_is_on_disk_before_anything_points_to_it(scratch: PublishedHome, tmp_path: Path) -> None:
    """The order that a power cut respects: each file, its folder, the name, the link; and a build loses its name first."""
    older_builds(scratch.home, 1)
    trace = tmp_path / "trace"
    arguments = ["0", trace, "--without-dbt", "refresh", scratch.extracts, "--home", scratch.home, "--full"]
    assert homes.run(*arguments, "--keep-builds", "1", module="reliability.stopper").returncode == 0
    steps = trace.read_text().splitlines()
    build = os.readlink(scratch.home / "published" / "current")
    named = steps.index(f"rename published/.incoming-{build} -> published/{build}")
    flushed = {step.split("/")[-1] for step in steps[:named] if step.startswith(f"fsync published/.incoming-{build}/")}
    assert flushed == {path.name for path in (scratch.home / "published" / build).iterdir()}
    on_the_build = [step for step in steps[:named] if f"published/.incoming-{build}" in step]
    assert on_the_build[-1] == f"fsync published/.incoming-{build}"
    linked = steps.index("replace published/.current-next -> published/current")
    assert steps[named + 1 : linked] == ["fsync published"]
    assert steps[linked + 1] == "fsync published"
    for number, step in enumerate(steps):
        if step.startswith("rename") and step.split("/")[-1].startswith(".removing"):
            assert steps[number + 1] == "fsync published"


def test_a_build_that_is_read_stays_until_its_reader_has_gone(scratch: PublishedHome) -> None:
    """Retention waits for DuckDB readers of other processes, says so, and passes with the next refresh."""
    home = Home(scratch.home)
    oldest, other = older_builds(scratch.home, 2)
    mart = scratch.home / "published" / oldest / "harm_mart.duckdb"
    hold = "import sys, duckdb; c = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); input()"
    reader = subprocess.Popen(
        [sys.executable, "-c", hold, str(mart)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    reader.stdout.readline()
    assert [oldest in remark and "is being read" in remark for remark in publish.tidy(home, 1)] == [True]
    assert mart.exists()
    reader.communicate("\n")
    assert publish.tidy(home, 1) == []
    assert not mart.parent.exists()
    assert (scratch.home / "published" / other).exists()


def test_asking_whether_a_build_is_read_takes_no_lock_away(scratch: PublishedHome) -> None:
    """POSIX locks go when a process closes any descriptor of the file: this process's own reader must stay protected."""
    (oldest, _) = older_builds(scratch.home, 2)
    mart = scratch.home / "published" / oldest / "harm_mart.duckdb"
    with duckdb.connect(str(mart), read_only=True):
        assert len(publish.tidy(Home(scratch.home), 1)) == 1
        assert len(publish.tidy(Home(scratch.home), 1)) == 1


def test_what_is_no_build_is_left_alone(scratch: PublishedHome) -> None:
    """Retention removes builds, never a folder that somebody else put there."""
    older_builds(scratch.home, 3)
    theirs = scratch.home / "published" / "0000-notes"
    theirs.mkdir()
    publish.tidy(Home(scratch.home), 1)
    assert theirs.exists()
    builds = [path.name for path in theirs.parent.iterdir() if current_build.BUILD_ID.fullmatch(path.name)]
    assert len(builds) == 2, "the current one and one beside it"


def test_a_build_that_never_was_current_is_removed_and_not_counted(scratch: PublishedHome) -> None:
    """Killed between the name and the link: nobody was told of that build, so it is none."""
    home = Home(scratch.home)
    older_builds(scratch.home, 1)
    orphan = "20990101T000000000000Z-00000000"
    shutil.copytree((scratch.home / "published" / "current").resolve(), scratch.home / "published" / orphan)
    (scratch.home / "published" / ".current-next").symlink_to(orphan)
    (scratch.home / "published" / ".removing-20200101T000001000000Z-00000000").mkdir()
    assert publish.tidy(home, 1) == []
    names = {path.name for path in (scratch.home / "published").iterdir()}
    assert names == {"current", os.readlink(home.published / "current"), "20200101T000000000000Z-00000000"}


def test_personal_data_left_by_a_killed_landing_go_with_the_next_command(
    scratch: PublishedHome, harmrank: Command
) -> None:
    """Unpacked extracts and what DuckDB spilled are personal data."""
    left = scratch.home / "scratch" / "landing" / "unpacked_0.csv"
    left.parent.mkdir(parents=True)
    left.write_text("personal")
    (scratch.home / "scratch" / "duckdb_temp_storage_DEFAULT-0.tmp").write_text("personal")
    assert harmrank("refresh", scratch.extracts, "--home", scratch.home).returncode == 0
    assert list((scratch.home / "scratch").iterdir()) == []


def entry_of(home: Path, **facts: object) -> None:
    """Leave a journal as a refresh that is running or has died leaves it."""
    entry = {
        "build_id": "b",
        "requested_at": None,
        "list_date": None,
        "began_at": "2026-07-01T02:00:00Z",
        "process": os.getpid(),
        "step": "building",
        "outcome": journal.RUNNING,
        "details": [],
    }
    (home / "logs" / "last_refresh.json").write_text(json.dumps(entry | facts))


def test_status_tells_a_refresh_that_runs_from_one_that_died(scratch: PublishedHome, harmrank: Command) -> None:
    """The same journal, with and without the lock: what runs is waited for, what died is run again."""
    entry_of(scratch.home)
    dead = " ".join(harmrank("status", "--home", scratch.home).stdout.split())
    assert "did not finish: it was stopped while building; run harmrank refresh again" in dead
    with Home(scratch.home).lock():
        alive = " ".join(harmrank("status", "--home", scratch.home).stdout.split())
    assert f"a refresh is running (process {os.getpid()}, since 2026-07-01T02:00:00Z, step building)" in alive
    assert "did not finish" not in alive


def test_status_tells_what_failed_and_what_to_do(scratch: PublishedHome) -> None:
    """An error is kept with its advice; once its build has been published nothing is wrong any more."""
    entry_of(scratch.home, outcome=journal.FAILED, details=["the disk is full: make room"], step="landing")
    assert "failed while landing: the disk is full: make room" in " ".join(
        published_mart.status(Home(scratch.home))["stale_because"]
    )
    entry_of(scratch.home, build_id=os.readlink(scratch.home / "published" / "current"), step="publishing")
    assert not [line for line in published_mart.status(Home(scratch.home))["stale_because"] if "refresh (since" in line]


def test_a_status_in_the_wrong_moment_is_waited_for(scratch: PublishedHome, harmrank: Command) -> None:
    """Monitoring must not make a refresh fail: who only looks is waited for, who works is not."""
    look = (
        "import sys, time; from pathlib import Path; from harmrank.home.folder import Home\n"
        "with Home(Path(sys.argv[1])).looked_at() as who:\n    print(who, flush=True); time.sleep(1)\n"
    )
    status = subprocess.Popen(
        [sys.executable, "-c", look, str(scratch.home)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert status.stdout is not None
    assert status.stdout.readline().strip() == "None"
    done = harmrank("land", scratch.extracts, "--home", scratch.home)
    assert done.returncode == 0, done.stderr
    status.wait()


def test_the_lock_is_free_once_its_owner_is_done_though_a_child_lives_on(tmp_path: Path) -> None:
    """A forked child shares the lock of its parent; it must not keep the home."""
    home = Home(tmp_path / "home")
    ready, go = os.pipe()
    with home.lock():
        child = os.fork()
        if child == 0:
            os.read(ready, 1)
            os._exit(0)
    try:
        with home.lock():
            pass
    finally:
        os.write(go, b"x")
        os.waitpid(child, 0)


def test_a_killed_land_leaves_its_number_and_no_lock(scratch: PublishedHome, harmrank: Command) -> None:
    """The id of a dead process in the lock file means nothing to the next command, nor to status."""
    hold = (
        "import sys, time; from pathlib import Path; from harmrank.home.folder import Home\n"
        "with Home(Path(sys.argv[1])).lock():\n    print('held', flush=True); time.sleep(120)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", hold, str(scratch.home)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    owner.stdout.readline()
    busy = harmrank("land", scratch.extracts, "--home", scratch.home)
    assert (busy.returncode, f"process {owner.pid}" in busy.stderr) == (5, True)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert Home(scratch.home).lock_path.read_text().strip() == str(owner.pid)
    assert published_mart.status(Home(scratch.home))["at_work"] is None
    assert harmrank("land", scratch.extracts, "--home", scratch.home).returncode == 0
