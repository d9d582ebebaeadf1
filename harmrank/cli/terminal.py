"""What a command writes: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import click

from harmrank.text.printable import printable, printable_json


def say(line: str) -> None:
    """Writes a line for people to stderr, so that stdout holds only results."""
    click.echo(printable(line), err=True)


def print_json(value: Any) -> None:
    """Writes a result as JSON to stdout. Dates and timestamps (UTC) become ISO text."""
    click.echo(printable_json(json.dumps(value, indent=2, ensure_ascii=False, default=_json_value)))


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


@contextmanager
def node_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Returns a function that shows how many nodes are built: a moving bar on a terminal, elsewhere a line per tenth."""
    if not sys.stderr.isatty():
        shown = {0}

        def plain(name: str, done: int, total: int) -> None:
            tenth = done * 10 // max(total, 1)
            if tenth not in shown:
                shown.add(tenth)
                say(f"  {done} of {total}: {name}")

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, start=True, visible=False)

        def moving(name: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description=name, visible=True)

        yield moving


def console() -> Any:
    """Returns rich's console for stdout."""
    from rich.console import Console

    # A pipe has no width: its output must not be cut to that of a terminal.
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 130)
