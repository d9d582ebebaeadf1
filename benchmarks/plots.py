"""Draws results.json: time and memory by size, from the files to the list for all contenders, and for harmrank's steps.

.venv-bench/bin/python benchmarks/plots.py docs/images
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path

import matplotlib as mpl
from contest import DAY, FULL, NEXT, NOTHING
from feeds import USUAL
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
from page import HARMRANK_STEPS
from peers import HARMRANK, PEERS, SCRIPT
from results import Size, in_order, read

# Distinguishable without colour; the star is the most visible.
MARKERS = {"floor": "o", "polars": "s", "script": "^", "pandas": "v", "sqlmesh": "D", HARMRANK: "*"}


@dataclass(frozen=True)
class Line:
    """One line of a picture: its label, contender, step and marker."""

    label: str
    contender: str
    step: str
    marker: str


def main() -> None:
    """Writes performance.svg and performance_refresh.svg into the folder of the command line."""
    mpl.rcParams |= {"svg.hashsalt": "harmrank", "svg.fonttype": "path", "font.size": 11}
    sizes = in_order(read(Path(sys.argv[1])).values())
    folder = Path(sys.argv[2])
    full = [
        Line(HARMRANK if name == HARMRANK else PEERS[name].title, name, FULL, marker)
        for name, marker in MARKERS.items()
    ]
    draw(sizes, full, "From the files to the list", folder / "performance.svg")
    refreshes = [
        Line(HARMRANK_STEPS[step], HARMRANK, step, marker)
        for step, marker in {FULL: "*", NEXT: "^", DAY: "o", NOTHING: "s"}.items()
    ]
    refreshes.append(Line(f"{SCRIPT.title}, always a new file", SCRIPT.name, FULL, "v"))
    draw(sizes, refreshes, "harmrank refresh", folder / "performance_refresh.svg")


def draw(sizes: Sequence[Size], lines: Sequence[Line], title: str, target: Path) -> None:
    """Draws one picture: a row for each shape, seconds on the left, memory on the right, both by the size of the feed."""
    shapes = list(dict.fromkeys(size.shape for size in sizes))
    figure, rows = pyplot.subplots(
        len(shapes), 2, figsize=(11, 1 + 3.8 * len(shapes)), layout="constrained", squeeze=False
    )
    named: dict[str, Line2D] = {}
    for shape, pair in zip(shapes, rows, strict=True):
        named |= _row([size for size in sizes if size.shape == shape], lines, pair)
    figure.suptitle(title)
    figure.legend(named.values(), named, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(target, metadata={"Date": None})
    pyplot.close(figure)
    print(f"wrote {target.name}")


def _row(sizes: Sequence[Size], lines: Sequence[Line], pair: Sequence[Axes]) -> dict[str, Line2D]:
    """Draws the two pictures of one shape. Returns what the legend names: the lines by their labels."""
    named = {}
    for place, line in enumerate(lines):
        points = [
            (size.crimes, size.seconds(line.contender, line.step), size.peak_mb(line.contender, line.step))
            for size in sizes
        ]
        found = [
            (crimes, seconds, peak) for crimes, seconds, peak in points if seconds is not None and peak is not None
        ]
        if not found:
            continue
        crimes, seconds, peaks = zip(*found, strict=True)
        style = {"marker": line.marker, "markersize": 11 if line.marker == "*" else 7}
        style |= (
            {"linewidth": 2.5, "color": "black"} if line.marker == "*" else {"linewidth": 1.3, "color": f"C{place}"}
        )
        named[line.label] = pair[0].plot(crimes, seconds, **style)[0]
        pair[1].plot(crimes, [peak / 1000 for peak in peaks], **style)
    for axes, what in zip(pair, ("time, seconds", "peak memory, GB"), strict=True):
        _label(
            axes, f"{'' if sizes[0].shape == USUAL else f'{sizes[0].shape}: '}{what}", [size.crimes for size in sizes]
        )
    return named


def _label(axes: Axes, what: str, sizes: Sequence[int]) -> None:
    plain = FuncFormatter(lambda value, _: f"{value:,.10g}")
    axes.set(xscale="log", yscale="log", xlabel="crimes in the feed, millions", ylabel=what)
    axes.set_xticks(sizes, [f"{crimes / 1e6:g}" for crimes in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(NullFormatter())
    lowest, highest = axes.get_ylim()
    axes.set_ylim(10 ** floor(log10(lowest)), 10 ** ceil(log10(highest)))
    axes.grid(visible=True, which="major", alpha=0.4)


if __name__ == "__main__":
    main()
