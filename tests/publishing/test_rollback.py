"""A list that must not replace the last one waits; an earlier build is made current again on purpose and stays so."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Command, PublishedHome, write_extract
from reliability import homes

from harmrank.home import journal
from harmrank.home.folder import Home
from harmrank.publishing import current_build, publish

LATER = "2026-07-31"


def current(home: Path) -> str:
    """Returns the build that `current` points to."""
    return os.readlink(home / "published" / "current")


def states(home: Path) -> list[str]:
    """Returns the states of the kept builds, oldest first."""
    return [build.state for build in current_build.builds(Home(home))]


def together(said: str) -> str:
    """Returns a text without its line breaks and spaces: a terminal wraps long paths."""
    return "".join(said.split())


def manifest_of(home: Path, build_id: str) -> dict[str, Any]:
    """Returns the manifest of a kept build."""
    loaded: dict[str, Any] = json.loads((home / "published" / build_id / "manifest.json").read_text())
    return loaded


def add_extract(home: PublishedHome, day: str = LATER) -> None:
    """Adds an extract of one crime."""
    crimes = f"force,crime_ref,offence_code,reported_on,updated_at\nmet,c{day},46,{day},{day}T09:00:00\n"
    write_extract(home.extracts, day, {"crimes": crimes})


def empty_the_list(home: Path) -> None:
    """Makes the next build one of an empty list: the stand-in for dbt publishes what the warehouse holds."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for table in ("top_100", "top_100_evidence", "offender_harm", "method_lists"):
            connection.execute(f"delete from mart.{table}")


def test_an_empty_list_waits_until_it_is_accepted(scratch: PublishedHome, without_dbt: Command) -> None:
    """Exit code 4 with the reason and the command, again and again; the command publishes the same build, on record."""
    before, refresh = current(scratch.home), ("refresh", scratch.extracts, "--home", scratch.home)
    add_extract(scratch)
    empty_the_list(scratch.home)
    first = without_dbt(*refresh, "--json")
    waiting = current_build.waiting(Home(scratch.home))
    assert waiting is not None
    assert (first.returncode, current(scratch.home), states(scratch.home)) == (4, before, ["current", "waiting"])
    assert json.loads(first.stdout)["waiting"]["build_id"] == waiting.build_id
    command = f"harmrank refresh {scratch.extracts} --home {scratch.home} --accept-list"
    again = without_dbt(*refresh)
    assert again.returncode == 4 and "nothing new" not in again.stderr
    assert current_build.waiting(Home(scratch.home)) == waiting, "it is not built again"
    status = without_dbt("status", "--home", scratch.home)
    monitor = without_dbt("status", "--home", scratch.home, "--max-age", "26h")
    builds = without_dbt("builds", "--home", scratch.home)
    for said in (first.stderr, again.stderr, status.stdout, monitor.stdout, builds.stdout):
        assert "Thelisthasatleastoneplace:nottrue" in together(said) and together(command) in together(said)
    assert len(waiting.manifest["withheld"]["because"]) == 1, "of one person, the one who left is only a warning"
    assert "not true for 1 of 1 row (at most 50% allowed)" in " ".join(waiting.manifest["warnings"])
    assert monitor.returncode == 1
    refused = without_dbt("rollback", waiting.build_id, "--home", scratch.home)
    assert (refused.returncode, "was never published" in refused.stderr) == (2, True)
    done = without_dbt(*refresh, "--accept-list")
    assert (done.returncode, current(scratch.home)) == (0, waiting.build_id), done.stderr
    accepted = manifest_of(scratch.home, waiting.build_id)
    assert "withheld" not in accepted and set(accepted["accepted"]) <= set(accepted["warnings"])
    assert homes.check(scratch.home) == waiting.build_id
    log = (scratch.home / "logs" / "refresh.jsonl").read_text()
    assert "published on purpose (--accept-list)" in log and '"outcome": "withheld"' in log
    entry = journal.read(Home(scratch.home))
    assert entry and (entry["outcome"], entry["build_id"]) == (journal.PUBLISHED, waiting.build_id)
    assert without_dbt(*refresh).returncode == 0 and without_dbt(*refresh, "--accept-list").returncode == 0
    assert homes.leftovers(scratch.home) == []


def test_a_first_list_may_wait_too(scratch: PublishedHome, without_dbt: Command) -> None:
    """An empty first list publishes nothing: readers see the reason, not the advice to refresh."""
    publish._remove((scratch.home / "published" / "current").resolve())
    (scratch.home / "published" / "current").unlink()
    empty_the_list(scratch.home)
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home)
    assert (done.returncode, states(scratch.home)) == (4, ["waiting"]), done.stderr
    top = without_dbt("top", "--home", scratch.home)
    assert top.returncode == 2 and "--accept-list" in top.stderr
    assert without_dbt("refresh", scratch.extracts, "--home", scratch.home, "--accept-list").returncode == 0
    assert states(scratch.home) == ["current"]


def test_a_corrected_first_list_is_published(scratch: PublishedHome, without_dbt: Command) -> None:
    """The first list was empty and waits; nothing has been published that the next one could replace."""
    (scratch.home / "published" / "current").unlink()
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        tables = ("top_100", "top_100_evidence", "offender_harm", "method_lists")
        for table in tables:
            connection.execute(f"create table main.{table} as from mart.{table}")
    empty_the_list(scratch.home)
    assert without_dbt("refresh", scratch.extracts, "--home", scratch.home).returncode == 4
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        for table in tables:
            connection.execute(f"insert into mart.{table} from main.{table}; drop table main.{table}")
    add_extract(scratch)
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home)
    assert (done.returncode, states(scratch.home)[-1]) == (0, "current"), done.stderr


def test_a_list_date_after_the_newest_extract_waits(scratch: PublishedHome, without_dbt: Command) -> None:
    """The day of the newest extract passes and the day after waits; a past list replaces no other and does not wait."""
    refresh, before = ("refresh", scratch.extracts, "--home", scratch.home), current(scratch.home)
    late = without_dbt(*refresh, "--list-date", "2026-07-01")
    assert (late.returncode, current(scratch.home)) == (4, before)
    assert "the list date 2026-07-01 is later than the newest extract (2026-06-30)" in late.stderr
    assert f"--home {scratch.home} --list-date 2026-07-01 --accept-list" in late.stderr
    ordinary = without_dbt(*refresh)
    assert (ordinary.returncode, "2026-07-01" in ordinary.stderr) == (4, True), "it still waits for an answer"
    dropped = without_dbt("rollback", before, "--home", scratch.home)
    assert (dropped.returncode, "which waited, was dropped" in dropped.stderr) == (0, True), dropped.stderr
    assert (without_dbt(*refresh).returncode, states(scratch.home)) == (0, ["current"])
    earlier = without_dbt(*refresh, "--list-date", "2026-06-30")
    assert earlier.returncode == 0, earlier.stderr
    past = without_dbt(*refresh, "--known-at", "2026-06-30", "--list-date", "2026-07-01")
    assert past.returncode != 4, past.stderr


@pytest.mark.parametrize(("ahead", "waits"), [(1, False), (2, True)])
def test_tomorrow_is_not_the_future(scratch: PublishedHome, without_dbt: Command, ahead: int, waits: bool) -> None:
    """East of Greenwich, tomorrow has begun: an extract of tomorrow's date is no fault, one of the day after is."""
    add_extract(scratch, f"{datetime.now(UTC).date() + timedelta(days=ahead)}")
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home)
    assert (done.returncode, "is in the future" in done.stderr) == ((4, True) if waits else (0, False)), done.stderr


def test_a_rolled_back_list_stays_until_new_extracts_come(scratch: PublishedHome, without_dbt: Command) -> None:
    """Nothing new does not return to the build that was taken back; a new extract publishes again and says what it replaces."""
    home, refresh = Home(scratch.home), ("refresh", scratch.extracts, "--home", scratch.home, "--keep-builds", "1")
    first = current(scratch.home)
    add_extract(scratch)
    assert without_dbt(*refresh).returncode == 0
    second = current(scratch.home)
    (home.published / first / "top_100.parquet").rename(scratch.home / "kept.parquet")
    damaged = without_dbt("rollback", first, "--home", scratch.home)
    assert (damaged.returncode, "top_100.parquet is missing" in damaged.stderr) == (1, True)
    (home.published / first / "top_100.parquet").write_bytes(bytes((scratch.home / "kept.parquet").stat().st_size))
    damaged = without_dbt("rollback", first, "--home", scratch.home)
    assert (damaged.returncode, "its SHA-256 has changed" in damaged.stderr) == (1, True)
    assert current(scratch.home) == second
    (scratch.home / "kept.parquet").replace(home.published / first / "top_100.parquet")
    unknown = without_dbt("rollback", f"../{first}", "--home", scratch.home)
    assert (unknown.returncode, "harmrank builds" in unknown.stderr) == (2, True)

    done = without_dbt("rollback", first, "--home", scratch.home)
    assert (done.returncode, homes.check(scratch.home)) == (0, first), done.stderr
    assert "PostgreSQL still holds the other build" in done.stderr
    assert json.loads((scratch.home / "logs" / "refresh.jsonl").read_text().splitlines()[-1]) | {
        "step": "rollback",
        "outcome": "rolled back",
        "build_id": first,
        "instead_of": second,
    } == json.loads((scratch.home / "logs" / "refresh.jsonl").read_text().splitlines()[-1])
    entry = journal.read(home)
    assert entry and (entry["outcome"], entry["build_id"]) == (journal.ROLLED_BACK, first)

    nothing_new = without_dbt(*refresh)
    assert (nothing_new.returncode, current(scratch.home)) == (0, first)
    assert f"build {second}) was rolled back to build {first} at " in nothing_new.stderr
    assert "nothing new: the published list for 2026-06-30 is current" in nothing_new.stderr
    assert states(scratch.home) == ["current", "rolled back"], "--keep-builds removes neither"
    status = together(without_dbt("status", "--home", scratch.home).stdout)
    assert f"Rolledbackfrombuild{second}(listdate{LATER})on{datetime.now(UTC):%Y-}" in status

    add_extract(scratch, "2026-08-31")
    published = without_dbt(*refresh)
    assert published.returncode == 0 and f"instead of build {second}" in published.stderr
    assert current(scratch.home) not in (first, second)
    listed = json.loads(without_dbt("builds", "--home", scratch.home, "--json").stdout)
    assert [(build["build_id"], build["state"]) for build in listed] == [
        (current(scratch.home), "current"),
        (first, "earlier"),
    ], "of the two earlier builds, the one that had been taken back was removed"
    assert "Rolled back" not in without_dbt("status", "--home", scratch.home).stdout


def test_a_rollback_can_be_undone(scratch: PublishedHome, without_dbt: Command) -> None:
    """Going forward again leaves no trace in the status, and nothing new is nothing new."""
    first = current(scratch.home)
    add_extract(scratch)
    assert without_dbt("refresh", scratch.extracts, "--home", scratch.home).returncode == 0
    second = current(scratch.home)
    for target in (first, first, second):
        assert without_dbt("rollback", target, "--home", scratch.home).returncode == 0
    assert (homes.check(scratch.home), states(scratch.home)) == (second, ["earlier", "current"])
    again = without_dbt("refresh", scratch.extracts, "--home", scratch.home)
    assert (again.returncode, "was rolled back" in again.stderr) == (0, False)
    with Home(scratch.home).lock():
        assert without_dbt("rollback", first, "--home", scratch.home).returncode == 5


def a_build(home: Home, day: str, list_date: str, **facts: Any) -> str:
    """Writes a build of no tables, and returns its id."""
    build_id = f"202601{day}T000000000000Z-00000000"
    folder = home.published / build_id
    (folder / "operational").mkdir(parents=True)
    (folder / "harm_mart.duckdb").write_text("")
    manifest = {"build_id": build_id, "built_at": "", "list_date": list_date, "method": "v100", "extracts": ["x"]}
    manifest |= {
        "warnings": [],
        "duckdb_file": {"file": "harm_mart.duckdb", "bytes": 0},
        "tables": {"top_100": {"rows": 0, "file": "top_100.parquet", "bytes": 0}},
        **facts,
    }
    (folder / "top_100.parquet").write_text("")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return build_id


def killed_before(step: int, work: Callable[[], object]) -> bool:
    """Does the work in a process that is killed before its `step`-th change on disk; returns whether it was."""
    child = os.fork()
    if child == 0:
        made: list[str] = []
        for name in ("replace", "rename", "symlink", "unlink", "fsync", "chmod"):
            real = getattr(os, name)

            def dying(*arguments: Any, real: Any = real, **named: Any) -> Any:
                made.append("")
                if len(made) == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            setattr(os, name, dying)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("what", ["rollback", "accept"])
def test_a_kill_between_steps_leaves_one_whole_list(tmp_path: Path, what: str) -> None:
    """Killed before each change on disk in turn: one of two whole lists is current, no published list is lost, and after
    tidying it works again."""
    for step in range(1, 100):
        home = Home(tmp_path / str(step))
        first = a_build(home, "01", "2026-05-31")
        waits = {"withheld": {"because": ["few"], "accept_with": ""}} if what == "accept" else {}
        second = a_build(home, "02", "2026-06-30", **waits)
        (home.published / "current").symlink_to(first if waits else second)
        builds = {build.build_id: build for build in current_build.builds(home)}

        def work(home: Home = home, builds: dict[str, Any] = builds, ids: tuple[str, str] = (first, second)) -> None:
            if what == "accept":
                publish.accept(home, builds[ids[1]])
            else:
                publish.roll_back(home, builds[ids[0]])

        killed = killed_before(step, work)
        publish.tidy(home)
        assert current_build.faults(home) == [] and current(home.root) in (first, second)
        left = {build.build_id: build for build in current_build.builds(home)}
        assert set(left) == {first, second} or (what == "accept" and killed and set(left) == {first})
        assert [path.name for path in home.published.glob(".*")] == []
        if what == "rollback":
            publish.roll_back(home, left[first])
            assert current(home.root) == first
        if not killed:
            break
    assert 5 < step < 99 and current(home.root) == (first if what == "rollback" else second)


@pytest.mark.parametrize(
    ("list_date", "method", "found"),
    [
        ("2026-06-30", "v100", "03"),
        ("2026-07-31", "v100", "03"),
        ("2026-08-14", "v100", "03"),
        ("2026-08-15", "v100", None),
        ("2026-01-31", "v100", "05"),
        ("2025-12-17", "v100", "05"),
        ("2025-12-16", "v100", None),
        ("2026-06-30", "v100_count", "04"),
    ],
)
def test_a_list_is_compared_with_the_nearest_published_one(
    tmp_path: Path, list_date: str, method: str, found: str | None
) -> None:
    """By list date and method, at most 45 days apart: not with a damaged list, one taken back, or one that waits."""
    home = Home(tmp_path)
    a_build(home, "01", "2026-05-31")
    a_build(home, "02", "2026-06-30", duckdb_file={"file": "harm_mart.duckdb", "bytes": 7})
    a_build(home, "03", "2026-06-30")
    a_build(home, "04", "2026-06-30", method="v100_count")
    now = a_build(home, "05", "2026-01-31")
    a_build(home, "06", "2026-07-15")
    a_build(home, "07", "2026-07-31", withheld={"because": [], "accept_with": ""})
    (home.published / "current").symlink_to(now)
    compared = current_build.to_compare_with(home, {"list_date": list_date, "method": method})
    assert (compared and compared["build_id"][6:8]) == found
    assert states(tmp_path) == ["earlier", "earlier", "earlier", "earlier", "current", "rolled back", "waiting"]


def test_what_is_kept_and_what_is_removed(tmp_path: Path) -> None:
    """One earlier build is kept: not one that waited in vain, nor one taken back, while the one that waits stays."""
    home = Home(tmp_path)
    for day in ("01", "02"):
        a_build(home, day, "2026-05-31")
    a_build(home, "03", "2026-05-31", rolled_back={"to": "", "at": ""})
    a_build(home, "04", "2026-05-31", withheld={"because": [], "accept_with": ""})
    (home.published / "current").symlink_to(a_build(home, "05", "2026-05-31"))
    a_build(home, "06", "2026-05-31", withheld={"because": [], "accept_with": ""})
    a_build(home, "07", "2026-05-31", withheld={"because": [], "accept_with": ""})
    assert publish.tidy(home, 1) == []
    assert [build.build_id[6:8] for build in current_build.builds(home)] == ["02", "05", "07"]
