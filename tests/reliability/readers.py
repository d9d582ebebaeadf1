"""Many readers while lists are published: no reader sees half a build, and no refresh waits for a reader.

`python -m reliability.readers [--readers 8] [--publications 20] [--crimes 50000] [--record]`
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from reliability import homes
from reliability.kills import prepared
from reliability.record import record

PAUSE_SECONDS = 1.0


@dataclass
class Findings:
    """What the readers saw, and how long refreshes took with them and without. `errors` are sentences."""

    builds: int = 0
    checks: int = 0
    beside_readers: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def read_while_publishing(
    home: Path,
    extracts: Path,
    readers: int,
    publications: int,
    compare: bool = True,
    say: Callable[[str], None] = print,
) -> Findings:
    """Publishes repeatedly while readers read; with `compare`, also as often while they pause, in turn."""
    found = Findings()
    crowd = [homes.Reader(home, PAUSE_SECONDS) for _ in range(readers)]
    try:
        for number in range(publications):
            found.beside_readers.append(_publish(extracts, home, found))
            if compare:
                for reader in crowd:
                    reader.rest()
                found.alone.append(_publish(extracts, home, found))
                for reader in crowd:
                    reader.go_on()
            say(f"{number + 1} of {publications} publications beside readers, {len(found.errors)} errors")
    finally:
        seen = [reader.stop() for reader in crowd]
    found.checks = sum(saw["checks"] for saw in seen)
    found.errors += [error for saw in seen for error in saw["errors"]]
    found.builds = len({build for saw in seen for build in saw["builds"]})
    return found


def _publish(extracts: Path, home: Path, found: Findings) -> float:
    started = time.monotonic()
    done = homes.run("refresh", extracts, "--home", home, "--full")
    # Exit code 5 would mean that a reader blocked the refresh.
    if done.returncode:
        found.errors.append(f"refresh exited with {done.returncode}: {done.stderr[-500:]}")
    return time.monotonic() - started


def main() -> int:
    """Reads and publishes, prints the findings, and records them with --record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--publications", type=int, default=20)
    parser.add_argument("--crimes", type=int, default=50_000)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="harmrank-readers-"))
    home, extracts = prepared(folder, asked.crimes, 6, 1)
    found = read_while_publishing(home, extracts, asked.readers, asked.publications)
    lines = [
        f"- {asked.readers} readers, each with its own connection and a query about once a second, over "
        f"{2 * asked.publications} publications ({asked.crimes:,} crimes): {found.checks:,} checks, {found.builds} builds seen.",
        f"- Median refresh: {median(found.beside_readers):.1f} s while they read, {median(found.alone):.1f} s while they "
        "paused. The difference is the shared processor; no refresh met a lock.",
        f"- **Errors: {len(found.errors)}.**",
    ]
    print("\n".join([*lines, *found.errors]))
    shutil.rmtree(folder)
    if asked.record and not found.errors:
        record("readers", lines)
    return 1 if found.errors else 0


if __name__ == "__main__":
    sys.exit(main())
