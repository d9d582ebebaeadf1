"""Kills refreshes at random instants and before every step on the file system, and checks what is left.

`python -m reliability.kills [--kills 100] [--crimes 200000] [--seed S] [--every N] [--record]`
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harmrank.home import journal
from harmrank.home.folder import Home
from harmrank.reading import published_mart
from harmrank.sample import write_sample
from reliability import homes
from reliability.record import record

KILLS_A_STATE = 30
"""The most kills before one refresh finishes and is compared."""


@dataclass
class Findings:
    """What the kills found. `errors` are sentences, none if all is well."""

    phases: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    checks: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Refreshes that were killed, without those that had already ended."""
        return sum(self.phases.values())


def kill_at_random(
    base: Path, extracts: Path, kills: int, rng: random.Random, say: Callable[[str], None] = print
) -> Findings:
    """Kill refreshes of `extracts` on copies of the home `base` at instants spread evenly over an undisturbed run.

    After one to thirty kills a refresh may finish: its data must equal the undisturbed run's, byte for byte, and nothing
    may be left over. A reader checks the current build all the while.
    """
    undisturbed = homes.copied(base, base.with_name("undisturbed"))
    duration = _finish(extracts, undisturbed)
    expected, found = homes.data(undisturbed), Findings()
    say(f"an undisturbed refresh takes {duration:.1f} s")
    while found.kills < kills:
        home = homes.copied(base, base.with_name("killed"))
        reader = homes.Reader(home, 0.05)
        for _ in range(min(rng.randint(1, KILLS_A_STATE), kills - found.kills)):
            phase = _kill_once(extracts, home, rng.uniform(0, duration), found.errors)
            found.phases.update([phase] if phase else [])
        # On a busy machine the quickest run is the best estimate of the duration.
        duration = min(duration, _finish(extracts, home))
        found.finished += 1
        seen = reader.stop()
        found.checks += seen["checks"]
        found.errors += seen["errors"]
        found.errors += _differences(home, expected)
        say(f"{found.kills} kills, {found.finished} finished, {len(found.errors)} errors")
    return found


def _finish(extracts: Path, home: Path) -> float:
    started = time.monotonic()
    homes.refreshed(extracts, home)
    return time.monotonic() - started


def _kill_once(extracts: Path, home: Path, instant: float, errors: list[str]) -> str | None:
    """Kills one refresh. Returns the phase that was hit, None if the refresh had already ended."""
    process = subprocess.Popen(
        homes.command("refresh", extracts, "--home", home),
        env=homes.ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(instant)
        return None
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    build = homes.check(home)
    entry = journal.read(Home(home))
    if entry is None or entry.get("process") != process.pid:
        return "starting"
    said = " ".join(published_mart.status(Home(home))["stale_because"])
    if entry["outcome"] == journal.RUNNING and entry["build_id"] != build and "did not finish" not in said:
        errors.append(f"status does not report a refresh stopped while {entry['step']}: {said}")
    return str(entry["step"]) if entry["outcome"] == journal.RUNNING else "finished, leaving"


def _differences(home: Path, expected: dict[str, Any]) -> list[str]:
    homes.check(home)
    now = homes.data(home)
    return [f"{name} differs" for name in expected if now.get(name) != expected[name]] + [
        f"left over: {name}" for name in homes.leftovers(home)
    ]


def kill_at_steps(
    base: Path, extracts: Path, chosen: Callable[[list[str]], list[int]], say: Callable[[str], None] = print
) -> Findings:
    """Kill a refresh before each of the `chosen` steps (numbers from 1) that an undisturbed one takes on the home's files.

    The refresh runs without dbt: it publishes what the warehouse of `base` holds. After each kill the old or the new build must
    be current and whole, and the next refresh must end in the same data with nothing left over.
    """
    found = Findings()
    trace = base.with_name("trace")
    undisturbed = homes.copied(base, base.with_name("undisturbed"))
    _stop(0, trace, extracts, undisturbed)
    steps = trace.read_text(encoding="utf-8").splitlines()
    expected = homes.data(undisturbed)
    builds = len(list((undisturbed / "published").iterdir()))
    for number in chosen(steps):
        home = homes.copied(base, base.with_name("stopped"))
        died = _stop(number, trace, extracts, home)
        if died != -signal.SIGKILL:
            found.errors.append(f"step {number} ({steps[number - 1]}) was never reached: exit {died}")
        found.phases[steps[number - 1].split()[0]] += 1
        homes.check(home)
        if _stop(0, trace, extracts, home):
            found.errors.append(f"step {number} ({steps[number - 1]}): the next refresh failed")
        found.finished += 1
        found.errors += [f"step {number} ({steps[number - 1]}): {what}" for what in _differences(home, expected)]
        if len(list((home / "published").iterdir())) != builds:
            found.errors.append(f"step {number} ({steps[number - 1]}): not the same number of builds is kept")
    say(f"{found.kills} of {len(steps)} steps, {len(found.errors)} errors")
    return found


def _stop(number: int, trace: Path, extracts: Path, home: Path) -> int:
    options = ["--without-dbt", "refresh", extracts, "--home", home, "--full", "--keep-builds", "1"]
    return homes.run(str(number), trace, *options, module="reliability.stopper").returncode


def prepared(folder: Path, crimes: int, months: int, seed: int, builds: int = 1) -> tuple[Path, Path]:
    """Returns a home with `builds` published lists of all months but the last, and the extracts of all months."""
    extracts, home = folder / "extracts", folder / "home"
    write_sample(extracts, crimes=crimes, months=months, seed=seed, report=lambda line: None)
    last = max(extracts.iterdir())
    away = folder / last.name
    last.rename(away)
    for _ in range(builds):
        homes.refreshed(extracts, home, "--full")
    away.rename(last)
    return home, extracts


def _nth(every: int) -> str:
    return "each single" if every == 1 else f"every {every}th"


def main() -> int:
    """Runs the kills, prints the findings, and records them with --record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--crimes", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="kill before every n-th step on the file system")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="harmrank-kills-"))
    home, extracts = prepared(folder, asked.crimes, 6, asked.seed, builds=2)
    at_random = kill_at_random(home, extracts, asked.kills, random.Random(asked.seed))
    at_steps = kill_at_steps(home, extracts, lambda steps: list(range(1, len(steps) + 1, asked.every)))
    errors = at_steps.errors + at_random.errors
    phases = ", ".join(f"{count} {phase}" for phase, count in at_random.phases.most_common())
    lines = [
        f"- {at_random.kills} refreshes of a new extract ({asked.crimes:,} crimes) killed with SIGKILL at instants spread evenly "
        f"over a run (seed {asked.seed}): {phases}.",
        f"- {at_random.finished} refreshes afterwards: data identical to an undisturbed run's, byte for byte, nothing left over.",
        f"- {at_random.checks:,} checks by a reader at the same time.",
        f"- {at_steps.kills} refreshes killed before {_nth(asked.every)} step on the home's files: the same.",
        f"- **Errors: {len(errors)}.** {time.monotonic() - started:,.0f} s in all.",
    ]
    print("\n".join([*lines, *errors]))
    if errors:
        print(f"The homes are in {folder}")
        return 1
    shutil.rmtree(folder)
    if asked.record:
        record("kills", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
