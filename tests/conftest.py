"""Shared by the tests: the real command in a process of its own, and one published home built once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

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
    """Runs `harmrank ...` as a user would and hands back exit code, stdout and stderr."""

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


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, harmrank: Command) -> PublishedHome:
    """One refresh of the small feed, for tests that only read."""
    root = tmp_path_factory.mktemp("published")
    write_extract(root / "extracts", "2026-06-30", SMALL_FEED)
    done = harmrank("refresh", root / "extracts", "--home", root / "home")
    assert done.returncode == 0, done.stderr
    return PublishedHome(root / "home", root / "extracts")


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
    # As root, as in a container, Chromium has no sandbox; it asks for news of its own unless told not to.
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=quiet)
        yield browser
        browser.close()
