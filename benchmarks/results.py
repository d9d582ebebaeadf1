"""The figures of each size and shape as stored in results.json, and medians, ratios and failures of them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contest import FULL, Run
from feeds import USUAL, Feed
from measure import Measured
from peers import HARMRANK, PEERS


@dataclass(frozen=True)
class Size:
    """The measurements of one size and shape: feed, date, machine and every run; `memory_limit` if all steps of harmrank had one."""

    crimes: int
    months: int
    gigabytes: float
    taken_on: str
    machine: str
    load: float
    versions: dict[str, str]
    runs: list[Run]
    memory_limit: str | None = None
    shape: str = USUAL

    @property
    def key(self) -> tuple[int, str]:
        """Returns what is replaced if measured again: the number of crimes and the shape."""
        return self.crimes, self.shape

    def of(self, contender: str, step: str = FULL) -> list[Measured]:
        """Returns the runs of one step of one contender."""
        return [run.measured for run in self.runs if (run.contender, run.step) == (contender, step)]

    def seconds(self, contender: str, step: str = FULL) -> float | None:
        """Returns the median seconds, or None if a run failed or there was none."""
        runs = self.of(contender, step)
        return None if not runs or any(run.failure for run in runs) else statistics.median(run.seconds for run in runs)

    def peak_mb(self, contender: str, step: str = FULL) -> float | None:
        """Returns the median peak of memory in MB, or None likewise."""
        return (
            None
            if self.seconds(contender, step) is None
            else statistics.median(run.peak_mb for run in self.of(contender, step))
        )

    def written_mb(self, contender: str, step: str = FULL) -> float:
        """Returns the median size of its files in MB."""
        return statistics.median(run.written_mb for run in self.runs if (run.contender, run.step) == (contender, step))

    def failure(self, contender: str, step: str = FULL) -> str | None:
        """Returns how a run failed, or None."""
        return next((run.failure for run in self.of(contender, step) if run.failure), None)

    def contenders(self) -> list[str]:
        """Returns the contenders in the order of the tables."""
        there = {run.contender for run in self.runs}
        return [name for name in [*PEERS, HARMRANK] if name in there]

    def steps(self) -> list[str]:
        """Returns the steps of harmrank in their order."""
        return list(dict.fromkeys(run.step for run in self.runs if run.contender == HARMRANK))

    def times(self, contender: str, step: str, other: str) -> float | None:
        """Returns how many times as long a step took as another contender's whole work."""
        own, others = self.seconds(contender, step), self.seconds(other)
        return None if own is None or not others else own / others

    def failed(self) -> list[str]:
        """Returns a line for each contender and step that failed."""
        steps = dict.fromkeys((run.contender, run.step) for run in self.runs if run.measured.failure)
        return [f"{contender}, {step}: {self.failure(contender, step)}" for contender, step in steps]


def size_of(
    feed: Feed, runs: list[Run], load: float, versions: dict[str, str], memory_limit: str | None = None
) -> Size:
    """Returns the new measurements with machine and date."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return Size(
        feed.crimes, feed.months, feed.gigabytes, today, machine(), load, versions, runs, memory_limit, feed.shape
    )


def machine() -> str:
    """Returns processor, cores, memory and system of this machine."""
    model = platform.processor() or platform.machine()
    memory = ""
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB of memory"
    return f"{model}, {os.cpu_count()} cores{memory}, {platform.system()}, Python {platform.python_version()}"


def read(path: Path) -> dict[tuple[int, str], Size]:
    """Returns the stored sizes by number of crimes and shape. An entry that names no shape has the usual one."""
    if not path.exists():
        return {}
    sizes = [_size(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    return {size.key: size for size in sizes}


def in_order(sizes: Iterable[Size]) -> list[Size]:
    """Returns the sizes in the order of the page: the usual shape first, smallest first."""
    return sorted(sizes, key=lambda size: (size.shape != USUAL, size.crimes))


def write(path: Path, sizes: Iterable[Size]) -> None:
    """Stores these sizes in the order of the page."""
    entries = [asdict(size) for size in in_order(sizes)]
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


def _size(entry: dict[str, Any]) -> Size:
    runs = [Run(**{**run, "measured": Measured(**run["measured"])}) for run in entry["runs"]]
    return Size(**{**entry, "runs": runs})
