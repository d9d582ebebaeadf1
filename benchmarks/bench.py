"""Times harmrank and its peers on the same generated feeds and prints the figures as Markdown.

    make bench BENCH_ARGS="--sizes 1 10 --runs 3 --work /somewhere/large"

With --record the new figures replace those of the same sizes and shapes in benchmarks/results.json, and docs/performance.md and its
pictures are written from all of them. Exit code 1 if a contender failed or its hundred differs from the floor's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import page
import results
from contest import Contest
from feeds import DENSE, USUAL, make
from peers import HARMRANK, PEERS, REPOSITORY

RESULTS = REPOSITORY / "benchmarks" / "results.json"
BUSY = 0.5


def main() -> int:
    """Measures the sizes and peers of the command line. Returns the exit code."""
    options = _options()
    for name in options.peers:
        if name in PEERS and not PEERS[name].python.exists():
            print(f"{name} has no environment: make bench-env", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="harmrank-bench-") as throw_away:
        work = (options.work or Path(throw_away)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        sizes = []
        for shape in options.shapes:
            for millions in options.sizes:
                sizes.append(_size(options, work, round(millions * 1e6), shape))
                results.write(work / "results.json", sizes)
    print("\n\n".join(page.tables(size) for size in sizes))
    if options.record:
        _record(sizes)
    failed = [f"{size.crimes:,} crimes, {size.shape}: {line}" for size in sizes for line in size.failed()]
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=float, default=[1, 10], help="millions of crimes (default: 1 10)")
    parser.add_argument(
        "--shapes",
        nargs="+",
        choices=[USUAL, DENSE],
        default=[USUAL, DENSE],
        help="of the feeds (default: usual dense)",
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each contender (default: 3)")
    everybody = [*PEERS, HARMRANK]
    parser.add_argument(
        "--peers", nargs="+", choices=everybody, default=everybody, help="contenders to measure (default: all)"
    )
    parser.add_argument(
        "--work", type=Path, help="a folder to work in; feeds, logs and results.json stay there (default: deleted)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the feeds (default: 1)")
    parser.add_argument("--gzip", action="store_true", help="compress the feeds, for a small disk")
    parser.add_argument("--keep", action="store_true", help="keep the last output of each in WORK/kept")
    parser.add_argument("--timeout", type=float, default=4 * 3600, help="seconds for one step (default: four hours)")
    parser.add_argument(
        "--memory-limit", help="of harmrank in every step, such as 9GB (default: its own, and one run with 2GB)"
    )
    parser.add_argument("--record", action="store_true", help="write docs/performance.md")
    return parser.parse_args()


def _size(options: argparse.Namespace, work: Path, crimes: int, shape: str) -> results.Size:
    print(f"{crimes:,} crimes, {shape}: the feed", file=sys.stderr, flush=True)
    feed = make(work, crimes, options.seed, options.gzip, shape)
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"  the machine is busy (load {load:.1f}): the figures will be too high", file=sys.stderr)
    contest = Contest(work, feed, options.timeout, options.keep, options.memory_limit)
    contest.measure(options.peers, options.runs)
    return results.size_of(feed, contest.runs, round(load, 2), _versions(options.peers), options.memory_limit)


def _versions(names: list[str]) -> dict[str, str]:
    """Returns the versions of the packages measured. A package of a peer's own environment is named with the peer."""
    versions = {HARMRANK: version(HARMRANK), "dbt-core": version("dbt-core"), "duckdb": version("duckdb")}
    for name in names:
        if name in PEERS and PEERS[name].environment:
            own = PEERS[name].versions()
            versions |= {
                package if package not in versions else f"{package} under {name}": own[package] for package in own
            }
    return versions


def _record(sizes: list[results.Size]) -> None:
    kept = results.read(RESULTS) | {size.key: size for size in sizes}
    results.write(RESULTS, kept.values())
    page.record(results.in_order(kept.values()))
    plots = REPOSITORY / "benchmarks" / "plots.py"
    python = REPOSITORY / ".venv-bench" / "bin" / "python"
    subprocess.run([python, plots, RESULTS, REPOSITORY / "docs" / "images"], check=True)


if __name__ == "__main__":
    sys.exit(main())
