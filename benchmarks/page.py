"""Writes the figures as Markdown, for the terminal and docs/performance.md."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable
from pathlib import Path

from contest import DAY, EXPLAIN, FULL, LIMIT, LIMITED, NEXT, NOTHING, STATUS, TOP
from feeds import USUAL
from peers import FLOOR, HARMRANK, PEERS, REPOSITORY, SCRIPT
from results import Size

PAGE = REPOSITORY / "docs" / "performance.md"

PICTURES = """\
![Time and memory from the files to the list, by size, for harmrank and its peers](images/performance.svg)

![Time and memory of a refresh of harmrank, by size and by what is new](images/performance_refresh.svg)"""

HARMRANK_STEPS = {
    FULL: "a new home: land all, build, test, publish",
    LIMITED: f"a new home with `--memory-limit {LIMIT}`",
    NOTHING: "nothing new",
    DAY: "a day's extract on top",
    NEXT: "the next month's extract on top",
    TOP: "`harmrank top`",
    STATUS: "`harmrank status`",
    EXPLAIN: "`harmrank explain`",
}
LONG_STEPS = {FULL: "a new home", LIMITED: f"with {LIMIT}", DAY: "the day", NEXT: "the month"}


def record(sizes: Iterable[Size], page: Path = PAGE) -> None:
    """Writes the tables into the marked place of the page. Raises LookupError if there is none."""
    text = page.read_text(encoding="utf-8")
    room = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)
    body = "\n\n".join([PICTURES, *(tables(size) for size in sizes)])
    filled, found = room.subn(lambda match: f"{match[1]}\n{body}\n\n{match[2]}", text)
    if not found:
        raise LookupError(f"{page.name} has no place for figures")
    page.write_text(filled, encoding="utf-8")


def tables(size: Size) -> str:
    """Returns the tables of one size and shape: the contenders' times, harmrank's refreshes, and the machine."""
    parts = [
        f"### {_shape(size)}{size.crimes:,} crimes in {size.months} monthly extracts, {size.gigabytes:g} GB",
        _from_nothing(size),
        *([_harmrank(size)] if HARMRANK in size.contenders() else []),
        _below(size),
    ]
    return "\n\n".join(parts)


def _shape(size: Size) -> str:
    return "" if size.shape == USUAL else f"{size.shape.capitalize()}: "


def _from_nothing(size: Size) -> str:
    lines = [
        f"| from the files to the list | seconds | times {FLOOR.title} | times {SCRIPT.title} | processor, s | memory, MB | on disk, MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in size.contenders():
        title = "**harmrank**" if name == HARMRANK else PEERS[name].title
        if failure := size.failure(name):
            lines.append(f"| {title} | failed: {failure} | | | | | |")
            continue
        runs = size.of(name)
        processor = statistics.median(run.processor_seconds for run in runs)
        ratios = (size.times(name, FULL, FLOOR.name), size.times(name, FULL, SCRIPT.name))
        lines.append(
            f"| {title} | {_seconds(size, name, FULL)} | {_ratio(ratios[0])} | {_ratio(ratios[1])} | {processor:,.1f} "
            f"| {size.peak_mb(name):,.0f} | {size.written_mb(name):,.0f} |"
        )
    return "\n".join(lines)


def _harmrank(size: Size) -> str:
    lines = [
        f"| harmrank | seconds | times its new home | times {SCRIPT.title} | memory, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    for step in size.steps():
        if failure := size.failure(HARMRANK, step):
            lines.append(f"| {HARMRANK_STEPS[step]} | failed: {failure} | | | |")
            continue
        ratios = (size.times(HARMRANK, step, HARMRANK), size.times(HARMRANK, step, SCRIPT.name))
        lines.append(
            f"| {HARMRANK_STEPS[step]} | {_seconds(size, HARMRANK, step)} | {_ratio(ratios[0])} | {_ratio(ratios[1])} "
            f"| {size.peak_mb(HARMRANK, step):,.0f} |"
        )
    inside = [f"{what}: {_inside(size, step)}" for step, what in LONG_STEPS.items() if _inside(size, step)]
    return "\n".join(lines) + ("\n\nSeconds of each step: " + "; ".join(inside) + "." if inside else "")


def _inside(size: Size, step: str) -> str:
    runs = [run.steps for run in size.of(HARMRANK, step)]
    names = list(dict.fromkeys(name for steps in runs for name in steps))
    return ", ".join(f"{name} {statistics.median(steps.get(name, 0.0) for steps in runs):,.1f}" for name in names)


def _below(size: Size) -> str:
    runs = max(len(size.of(name)) for name in size.contenders())
    versions = ", ".join(f"{name} {version}" for name, version in size.versions.items())
    limit = f" harmrank with `--memory-limit {size.memory_limit}` throughout." if size.memory_limit else ""
    each = "One run each" if runs == 1 else f"{runs} runs each, in turn; medians, lowest to highest in brackets"
    return f"*{size.taken_on}. {each}.{limit} {size.machine}; load before: {size.load:.1f}. {versions}*"


def _seconds(size: Size, contender: str, step: str) -> str:
    seconds = [run.seconds for run in size.of(contender, step)]
    spread = f" ({min(seconds):,.1f}-{max(seconds):,.1f})" if len(seconds) > 1 else ""
    return f"{statistics.median(seconds):,.1f}{spread}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
