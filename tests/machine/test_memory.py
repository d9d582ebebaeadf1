"""DuckDB has the same memory limit in every step, and spills to the home."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY, Command, PublishedHome
from reliability import homes, narrow

from harmrank.building import run_dbt
from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine import duck

SETTING = "HARMRANK_MEMORY_LIMIT"
IN_FORCE = "select current_setting('memory_limit') as in_force"
# Half a gigabyte of distinct numbers.
SPILLS = "select count(*) as numbers from (select distinct hash(i) from range(60000000) as r (i))"
LANDING = f"with warehouse.connect(home) as connection: connection.execute({SPILLS!r})"
PUBLISHING = (
    f"with duck.open_database() as connection: warehouse.settle(connection, home); connection.execute({SPILLS!r})"
)


@pytest.fixture
def home(published: PublishedHome, tmp_path: Path) -> Path:
    """A copy of the published home that a test may change."""
    return shutil.copytree(published.home, tmp_path / "home", symlinks=True)


def dbt_show(home: Path, query: str) -> list[str]:
    """Returns the command line with which plain dbt, run from the repository, queries the warehouse of a home."""
    program = str(Path(sys.executable).with_name("dbt"))
    folders = ["--target-path", str(home.parent / "target"), "--log-path", str(home.parent / "dbt_logs")]
    return [program, "--quiet", "show", "--inline", query, "--output", "json", *folders]


def limits(home: Path) -> dict[str, str]:
    """Returns DuckDB's limit when harmrank lands, reads, publishes and builds."""
    found = {}
    with warehouse.connect(Home(home)) as connection:
        found["landing"] = _limit(connection)
    with warehouse.connect(Home(home), read_only=True) as connection:
        found["reading"] = _limit(connection)
    with duck.open_database() as connection:
        warehouse.settle(connection, Home(home))
        found["publishing"] = _limit(connection)
    with run_dbt._environment(Home(home), only_changes=False):
        shown = subprocess.run(dbt_show(home, IN_FORCE), cwd=REPOSITORY, capture_output=True, text=True, check=True)
    found["building"] = json.loads(shown.stdout)["show"][0]["in_force"]
    return found


def _limit(connection: duckdb.DuckDBPyConnection) -> str:
    (limit,) = connection.execute(IN_FORCE).fetchone() or ("",)
    return str(limit)


def megabytes(limit: str) -> float:
    """Returns a limit of harmrank as a number."""
    return float(limit.removesuffix("MB"))


def something_spilled(home: Path) -> bool:
    """Whether scratch holds a file that is not empty. Every command empties it at its start."""
    try:
        return any(path.stat().st_size for path in (home / "scratch").iterdir())
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("amount", [None, "512MB"])
def test_every_connection_has_the_same_limit(home: Path, monkeypatch: pytest.MonkeyPatch, amount: str | None) -> None:
    """Landing, publishing and dbt: the set limit, or half of the machine's memory and at most 4 GB, never DuckDB's own 80 %."""
    monkeypatch.delenv(SETTING, raising=False)
    if amount:
        monkeypatch.setenv(SETTING, amount)
    found = limits(home)
    assert len(set(found.values())) == 1, found
    if amount:
        assert found["landing"] == "488.2 MiB"
    else:
        with duckdb.connect() as connection:
            connection.execute(f"set memory_limit = '{duck.memory_limit()}'")
            assert found["landing"] == _limit(connection)
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
        # To the tenth of a gibibyte that DuckDB prints; less in a container.
        assert megabytes(duck.memory_limit()) <= min(physical / 2 + 54, 4000)
    # A build leaves no variable set.
    assert os.environ.get(SETTING) == amount


@pytest.mark.skipif(not narrow.available(), reason="no namespace of one's own here (unshare -rm)")
@pytest.mark.parametrize(
    ("group", "file"),
    [("0::/box", "box/memory.max"), ("0::/", "memory.max"), ("4:memory:/box", "memory/box/memory.limit_in_bytes")],
)
def test_the_limit_of_a_cgroup_counts(tmp_path: Path, group: str, file: str) -> None:
    """Half of two gigabytes, with cgroups of version 2 and 1: the test puts the limits where the system shows them."""
    (tmp_path / "self").write_text(f"{group}\n")
    limit = tmp_path / "groups" / file
    limit.parent.mkdir(parents=True)
    limit.write_text(f"{2 << 30}\n")
    inside = (
        f"mount --bind {tmp_path}/groups /sys/fs/cgroup && mount --bind {tmp_path}/self /proc/$$/cgroup && "
        f"exec {sys.executable} -c 'from harmrank.machine import duck; print(duck.memory_limit())'"
    )
    environment = {name: value for name, value in homes.ENVIRONMENT.items() if name != SETTING}
    done = subprocess.run(["unshare", "-rm", "sh", "-c", inside], env=environment, capture_output=True, text=True)
    # DuckDB prints its own share, 1.6 GiB, as 1.5.
    assert 967 < megabytes(done.stdout.strip()) <= 1074, done.stderr


@pytest.mark.parametrize(
    ("own", "limit"),
    [
        ("409.6 MiB", "268MB"),
        ("5.9 GiB", "3959MB"),
        # Half is 4,026 MB.
        ("6.0 GiB", "4000MB"),
        ("1.5 TiB", "4000MB"),
    ],
)
def test_the_limit_by_default_is_half_and_at_most_4_gb(own: str, limit: str) -> None:
    """`own`, DuckDB's 80 %, makes half of the machine's memory; from 8 GB on the limit stays where it is."""
    assert duck.by_default(own) == limit
    assert duck.is_amount(limit)


@pytest.mark.parametrize("command", ["refresh", "land"])
@pytest.mark.parametrize("amount", ["lots", "4", "-4GB", "none", "0GB", ""])
def test_a_wrong_amount_is_wrong_use(
    published: PublishedHome, harmrank: Command, tmp_path: Path, command: str, amount: str
) -> None:
    """Refused, with a correct example, before anything is created or landed; so are words that mean no limit to DuckDB."""
    done = harmrank(command, published.extracts, "--home", tmp_path / "home", "--memory-limit", amount)
    assert (done.returncode, "not an amount of memory: write 4GB" in done.stderr) == (2, True), done.stderr
    if amount:
        done = harmrank(command, published.extracts, "--home", tmp_path / "home", **{SETTING: amount})
        assert (done.returncode, f"{SETTING}={amount} is not an amount" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "home").exists()


def test_the_option_overrides_the_setting(published: PublishedHome, harmrank: Command, tmp_path: Path) -> None:
    """A few megabytes by option are too little to land anything, whatever the environment says."""
    arguments = ["land", published.extracts, "--home", tmp_path / "home", "--memory-limit"]
    done = harmrank(*arguments, "4MB", **{SETTING: "4GB"})
    assert (done.returncode, "not enough memory" in done.stderr) == (1, True), done.stderr
    assert harmrank(*arguments, "1GB", **{SETTING: "4MB"}).returncode == 0


@pytest.mark.thorough
@pytest.mark.parametrize("work", ["landing", "publishing", "building"])
def test_duckdb_spills_to_the_home_and_the_next_start_removes_it(
    home: Path, harmrank: Command, published: PublishedHome, tmp_path: Path, work: str
) -> None:
    """Spilled rows are personal data: they are in scratch, never in a temporary folder, and removed even after a kill."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = (
        "import sys; from pathlib import Path; from harmrank.machine import duck\n"
        "from harmrank.home import warehouse; from harmrank.home.folder import Home\n"
        f"home = Home(Path(sys.argv[1]))\n{PUBLISHING if work == 'publishing' else LANDING}"
    )
    command = dbt_show(home, SPILLS) if work == "building" else [sys.executable, "-c", program, str(home)]
    settings = {SETTING: "100MB", "TMPDIR": str(elsewhere), "HARMRANK_HOME": str(home)}
    folder = REPOSITORY if work == "building" else elsewhere
    beside = {path.name for path in home.iterdir()}
    process = subprocess.Popen(command, cwd=folder, env={**homes.ENVIRONMENT, **settings}, stdout=subprocess.DEVNULL)
    while process.poll() is None and not something_spilled(home):
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert list((home / "scratch").iterdir()) != []
    assert [path for path in elsewhere.rglob("*") if "duckdb" in path.name] == []
    assert {path.name for path in home.iterdir()} - beside <= {"warehouse.duckdb.wal"}
    assert harmrank("land", published.extracts, "--home", home).returncode == 0
    assert list((home / "scratch").iterdir()) == []
