"""Draws the briefing's charts with matplotlib as SVG within a page. The same rows write the same bytes.

The shades of one colour differ in lightness, so that everybody can distinguish them, in grey too. Dark edges show the lightest
shade on white. Text stays text, in the font of the page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import matplotlib
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from harmrank.reading.briefing.facts import LISTS_SHOWN, MONTHS_SHOWN
from harmrank.reading.published_mart import Row

Drawing = Callable[[Figure], None]
"""Draws a chart on an empty figure."""

INK, MID, PALE, SOFT = "#16283d", "#6f8db0", "#d3dde8", "#5a6675"
# The statuses in the order of the stack: the darker, the further the case has got.
STATUSES = (("convicted", "convicted", INK), ("charged", "charged", MID), ("named", "named or arrested", PALE))

# Any: matplotlib types each of these names as a literal.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    # A dollar sign in the name of an index does not start a formula.
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "grid.color": "#d8dee6",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 1.2,
    "legend.columnspacing": 1.2,
    "patch.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 2,
    "ytick.major.size": 0,
}
_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")
_PER_CENT = FuncFormatter(lambda value, _: f"{value:.0f} %")


def harm_by_status(lists: Sequence[Row], unit: str) -> Drawing:
    """Returns a chart of the harm of each list, stacked by status."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        places, base = range(len(lists)), [0.0] * len(lists)
        for status, words, colour in STATUSES:
            heights = [row[f"harm_days_{status}"] for row in lists]
            axes.bar(places, heights, bottom=base, color=colour, edgecolor=INK, width=0.78, label=words)
            base = [below + height for below, height in zip(base, heights, strict=True)]
        axes.yaxis.set_major_formatter(_THOUSANDS)
        axes.set_title(unit)
        _of_lists(axes, lists)
        _legend_below(figure, axes)

    return draw


def comings_and_goings(lists: Sequence[Row]) -> Drawing:
    """Returns a chart of people new on each list (upwards) and people who left it (downwards)."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        entered = [row["entered"] or 0 for row in lists]
        left = [row["people_left"] or 0 for row in lists]
        bars = axes.bar(range(len(lists)), entered, color=MID, edgecolor=INK, width=0.78, label="new on the list")
        axes.bar_label(bars, [str(count or "") for count in entered], padding=1, fontsize=7)
        bars = axes.bar(
            range(len(lists)), [-count for count in left], color=PALE, edgecolor=INK, width=0.78, label="left the list"
        )
        axes.bar_label(bars, [str(count or "") for count in left], padding=1, fontsize=7)
        axes.axhline(0, color=INK, linewidth=0.8)
        furthest = 1.2 * max(1, *entered, *left)
        axes.set_ylim(-furthest, furthest)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
        axes.set_title("People")
        _of_lists(axes, lists)
        _legend_below(figure, axes)

    return draw


def concentration(rows: Sequence[Row]) -> Drawing:
    """Returns a bar chart of the share of the harm that the most harmful offenders make."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        shares = [100 * (row["share_of_harm"] or 0) for row in rows]
        names = [f"first {row['per_cent']} %" for row in rows]
        bars = axes.barh(names, shares, color=MID, edgecolor=INK, height=0.7)
        axes.bar_label(bars, [f"{share:.0f} %" for share in shares], padding=3)
        axes.invert_yaxis()
        axes.set_xlim(0, 108)
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.xaxis.set_major_formatter(_PER_CENT)
        axes.grid(axis="x")
        axes.set_title("Share of all harm")

    return draw


def redraws(places: Sequence[Row]) -> Drawing:
    """Returns a chart of how often each place is on the list in the redraws."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for depends, colour, name in (
            (False, INK, "on the list even without the gravest allegation"),
            (True, "white", "on the list only with the gravest allegation"),
        ):
            rows = [row for row in places if row["is_listed_without_largest"] is not depends]
            axes.scatter(
                [row["harm_rank"] for row in rows],
                [100 * row["listed_in_redraws"] for row in rows],
                s=14,
                color=colour,
                edgecolor=INK,
                linewidth=0.7,
                label=name,
                zorder=3,
            )
        axes.set_ylim(-3, 103)
        axes.set_yticks([0, 25, 50, 75, 100])
        axes.yaxis.set_major_formatter(_PER_CENT)
        last = max(row["harm_rank"] for row in places)
        axes.set_xlim(0, last + 1)
        axes.set_xticks([1, *range(10, last + 1, 10)])
        axes.grid(axis="y")
        axes.set_title("On the list in the redraws")
        axes.set_xlabel("Place on the list")
        _legend_below(figure, axes)

    return draw


# Each series has a chart and a scale of its own: they are never added up.
SERIES = (
    ("harm_days", "Reported by the public in the year it happened"),
    ("historic_harm_days", "Reported by the public in a later year"),
    ("proactive_harm_days", "Found by the police"),
    ("company_harm_days", "Detected by companies"),
)


def months(rows: Sequence[Row]) -> Drawing:
    """Returns a chart of the harm of recorded crime by month for each series; an incomplete month is hatched from top to bottom."""

    def draw(figure: Figure) -> None:
        at = [12 * row["month"].year + row["month"].month for row in rows]
        partial = [place for place, row in zip(at, rows, strict=True) if row["is_partial"]]
        for axes, (series, name) in zip(figure.subplots(2, 2).flat, SERIES, strict=True):
            heights = [row[series] for row in rows]
            axes.bar(at, heights, color=PALE, edgecolor=INK, width=0.8, label="all")
            if series == "harm_days":
                detected = [row["detected_harm_days"] for row in rows]
                axes.bar(at, detected, color=INK, edgecolor=INK, width=0.8, label="detected so far")
            # Behind the bars: a month of which little is known must not look like a month without harm.
            for place in partial:
                said = "month not complete" if place == partial[0] else None
                axes.axvspan(
                    place - 0.5, place + 0.5, fc="none", ec=MID, hatch="////", linewidth=0, zorder=0, label=said
                )
            axes.yaxis.set_major_formatter(_THOUSANDS)
            axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
            if not any(heights):
                axes.set_ylim(0, 1)
                axes.set_yticks([0])
                axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color=SOFT)
            axes.grid(axis="y")
            axes.set_title(name)
            axes.set_xlim(at[-1] - max(MONTHS_SHOWN, at[-1] - at[0] + 1) + 0.4, at[-1] + 0.6)
            ticks = range(at[-1], at[0] - 1, -6)
            axes.set_xticks(ticks, [_month(date((tick - 1) // 12, (tick - 1) % 12 + 1, 1)) for tick in ticks])
        _legend_below(figure, figure.axes[0])

    return draw


def picture(name: str, title: str, description: str, draw: Drawing, size: tuple[float, float]) -> str:
    """Returns a chart as an SVG element with a title and a description for screen readers. Every text in it is escaped.

    `size` is width and height in inches. `name` begins every id in the SVG, so that charts of one page share none.
    """
    with _style(name):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _within_a_page(file.getvalue(), name, title, description)


@contextmanager
def _style(name: str) -> Iterator[None]:
    # The salt replaces the random part of the ids that matplotlib generates.
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        yield


def _within_a_page(svg: str, name: str, title: str, description: str) -> str:
    """Returns matplotlib's SVG without what only a file needs, with a title and a description."""
    box = re.search(r'viewBox="[^"]+"', svg)
    start = svg.index(">", svg.index("<svg")) + 1
    body = re.sub(r"<metadata>.*?</metadata>", "", svg[start:], flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'(id="|url\(#|xlink:href="#)', rf"\1{name}-", body)
    head = (
        f'<svg {box.group() if box else ""} role="img" '
        f'aria-labelledby="{name}-title {name}-desc" stroke-linejoin="round">\n'
        f'<title id="{name}-title">{escape(title)}</title>\n<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return head + body


def _of_lists(axes: Axes, lists: Sequence[Row]) -> None:
    axes.grid(axis="y")
    # Keeps bars as narrow when there are few of them.
    axes.set_xlim(len(lists) - LISTS_SHOWN - 0.6, len(lists) - 0.4)
    # Every third list, counted from the last.
    ticks = range(len(lists) - 1, -1, -3)
    axes.set_xticks(ticks, [_month(lists[tick]["list_date"]) for tick in ticks])


def _month(on: date) -> str:
    return f"{on:%b}\n{on.year}"


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(labels))
