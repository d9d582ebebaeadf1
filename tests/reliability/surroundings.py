"""Full disks, missing permissions, little memory, things in the way: one clear line each, and the current list stays.

`python -m reliability.surroundings [--record]`
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reliability import homes, narrow
from reliability.kills import prepared
from reliability.record import record


@dataclass(frozen=True)
class Place:
    """A folder for one case, open to every user, with a published home and its extracts."""

    folder: Path
    home: Path
    extracts: Path

    @property
    def current(self) -> Path:
        """The link to the current build."""
        return self.home / "published" / "current"


Case = Callable[[Place], list[str]]


def _expect(done: subprocess.CompletedProcess[str], code: int, *words: str) -> list[str]:
    """Returns what is wrong with a command's exit code, its one line, and the words expected in that line."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("harmrank:")]
    faults = [f"exit {done.returncode} instead of {code}: {done.stderr[-300:]}"] if done.returncode != code else []
    faults += [f"not said: {word} in {done.stderr[-300:]}" for word in words if word not in done.stderr]
    for never in ("unexpected", "Traceback"):
        faults += [f"said {never}: {done.stderr[-300:]}"] if never in done.stderr else []
    # The option parser reports wrong use in its own form.
    return faults + ([f"{len(lines)} lines: {lines}"] if len(lines) != 1 and code != 2 else [])


def _refresh_without_dbt(place: Place, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs a refresh that publishes what the warehouse holds, without dbt."""
    return homes.run("refresh", place.extracts, "--home", place.home, *options, module="support.without_dbt")


def _status_says(place: Place, *words: str) -> list[str]:
    done = homes.run("status", "--home", place.home)
    said = " ".join(done.stdout.split())
    return [f"status does not say {word}: {said}{done.stderr}" for word in words if word not in said]


def _mended(place: Place) -> list[str]:
    done = _refresh_without_dbt(place)
    faults = [f"the next refresh exited with {done.returncode}: {done.stderr[-300:]}"] if done.returncode else []
    homes.check(place.home)
    return faults + homes.leftovers(place.home)


def _without_rights(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a command without the rights of root, who may open every file."""
    # In a namespace without a mapping even root is only the owner of its files.
    without = ["unshare", "--user"] if os.geteuid() == 0 else []
    command = [*without, *homes.command(*arguments)]
    return subprocess.run(command, env=homes.ENVIRONMENT, capture_output=True, text=True, check=False)


def missing_home(place: Place) -> list[str]:
    """Commands that read a home that does not exist: wrong use, and the command to run."""
    none, faults = place.folder / "none", []
    for command in (["top"], ["explain", "met|p1"], ["shape"], ["status"]):
        faults += _expect(homes.run(*command, "--home", none), 2, "harmrank refresh")
    return faults


def home_is_a_file(place: Place) -> list[str]:
    """The home is a file."""
    file = place.folder / "file"
    file.write_text("")
    return _expect(homes.run("refresh", place.extracts, "--home", file), 2, str(file))


def missing_extracts(place: Place) -> list[str]:
    """The folder of extracts does not exist."""
    return _expect(homes.run("refresh", place.folder / "none", "--home", place.home), 2, "is not a folder")


def something_in_the_way(place: Place) -> list[str]:
    """Files with the names of the home's folders."""
    faults = []
    for name in ("logs", "published", "scratch"):
        other = homes.copied(place.home, place.folder / f"home-{name}")
        shutil.rmtree(other / name)
        (other / name).write_text("")
        faults += _expect(homes.run("refresh", place.extracts, "--home", other), 1, f"{other / name} is in the way")
    return faults


def current_points_nowhere(place: Place) -> list[str]:
    """The current build was deleted by hand: readers get a clear line, the next refresh publishes it again."""
    shutil.rmtree(place.current.resolve())
    faults = _expect(homes.run("top", "--home", place.home), 1, "is missing", "harmrank refresh EXTRACTS")
    return faults + _status_says(place, "build that is gone") + _mended(place)


def current_is_foreign(place: Place) -> list[str]:
    """A folder in the place of the link is not removed."""
    place.current.unlink()
    place.current.mkdir()
    (place.current / "theirs").write_text("")
    faults = _expect(homes.run("refresh", place.extracts, "--home", place.home), 1, "is not a link that harmrank made")
    return faults + ([] if (place.current / "theirs").exists() else ["the foreign folder was removed"])


def mart_is_cut_off(place: Place) -> list[str]:
    """Half a DuckDB file: readers and status name the command to run, the next refresh publishes the build again."""
    mart = place.current / "harm_mart.duckdb"
    os.truncate(mart, mart.stat().st_size // 2)
    faults = []
    for command in (["top"], ["explain", "met|p1"], ["shape"]):
        faults += _expect(homes.run(*command, "--home", place.home), 1, "is damaged", "harmrank refresh EXTRACTS")
    return faults + _status_says(place, "Damaged", "its size has changed") + _mended(place)


def mart_is_no_database(place: Place) -> list[str]:
    """Other bytes, the same size: `status --verify` and every reader find it."""
    mart = place.current / "harm_mart.duckdb"
    mart.write_bytes(b"x" * mart.stat().st_size)
    faults = _expect(homes.run("top", "--home", place.home), 1, "is damaged", "--full")
    faults += _expect(homes.run("status", "--home", place.home, "--verify"), 1, "is damaged")
    done = _refresh_without_dbt(place, "--full")
    homes.check(place.home)
    return faults + ([done.stderr] if done.returncode else [])


def manifest_is_damaged(place: Place) -> list[str]:
    """Half a manifest: status names it, the next refresh publishes the build again."""
    manifest = place.current / "manifest.json"
    os.truncate(manifest, 100)
    return _status_says(place, "Damaged", "manifest.json is damaged") + _mended(place)


def journal_is_damaged(place: Place) -> list[str]:
    """A damaged journal does not stop status."""
    (place.home / "logs" / "last_refresh.json").write_text("{")
    return _status_says(place, "Published", "Stale")


def home_of_another_user(place: Place) -> list[str]:
    """This user may not enter the home."""
    place.home.chmod(0)
    faults = []
    try:
        for command in (["refresh", place.extracts], ["land", place.extracts], ["top"], ["status"], ["shape"]):
            faults += _expect(_without_rights(*command, "--home", place.home), 1, "this user may not open")
    finally:
        place.home.chmod(0o700)
    return faults


def parent_of_another_user(place: Place) -> list[str]:
    """This user may not create the new home."""
    place.folder.chmod(0o555)
    try:
        return _expect(
            _without_rights("refresh", place.extracts, "--home", place.folder / "new"), 1, "this user may not open"
        )
    finally:
        place.folder.chmod(0o755)


def unreadable_extract(place: Place) -> list[str]:
    """This user may not read a file of an extract: the extract is refused, the file named."""
    last = max(place.extracts.iterdir())
    hidden = next(last.glob("crimes*"))
    hidden.chmod(0)
    done = _without_rights("land", place.extracts, "--home", place.folder / "new")
    return _expect(done, 3, last.name, hidden.name, "cannot be read")


def too_little_memory(place: Place) -> list[str]:
    """DuckDB has a few megabytes: the line names the setting and does not blame a model or test."""
    done = homes.run("refresh", place.extracts, "--home", place.home, "--full", HARMRANK_MEMORY_LIMIT="12MB")
    faults = _expect(done, 1, "not enough memory", "HARMRANK_MEMORY_LIMIT")
    return faults + _status_says(place, "failed while", "not enough memory") + _mended(place)


def no_amount_of_memory(place: Place) -> list[str]:
    """The memory setting is not an amount."""
    done = homes.run("refresh", place.extracts, "--home", place.home, HARMRANK_MEMORY_LIMIT="lots")
    return _expect(done, 2, "HARMRANK_MEMORY_LIMIT=lots")


def file_size_limit(place: Place) -> list[str]:
    """Files may not grow (ulimit -f): like a full disk, possible on every machine."""
    limit = 256 * 1024
    done = subprocess.run(
        homes.command("refresh", place.extracts, "--home", place.home, "--full"),
        env=homes.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    homes.check(place.home)
    return _expect(done, 1, "has reached the limit on file sizes") + _mended(place)


def warehouse_in_use(place: Place) -> list[str]:
    """Another process has the warehouse open: every command that writes exits with 5 and names the process."""
    hold = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(120)"
    warehouse = str(place.home / "warehouse.duckdb")
    other = subprocess.Popen([sys.executable, "-c", hold, warehouse], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        faults = []
        for command in ("refresh", "land"):
            done = homes.run(command, place.extracts, "--home", place.home)
            faults += _expect(done, 5, f"process {other.pid}")
        return faults + _status_says(place, f"process {other.pid}")
    finally:
        other.kill()
        other.wait()


def _full(place: Place, room: int, *arguments: str | Path, module: str = "harmrank") -> list[str]:
    before = place.current.resolve().name
    found = narrow.narrowed(place.home, place.extracts, room, *arguments, module=module)
    done = subprocess.CompletedProcess("", found["code"], found["stdout"], found["stderr"])
    faults = _expect(done, 1, "the disk is full", "free some space") + found.get("left", [])
    faults += [] if found["build"] == before else ["another build is current"]
    return faults + ([found["next_stderr"]] if found.get("next_code") else [])


def disk_full_before_all(place: Place) -> list[str]:
    """No room even for the first line of the log."""
    return _full(place, 0, "refresh", place.extracts, "--home", "HOME", "--full")


def disk_full_landing(place: Place) -> list[str]:
    """The extracts do not fit into the warehouse."""
    more = place.folder / "more"
    if not more.exists():
        _, extracts = prepared(more, 200_000, 1, 3, builds=0)
        for extract in extracts.iterdir():
            extract.rename(extract.with_name(f"{extract.name}T2300"))
    return _full(place, 1_000, "land", more / "extracts", "--home", "HOME")


def disk_full_building(place: Place) -> list[str]:
    """dbt reports failed models and tests; harmrank reports the full disk."""
    return _full(place, 1_500, "refresh", place.extracts, "--home", "HOME", "--full")


def disk_full_publishing(place: Place) -> list[str]:
    """The new build does not fit beside the earlier ones."""
    return _full(place, 400, "refresh", place.extracts, "--home", "HOME", "--full", module="support.without_dbt")


def disk_that_can_only_be_read(place: Place) -> list[str]:
    """A refresh fails with a clear line; readers go on."""
    found = narrow.narrowed(place.home, place.extracts, "ro", "refresh", place.extracts, "--home", "HOME")
    faults = _expect(subprocess.CompletedProcess("", found["code"], "", found["stderr"]), 1, "is on a read-only disk")
    read = narrow.narrowed(place.home, place.extracts, "ro", "top", "--home", "HOME")
    return faults + ([read["stderr"]] if read["code"] else [])


EVERYWHERE: tuple[Case, ...] = (
    missing_home,
    home_is_a_file,
    missing_extracts,
    something_in_the_way,
    current_points_nowhere,
    current_is_foreign,
    mart_is_cut_off,
    mart_is_no_database,
    manifest_is_damaged,
    journal_is_damaged,
    home_of_another_user,
    parent_of_another_user,
    unreadable_extract,
    too_little_memory,
    no_amount_of_memory,
    file_size_limit,
    warehouse_in_use,
)
ON_A_DISK_OF_ITS_OWN: tuple[Case, ...] = (
    disk_full_before_all,
    disk_full_landing,
    disk_full_building,
    disk_full_publishing,
    disk_that_can_only_be_read,
)


def attempt(case: Case, home: Path, extracts: Path) -> list[str]:
    """Runs a case on copies of a home and its extracts. Returns what is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="harmrank-surroundings-"))
    try:
        folder.chmod(0o755)
        copy = shutil.copytree(extracts, folder / "extracts")
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        return case(Place(folder, homes.copied(home, folder / "home"), copy))
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """Runs every case, prints the outcomes, and records them with --record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="harmrank-surroundings-"))
    home, extracts = prepared(folder, 2_000, 2, 1)
    homes.refreshed(extracts, home)
    with_disks = narrow.available()
    lines, bad = [], 0
    for case in (*EVERYWHERE, *(ON_A_DISK_OF_ITS_OWN if with_disks else ())):
        faults = attempt(case, home, extracts)
        bad += bool(faults)
        outcome = "holds" if not faults else f"**fails**: {'; '.join(faults)}"
        lines.append(f"| {case.__name__.replace('_', ' ')} | {' '.join((case.__doc__ or '').split())} | {outcome} |")
        print(lines[-1])
    shutil.rmtree(folder)
    if not with_disks:
        print("This machine has no private file systems (unshare -rm): full disks were tried by file size only.")
    if asked.record:
        record("surroundings", ["| case | what | outcome |", "|---|---|---|", *lines])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
