"""Kills at every kind of step and at random, and readers during publications (reliability/kills.py, readers.py)."""

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
    """Add builds that are older than the current one, as publishing leaves them. Returns their names."""
    current = (home / "published" / "current").resolve()
    names = [f"20200101T0000{place:02d}000000Z-00000000" for place in range(number)]
    for name in names:
        shutil.copytree(current, current.with_name(name))
    return names


def some_of_each_kind(steps: list[str]) -> list[int]:
    """Returns every step that renames something; of steps that write or remove files, the first and the last."""
    numbers = range(1, len(steps) + 1)
    chosen = {n for n in numbers if steps[n - 1].split()[0] in ("replace", "rename", "symlink")}
    for kind in ("open", "mkdir", "chmod", "fsync", "unlink", "rmdir"):
        of_kind = [n for n in numbers if steps[n - 1].split()[0] == kind]
        chosen |= {of_kind[0], of_kind[-1]}
    return sorted(chosen)


@pytest.mark.thorough
def test_after_a_kill_before_any_step_the_next_refresh_has_the_same_result(scratch: PublishedHome) -> None:
    """After any of these steps: one whole build is current, the data are the same, nothing is left over, no build is lost."""
    older_builds(scratch.home, 1)
    found = kills.kill_at_steps(scratch.home, scratch.extracts, some_of_each_kind)
    assert found.errors == []
    assert found.kills > 15


@pytest.mark.thorough
def test_after_a_kill_at_random_the_next_refresh_has_the_same_result(scratch: PublishedHome) -> None:
    """The real command with dbt and a new extract, while a reader reads."""
    write_extract(scratch.extracts, "2026-07-31", {"crimes": SMALL_FEED["crimes"].replace("c1,", "c3,")})
    found = kills.kill_at_random(scratch.home, scratch.extracts, 5, random.Random(1))
    assert found.errors == []
    assert found.checks > 20


@pytest.mark.thorough
def test_readers_see_whole_builds_and_block_no_refresh(scratch: PublishedHome) -> None:
    """Four readers during three publications: no reader fails, and no refresh finds the home busy."""
    found = readers.read_while_publishing(scratch.home, scratch.extracts, 4, 3, compare=False)
    assert found.errors == []
    assert found.builds >= 2


def test_everything_is_on_disk_before_anything_points_to_it(scratch: PublishedHome, tmp_path: Path) -> None:
    """The order that survives a power cut: each file, its folder, the name, the link. A build to remove loses its name first."""
    older_builds(scratch.home, 1)
    trace = tmp_path / "trace"
    arguments = ["0", trace, "--without-dbt", "refresh", scratch.extracts, "--home", scratch.home, "--full"]
    assert homes.run(*arguments, "--keep-builds", "1", module="reliability.stopper").returncode == 0
    steps = trace.read_text().splitlines()
    build = os.readlink(scratch.home / "published" / "current")
    named = steps.index(f"rename published/.incoming-{build} -> published/{build}")
    flushed = {step.split("/")[-1] for step in steps[:named] if step.startswith(f"fsync published/.incoming-{build}/")}
    assert flushed == {path.name for path in (scratch.home / "published" / build).rglob("*")} | {".manifest.json.new"}
    on_the_build = [step for step in steps[:named] if f"published/.incoming-{build}" in step]
    assert on_the_build[-1] == f"fsync published/.incoming-{build}"
    linked = steps.index("replace published/.current-next -> published/current")
    assert steps[named + 1 : linked] == ["fsync published"]
    assert steps[linked + 1] == "fsync published"
    for number, step in enumerate(steps):
        if step.startswith("rename") and step.split("/")[-1].startswith(".removing"):
            assert steps[number + 1] == "fsync published"


def test_a_build_with_a_reader_stays_until_its_reader_has_gone(scratch: PublishedHome) -> None:
    """Retention keeps a build that another process reads, says so, and removes it in the next refresh."""
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


def test_checking_for_readers_releases_no_lock(scratch: PublishedHome) -> None:
    """A process loses its POSIX locks when it closes any descriptor of the file: its own reader must keep them."""
    (oldest, _) = older_builds(scratch.home, 2)
    mart = scratch.home / "published" / oldest / "harm_mart.duckdb"
    with duckdb.connect(str(mart), read_only=True):
        assert len(publish.tidy(Home(scratch.home), 1)) == 1
        assert len(publish.tidy(Home(scratch.home), 1)) == 1


def test_retention_leaves_other_folders_alone(scratch: PublishedHome) -> None:
    """Retention removes only builds, never a folder that somebody else put there."""
    older_builds(scratch.home, 3)
    theirs = scratch.home / "published" / "0000-notes"
    theirs.mkdir()
    publish.tidy(Home(scratch.home), 1)
    assert theirs.exists()
    builds = [path.name for path in theirs.parent.iterdir() if current_build.BUILD_ID.fullmatch(path.name)]
    assert len(builds) == 2, "the current one and one beside it"


def test_a_build_that_was_never_current_is_removed_and_not_counted(scratch: PublishedHome) -> None:
    """Killed between the rename and the link: nobody has seen that build, so it does not count."""
    home = Home(scratch.home)
    older_builds(scratch.home, 1)
    orphan = "20990101T000000000000Z-00000000"
    shutil.copytree((scratch.home / "published" / "current").resolve(), scratch.home / "published" / orphan)
    (scratch.home / "published" / ".current-next").symlink_to(orphan)
    (scratch.home / "published" / ".removing-20200101T000001000000Z-00000000").mkdir()
    assert publish.tidy(home, 1) == []
    names = {path.name for path in (scratch.home / "published").iterdir()}
    assert names == {"current", os.readlink(home.published / "current"), "20200101T000000000000Z-00000000"}


def test_the_next_command_removes_personal_data_that_a_killed_landing_left(
    scratch: PublishedHome, harmrank: Command
) -> None:
    """Unpacked extracts and DuckDB's spill files are personal data."""
    left = scratch.home / "scratch" / "landing" / "unpacked_0.csv"
    left.parent.mkdir(parents=True)
    left.write_text("personal")
    (scratch.home / "scratch" / "duckdb_temp_storage_DEFAULT-0.tmp").write_text("personal")
    assert harmrank("refresh", scratch.extracts, "--home", scratch.home).returncode == 0
    assert list((scratch.home / "scratch").iterdir()) == []


def write_journal(home: Path, **facts: object) -> None:
    """Write a journal as a running or killed refresh leaves it."""
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


def test_status_distinguishes_a_running_refresh_from_a_dead_one(scratch: PublishedHome, harmrank: Command) -> None:
    """The same journal with and without the lock: a running refresh is shown as running, a dead one as to be run again."""
    write_journal(scratch.home)
    dead = " ".join(harmrank("status", "--home", scratch.home).stdout.split())
    assert "did not finish: it was stopped while building; run harmrank refresh again" in dead
    with Home(scratch.home).lock():
        alive = " ".join(harmrank("status", "--home", scratch.home).stdout.split())
    assert f"a refresh is running (process {os.getpid()}, since 2026-07-01T02:00:00Z, step building)" in alive
    assert "did not finish" not in alive


def test_status_says_what_failed_and_what_to_do(scratch: PublishedHome) -> None:
    """The journal keeps an error with its advice until its build is published."""
    write_journal(scratch.home, outcome=journal.FAILED, details=["the disk is full: make room"], step="landing")
    assert "failed while landing: the disk is full: make room" in " ".join(
        published_mart.status(Home(scratch.home))["stale_because"]
    )
    write_journal(scratch.home, build_id=os.readlink(scratch.home / "published" / "current"), step="publishing")
    assert not [line for line in published_mart.status(Home(scratch.home))["stale_because"] if "refresh (since" in line]


def test_a_command_waits_for_a_status_at_the_same_moment(scratch: PublishedHome, harmrank: Command) -> None:
    """Monitoring must not make a refresh fail: a command waits for `status`, but not for another refresh."""
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


def test_the_lock_is_free_after_its_owner_although_a_child_lives_on(tmp_path: Path) -> None:
    """A forked child shares its parent's lock, but must not keep the home locked."""
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
    """The next command and `status` ignore the id of a dead process in the lock file."""
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
