"""What a refresh ends with for a person: what it did, what it could not use, how long it took, where to look."""

from __future__ import annotations

import shutil
import sys
import textwrap
from datetime import date

import click

from harmrank.landing.outcome import LandingResult
from harmrank.refreshing.attempt import Ending
from harmrank.refreshing.logbook import Logbook
from harmrank.text.printable import printable
from harmrank.text.wording import plural

# Of these steps it is said how long they took; the others are quick, or part of one of them.
_LONG_STEPS = {
    "landing": "landing",
    "copying": "copying",
    "building": "building and testing",
    "publishing": "checking and publishing",
    "compacting": "compacting",
    "hook on-publish": "the hook on-publish",
}
_LABEL_WIDTH = 9
_MOST_LINES = 10
"""Refusals and warnings that are said one by one; `harmrank status` and the log have all."""


def lines(ending: Ending, log: Logbook, known_at: date | None) -> list[tuple[str, str]]:
    """The summary, as labels and sentences; the first label is empty. Nothing where landing was not even done."""
    if log.landing is None:
        return []
    said: list[tuple[str, str]] = [("", _headline(ending, log, known_at))]
    said += _of_landing(log.landing)
    said += _of_publication(ending, log)
    took = ", ".join(f"{name} {log.seconds[step]:.1f}" for step, name in _LONG_STEPS.items() if step in log.seconds)
    said.append(("Took", f"{log.seconds.get('refresh', log.elapsed):.1f} s" + (f": {took}" if took else "")))
    return said + _where_to_look(ending, log)


def show(said: list[tuple[str, str]]) -> None:
    """Print it to stderr: wrapped and with its labels in bold on a terminal, a line a sentence elsewhere."""
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    for label, sentence in said:
        text = printable(sentence)
        if not label:
            click.echo(click.style(text, bold=True), err=True)
            continue
        indent = " " * (2 + _LABEL_WIDTH)
        wrapped = textwrap.wrap(text, width - len(indent), break_on_hyphens=False) if width else [text]
        click.echo(f"  {click.style(label.ljust(_LABEL_WIDTH), bold=True)}" + f"\n{indent}".join(wrapped), err=True)


def _headline(ending: Ending, log: Logbook, known_at: date | None) -> str:
    when = f"{log.build['list_date']}{f' as known on {known_at}' if known_at else ''}"
    if log.publication:
        return (
            f"published the list for {when}: {log.publication.rows['top_100']} places, "
            f"build {log.publication.build_id}, {log.elapsed:.1f} s"
        )
    if ending.result is None:
        return f"not published: {ending.outcome} while {ending.during}"
    if ending.result.list_date:
        return f"nothing new: the published list for {when} stands"
    return "nothing published: there is no extract that could be used"


def _of_landing(landing: LandingResult) -> list[tuple[str, str]]:
    rows = sum(arrival.rows_landed for arrival in landing.arrivals)
    bad = sum(arrival.rows_quarantined for arrival in landing.arrivals)
    landed = (
        f"{plural(len(landing.landed), 'extract')}{_span(landing.landed)}: {plural(rows, 'row')}, {bad:,} in quarantine"
    )
    known = f"; {plural(len(landing.unchanged), 'extract')} landed before" if landing.unchanged else ""
    said = [("Landed", f"{landed if landing.landed else 'no new extract'}{known}")]
    said += _few("Refused", [refusal.message for refusal in landing.refused])
    return said


def _span(ids: list[str]) -> str:
    if not ids:
        return ""
    return f" ({ids[0]})" if len(ids) == 1 else f" ({ids[0]} to {ids[-1]})"


def _of_publication(ending: Ending, log: Logbook) -> list[tuple[str, str]]:
    publication, moved = log.publication, ending.movement
    if publication is None:
        return []
    said = [("Ranked", plural(publication.rows["offender_harm"], "person", "people"))]
    if moved:
        change = f"{moved['entered']} entered and {moved['people_left']} left since {moved['previous_list_date']}"
        said.append(("Changes", change))
    return said + _few("Warning", publication.warnings)


def _few(label: str, sentences: list[str]) -> list[tuple[str, str]]:
    more = len(sentences) - _MOST_LINES
    said = [(label, sentence) for sentence in sentences[:_MOST_LINES]]
    return said + ([(label, f"and {more} more: harmrank status, and the log")] if more > 0 else [])


def _where_to_look(ending: Ending, log: Logbook) -> list[tuple[str, str]]:
    said = []
    if ending.result is not None and ending.result.list_date:
        said.append(("See", f"harmrank top --home {ending.home.root}"))
    if log.landing and (log.landing.refused or any(arrival.rows_quarantined for arrival in log.landing.arrivals)):
        said.append(("See", f"{log.home.reports / 'index.html'}, the reports for who sent the extracts"))
    return [*said, ("See", f"{log.path}, a line a step")]
