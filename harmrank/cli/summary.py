"""The summary at the end of a refresh: what it did, what it could not use, how long it took, where to look."""

from __future__ import annotations

import shutil
import sys
import textwrap
from datetime import date

import click

from harmrank.cli.terminal import encoding, is_plain
from harmrank.landing.outcome import LandingResult
from harmrank.refreshing.attempt import Ending
from harmrank.refreshing.run import Run
from harmrank.text.printable import printable
from harmrank.text.wording import plural

# Steps whose seconds are shown; the others are quick, or part of one of these.
_LONG_STEPS = {
    "landing": "landing",
    "copying": "copying",
    "building": "building and testing",
    "publishing": "checking and publishing",
    "compacting": "compacting",
    "hook on-publish": "hook on-publish",
}
_LABEL_WIDTH = 9
_MOST_LINES = 10
"""Number of refusals and of warnings to show; `harmrank status` and the log show all."""


def lines(ending: Ending, run: Run, known_at: date | None) -> list[tuple[str, str]]:
    """Returns the summary as labels and sentences; the first label is empty. Empty if landing did not end."""
    if run.landing is None:
        return []
    took = ", ".join(f"{name} {run.seconds[step]:.1f}" for step, name in _LONG_STEPS.items() if step in run.seconds)
    return [
        ("", _headline(ending, run, known_at)),
        *_landed(run.landing),
        *_published(ending, run),
        ("Took", f"{run.seconds.get('refresh', run.elapsed):.1f} s" + (f": {took}" if took else "")),
        *_where_to_look(ending, run),
    ]


def show(summary: list[tuple[str, str]]) -> None:
    """Prints the summary to stderr. A terminal gets wrapped lines with labels in bold, a file one line per sentence."""
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    color = False if is_plain() else None
    # A narrow terminal has no room for an indent, and no line is too short for a figure.
    indent = " " * (2 + _LABEL_WIDTH) if width is None or width >= 4 * _LABEL_WIDTH else "  "
    for label, sentence in summary:
        text = printable(sentence, encoding=encoding(sys.__stderr__))
        if not label:
            click.echo(click.style(text, bold=True), err=True, color=color)
            continue
        wrapped = [text]
        if width:
            room = max(width - len(indent), _LABEL_WIDTH)
            wrapped = textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False)
        first = "" if len(indent) > 2 else "\n  "
        labelled = f"  {click.style(label.ljust(_LABEL_WIDTH), bold=True)}{first}" + f"\n{indent}".join(wrapped)
        click.echo(labelled, err=True, color=color)


def _headline(ending: Ending, run: Run, known_at: date | None) -> str:
    when = f"{run.build['list_date']}{f' as known on {known_at}' if known_at else ''}"
    if run.publication:
        return (
            f"published the list for {when}: {run.publication.rows['top_100']} places, "
            f"build {run.publication.build_id}, {run.elapsed:.1f} s"
        )
    if ending.result is not None and ending.result.waiting:
        return f"not published: the list for {when} waits (build {ending.result.waiting.build_id})"
    if ending.result is None:
        during = f" (step {ending.during})" if ending.during and ending.during != "refresh" else ""
        return f"not published: {ending.outcome}{during}"
    if ending.result.list_date:
        return f"nothing new: the published list for {when} is current"
    return "nothing published: no extract could be used"


def _landed(landing: LandingResult) -> list[tuple[str, str]]:
    rows = sum(arrival.rows_landed for arrival in landing.arrivals)
    bad = sum(arrival.rows_quarantined for arrival in landing.arrivals)
    landed = (
        f"{plural(len(landing.landed), 'extract')}{_span(landing.landed)}: {plural(rows, 'row')}, {bad:,} in quarantine"
    )
    earlier = f"; {plural(len(landing.unchanged), 'extract')} landed before" if landing.unchanged else ""
    return [
        ("Landed", f"{landed if landing.landed else 'no new extract'}{earlier}"),
        *_few("Refused", [refusal.message for refusal in landing.refused]),
    ]


def _span(ids: list[str]) -> str:
    if not ids:
        return ""
    return f" ({ids[0]})" if len(ids) == 1 else f" ({ids[0]} to {ids[-1]})"


def _published(ending: Ending, run: Run) -> list[tuple[str, str]]:
    publication, moved = run.publication, ending.movement
    if publication is None:
        return []
    lines = [("Ranked", plural(publication.rows["offender_harm"], "person", "people"))]
    if moved:
        change = f"{moved['entered']} entered and {moved['people_left']} left since {moved['previous_list_date']}"
        lines.append(("Changes", change))
    return lines + _few("Warning", publication.warnings)


def _few(label: str, sentences: list[str]) -> list[tuple[str, str]]:
    more = len(sentences) - _MOST_LINES
    lines = [(label, sentence) for sentence in sentences[:_MOST_LINES]]
    return lines + ([(label, f"and {more} more: see harmrank status or the log")] if more > 0 else [])


def _where_to_look(ending: Ending, run: Run) -> list[tuple[str, str]]:
    lines = []
    if ending.result is not None and ending.result.list_date:
        lines.append(("See", f"harmrank top --home {ending.home.root}"))
    if run.landing and (run.landing.refused or any(arrival.rows_quarantined for arrival in run.landing.arrivals)):
        lines.append(("See", f"{run.home.reports / 'index.html'}: reports for the suppliers of the extracts"))
    return [*lines, ("See", f"{run.log.path}: one line per step")]
