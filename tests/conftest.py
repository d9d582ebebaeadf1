"""Shared by the tests: the real command in a process of its own, and one published home built once."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from support import forked
from xdist.scheduler import LoadScopeScheduling

from harmrank.sample import write_sample

REPOSITORY = Path(__file__).resolve().parents[1]

# A reader of these tests sees the feed whole: one crime, its suspect and its victim.
SMALL_FEED = {
    "crimes": "force,crime_ref,offence_code,reported_on,updated_at\n"
    "met,c1,19/8,2026-05-01,2026-05-02T09:00:00\n"
    "met,c2,008/06,2026-06-01,2026-06-02T09:00:00\n",
    "people": "force,person_ref,forename,surname,sex,date_of_birth,updated_at\n"
    "met,p1,Invented,Mann,M,1980-01-01,2026-05-02T09:00:00\n"
    "met,v1,Invented,Frau,F,1985-01-01,2026-05-02T09:00:00\n",
    "involvements": "force,crime_ref,person_ref,role,status,updated_at\n"
    "met,c1,p1,suspect,charged,2026-05-02T09:00:00\n"
    "met,c1,v1,victim,,2026-05-02T09:00:00\n"
    "met,c2,p1,suspect,,2026-06-02T09:00:00\n"
    "met,c2,v1,victim,,2026-06-02T09:00:00\n",
}

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def harmrank() -> Command:
    """Runs `harmrank ...` and hands back exit code, stdout and stderr: a process of its own, forked from one that is warm."""
    return partial(_forked, "harmrank")


@pytest.fixture(scope="session")
def without_dbt() -> Command:
    """The same with a stand-in for dbt, in a home that was built once: for what no model decides (support/without_dbt.py)."""
    return partial(_forked, "support.without_dbt")


@pytest.fixture(scope="session")
def cold_harmrank() -> Command:
    """The same as `harmrank` in a Python that has nothing loaded, as a user starts it."""

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harmrank", *map(str, arguments)],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def _forked(module: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return forked.run(arguments, module, REPOSITORY, {**os.environ, **environment})


def write_extract(extracts: Path, extract_id: str, tables: dict[str, str]) -> Path:
    """Write one extract folder of CSV files."""
    folder = extracts / extract_id
    folder.mkdir(parents=True)
    for table, content in tables.items():
        (folder / f"{table}.csv").write_text(content, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class PublishedHome:
    """A home with a published list of the small feed, and the extracts it was made from."""

    home: Path
    extracts: Path

    @property
    def mart(self) -> Path:
        """The published DuckDB file."""
        return self.home / "published" / "current" / "harm_mart.duckdb"

    @property
    def names(self) -> Path:
        """The published DuckDB file with names."""
        return self.home / "published" / "current" / "operational" / "offender_people.duckdb"


MakeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Returns a copy, this worker's own, of a folder of that name that is made once in a test run, by whichever worker is first."""

    def copy(name: str, make: Callable[[Path], object]) -> Path:
        shared = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ:
            shared = shared.parent
        folder, whole = shared / f"{name}-made", shared / f"{name}-whole"
        with (shared / f"{name}-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                whole.touch()
        return Path(shutil.copytree(folder, tmp_path_factory.mktemp(name) / name, symlinks=True))

    return copy


@pytest.fixture(scope="session")
def published(made_once: MakeOnce, harmrank: Command) -> PublishedHome:
    """One refresh of the small feed, for tests that only read."""

    def make(folder: Path) -> None:
        write_extract(folder / "extracts", "2026-06-30", SMALL_FEED)
        # Whatever the umask grants, the home must not (tests/refreshing/test_refresh.py).
        before = os.umask(0o000)
        done = harmrank("refresh", folder / "extracts", "--home", folder / "home")
        os.umask(before)
        assert done.returncode == 0, done.stderr

    root = made_once("published", make)
    return PublishedHome(root / "home", root / "extracts")


@pytest.fixture(scope="session")
def compiled(made_once: MakeOnce) -> Path:
    """The folder into which dbt has compiled this checkout, without a home: manifest.json and compiled SQL."""

    def make(folder: Path) -> None:
        words = [
            "--quiet",
            "compile",
            "--target",
            "lint",
            "--no-populate-cache",
            "--no-introspect",
            "--target-path",
            folder,
        ]
        environment = {**os.environ, "DBT_PROFILES_DIR": "profiles", "DBT_LOG_PATH": str(folder)}
        done = forked.run(words, "dbt.cli.main", REPOSITORY, environment)
        assert done.returncode == 0, done.stdout[-3000:]

    return made_once("compiled", make)


FULL_LIST = {"crimes": 20_000, "months": 16, "seed": 2}
"""The sample of the home below."""


@pytest.fixture(scope="session")
def full_list(made_once: MakeOnce, harmrank: Command) -> PublishedHome:
    """A list with a hundred places, of an invented force, with a year of lists before it, for tests that only read."""

    def make(folder: Path) -> None:
        write_sample(folder / "extracts", **FULL_LIST, report=lambda _: None)
        done = harmrank("refresh", folder / "extracts", "--home", folder / "home")
        assert done.returncode == 0, done.stderr

    root = made_once("full_list", make)
    return PublishedHome(root / "home", root / "extracts")


@pytest.fixture
def scratch(published: PublishedHome, tmp_path: Path) -> PublishedHome:
    """A copy of the published home that a test may change."""
    shutil.copytree(published.home, tmp_path / "home", symlinks=True)
    shutil.copytree(published.extracts, tmp_path / "extracts")
    return PublishedHome(tmp_path / "home", tmp_path / "extracts")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is looked at in a browser is of the second tier."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.thorough)


class OneWorkerAFixture(LoadScopeScheduling):
    """Sends all tests of a file that shares a fixture to one worker, which makes it once. Any other test runs anywhere.

    `--dist loadgroup` would be for that, but groups nothing with pytest 9.2 (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return file if _shares_a_fixture(REPOSITORY / file) else nodeid


@cache
def _shares_a_fixture(file: Path) -> bool:
    return 'scope="' in file.read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneWorkerAFixture:
    """How `-n` shares the tests out."""
    return OneWorkerAFixture(config, log)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how it went, for the last step below."""
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave as the command does (harmrank/cli/main.py), so that pytest's closing line is the last one."""
    if "great_expectations" in sys.modules and _STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_STATUS])


_STATUS = pytest.StashKey[int]()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, headless and silent on the network."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine (on Debian: apt-get install chromium)")
    # As root, as in a container, Chromium has no sandbox; it sends requests of its own unless they are disabled.
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=quiet)
        yield browser
        browser.close()
