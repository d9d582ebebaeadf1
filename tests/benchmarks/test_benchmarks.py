"""The benchmarks compare like with like: every contender writes the same list; one that does not is not timed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import page
import peers
import pytest
import results
from contest import FULL, Contest, Run
from feeds import DENSE, USUAL, Feed, make
from measure import Measured, run

from harmrank.cli.running import sample
from harmrank.sample import feed as sample_feed

REPOSITORY = Path(__file__).resolve().parents[2]
CRIMES = 20_000
MART = ["top_100", "top_100_evidence", "offender_harm", "list_history", "crime_harm_monthly", "extract_reconciliation"]
ONLY_THE_LIST = {"floor", "polars"}
OTHERS = [peer for peer in peers.PEERS.values() if peer is not peers.FLOOR]


@dataclass(frozen=True)
class Done:
    """One run of the whole bench: its output, its feed, and the files of each contender."""

    process: subprocess.CompletedProcess[str]
    feed: Feed
    kept: Path


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The command at a tiny size, with the contenders of the test environment."""
    work = tmp_path_factory.mktemp("bench")
    options = ["--sizes", str(CRIMES / 1e6), "--shapes", USUAL, "--runs", "1", "--work", str(work), "--keep"]
    command = [sys.executable, "benchmarks/bench.py", *options, "--peers", "floor", "script", "harmrank"]
    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return Done(process, make(work, CRIMES, seed=1, packed=False), work / "kept")


@pytest.mark.thorough
def test_all_contenders_write_the_same_hundred(bench: Done) -> None:
    """The floor, the script and harmrank with all its refreshes agree, and each has its line of figures."""
    assert bench.process.returncode == 0, bench.process.stderr[-3000:]
    for title in ("one DuckDB query", "DuckDB script by hand", "**harmrank**", *page.HARMRANK_STEPS.values()):
        lines = [line for line in bench.process.stdout.splitlines() if line.startswith(f"| {title} | ")]
        assert len(lines) == 1 and "failed" not in lines[0], (title, bench.process.stdout)
    assert len(peers.hundred_in(bench.kept / "floor")) == 100


@pytest.mark.thorough
@pytest.mark.parametrize("peer", OTHERS, ids=[peer.name for peer in OTHERS])
def test_every_peer_does_the_same_work(bench: Done, peer: peers.Peer, tmp_path: Path) -> None:
    """After a day and a month each peer writes the hundred that harmrank publishes, and its mart, if it builds one, equals
    harmrank's: a peer that no longer follows the method is found before anybody reads its figures."""
    if not peer.python.exists():
        pytest.skip(f"{peer.environment} is not set up: make bench-env")
    done = run(peer.command(bench.feed, "next", tmp_path), tmp_path / "log", timeout=600)
    assert done.failure is None, (tmp_path / "log").read_text()
    home = bench.kept / "harmrank"
    assert peers.hundred_in(tmp_path) == peers.hundred_of(home)
    tables = [] if peer.name in ONLY_THE_LIST else MART
    apart = {
        name: rows_apart(tmp_path / f"{name}.parquet", home / f"published/current/{name}.parquet") for name in tables
    }
    assert apart == dict.fromkeys(tables, (0, 0))


@pytest.mark.thorough
def test_the_peers_agree_on_a_dense_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several suspects a crime, and months in several files as in a large feed, every peer writes the floor's hundred."""
    with monkeypatch.context() as parts:
        parts.setattr(sample_feed, "CRIMES_A_PART", 500)
        parts.setattr(subprocess, "run", lambda command, **_: sample.main(command[4:], standalone_mode=False))
        feed = make(tmp_path, CRIMES, seed=1, packed=False, shape=DENSE)
    assert (feed.extracts("months") / "2026-09-30" / "crimes_02.csv").exists()
    contest = Contest(tmp_path, feed, timeout=600)
    contest.measure([name for name, peer in peers.PEERS.items() if peer.python.exists()], times=1)
    assert [run.measured.failure for run in contest.runs] == [None] * len(contest.runs)
    assert {"floor", "script"} <= {run.contender for run in contest.runs}


def rows_apart(one: Path, other: Path) -> tuple[int, int]:
    """Returns how many rows only the one has, and only the other, in the columns of the one."""
    columns = ", ".join(name for name, *_ in duckdb.sql(f"describe from '{one}'").fetchall())
    pair = [f"(select {columns} from '{file}')" for file in (one, other)]
    counts = [duckdb.sql(f"select count(*) from ({a} except all {b})").fetchall() for a, b in (pair, pair[::-1])]
    assert duckdb.sql(f"select count(*) from '{one}'").fetchall() != [(0,)]
    return counts[0][0][0], counts[1][0][0]


@pytest.mark.thorough
def test_another_hundred_is_a_failure(bench: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A contender that swaps two places is reported, has no median, and is not run again."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import sys, pathlib\n"
        f"head, first, second, *rest = pathlib.Path({str(bench.kept / 'floor' / 'hundred.csv')!r}).open()\n"
        "swapped = [head, second.replace(',2,', ',1,', 1), first.replace(',1,', ',2,', 1), *rest]\n"
        "pathlib.Path(sys.argv[-1], 'hundred.csv').write_text(''.join(swapped))\n"
    )
    monkeypatch.setitem(peers.PEERS, "wrong", peers.Peer("wrong", "a wrong one", str(wrong), None, ()))
    contest = Contest(tmp_path / "work", bench.feed, timeout=600)
    contest.measure(["wrong"], times=2)
    size = results.size_of(bench.feed, contest.runs, 0.0, {})
    assert [run.measured.failure for run in contest.runs] == ["another hundred than the floor's"]
    assert size.seconds("wrong", FULL) is None
    assert "| a wrong one | failed: another hundred than the floor's |" in page.tables(size)


def test_a_contender_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    """A contender that hangs is killed after its time, and its failure says so."""
    done = run([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "log", timeout=1)
    assert done.failure == "not done after 1 s" and done.seconds < 300


MEASURED = """
import sys
from pathlib import Path
from measure import run

print(run([sys.executable, "-c", "held = bytearray(300_000_000)"], Path(sys.argv[1]), timeout=60).peak_mb)
"""


def test_the_memory_is_that_of_the_command(tmp_path: Path) -> None:
    """The peak is in millions of bytes and is that of the command, not of the measuring process.

    Linux counts the memory of the process that starts a command as the command's, so a small one measures here, as in a bench.
    """
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "log")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "benchmarks")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert 300 < float(done.stdout) < 400


def test_both_shapes_are_stored_and_shown(tmp_path: Path) -> None:
    """A size of one shape does not replace the same size of the other, the usual shape comes first, and figures stored before
    there were shapes are usual ones."""
    runs = [Run("floor", FULL, Measured(1.0, 1.0, 1.0), 0.0)]
    dense, usual, larger = (
        results.size_of(Feed(tmp_path, crimes, 24, 0.3, {}, shape), runs, 0.0, {})
        for crimes, shape in ((1_000_000, DENSE), (1_000_000, USUAL), (10_000_000, USUAL))
    )
    stored = tmp_path / "results.json"
    results.write(stored, [dense, larger, usual])
    assert list(results.read(stored).values()) == [usual, larger, dense]
    entries = json.loads(stored.read_text(encoding="utf-8"))
    del entries[0]["shape"]
    stored.write_text(json.dumps(entries), encoding="utf-8")
    assert results.read(stored)[1_000_000, USUAL] == usual
    heads = [page.tables(size).partition("\n")[0] for size in (usual, dense)]
    assert heads == [
        "### 1,000,000 crimes in 24 monthly extracts, 0.3 GB",
        "### Dense: 1,000,000 crimes in 24 monthly extracts, 0.3 GB",
    ]


@pytest.mark.thorough
def test_the_page_has_a_place_for_the_figures(bench: Done, tmp_path: Path) -> None:
    """New figures replace the old ones on the page, and stored figures are read back unchanged."""
    contest = Contest(tmp_path / "work", bench.feed, timeout=600)
    contest.measure(["floor"], times=1)
    size = results.size_of(bench.feed, contest.runs, 0.5, {"duckdb": duckdb.__version__}, memory_limit="9GB")
    assert "harmrank with `--memory-limit 9GB` throughout" in page.tables(size)
    results.write(tmp_path / "results.json", [size])
    assert results.read(tmp_path / "results.json") == {size.key: size}
    copy = tmp_path / "performance.md"
    shutil.copy(page.PAGE, copy)
    page.record([size], copy)
    once = copy.read_text(encoding="utf-8")
    page.record([size], copy)
    assert page.tables(size) in once and copy.read_text(encoding="utf-8") == once
