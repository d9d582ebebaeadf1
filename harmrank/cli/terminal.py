"""What a command writes: results to stdout, everything else to stderr."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import select
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, TextIO

import click

from harmrank.errors import HarmrankError
from harmrank.text.printable import printable, printable_json, printable_rows

_PIPE_WIDTH = 130
"""Characters in a line of a table that goes to a file or pipe, which has no width of its own."""
_LEAST_TEXT, _LEAST_KEY = 16, 24
"""Characters of a text and of a key that a column needs: fewer would not say which offence or person is meant."""


class _Output(io.FileIO):
    """stdout or stderr (`fileno`). Output that nobody reads is no error; neither is anything on stderr.

    Raises HarmrankError if stdout cannot be written for another reason, such as a full disk.
    """

    def write(self, data: Any) -> int:
        try:
            while (written := super().write(data)) is None:
                # A terminal that another program has set to non-blocking is not ready.
                select.select([], [self], [])
            return written
        except OSError as error:
            number = self.fileno()
            if number == 1 or error.errno == errno.EPIPE:
                # What is written later, by a hook too, has nowhere to go either.
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, number)
                os.close(nowhere)
            if number == 1 and error.errno != errno.EPIPE:
                raise HarmrankError(f"the result could not be written to standard output ({error.strerror})") from None
            return len(data)


def open_streams() -> None:
    """Replaces stdout and stderr by streams that stop no work: closed, unread, full, or without a character of the text."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Otherwise the next file that is opened, such as the warehouse, would get this number and the output.
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = _stream(sys.stdout, 1), _stream(sys.stderr, 2)


def _stream(before: TextIO | None, number: int) -> io.TextIOWrapper:
    output = _Output(number, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=before.encoding if before else "utf-8",
        errors="backslashreplace",
        line_buffering=number == 2 or output.isatty(),
        write_through=bool(getattr(before, "write_through", False)),
    )


def say(line: str) -> None:
    """Writes a line for people to stderr, so that stdout holds only results."""
    click.echo(printable(line, encoding=encoding(sys.__stderr__)), err=True)


def shown(value: Any) -> Any:
    """Returns a text, or the texts in rows, as stdout can show them."""
    return printable_rows(value, encoding(sys.__stdout__))


def encoding(stream: TextIO | None) -> str:
    """Returns the encoding of a stream as Python opened it: a progress bar replaces it by one without an encoding."""
    return (stream and stream.encoding) or "utf-8"


def print_json(value: Any) -> None:
    """Writes a result as JSON to stdout. Dates and timestamps (UTC) become ISO text."""
    print_document(printable_json(json.dumps(value, indent=2, ensure_ascii=False, default=_json_value)))


def print_document(text: str) -> None:
    """Writes a result for programs to stdout: always UTF-8."""
    click.echo(text.encode())


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


@contextmanager
def node_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Returns a function that shows how many nodes are built: a moving bar on a terminal, elsewhere a line per tenth."""
    if not sys.stderr.isatty() or is_plain():
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

    # Python's own function, because rich takes COLUMNS=0 and a terminal without a size at their word.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, markup=False, width=width, height=100, color_system=None if is_plain() else "auto")


def is_plain() -> bool:
    """Returns whether the terminal would show the signs for bold type instead of bold type."""
    return os.environ.get("TERM", "dumb") in ("dumb", "unknown", "")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    A figure is never wrapped or cut, a key (of a person, an extract or a build) is shortened, any other text is wrapped. On
    a narrow terminal, the column with the highest `leaves` is left out first; 0 stays. `from_width` is the least width of a
    terminal, in characters, that shows it.
    """

    heading: str
    leaves: int = 0
    is_figure: bool = False
    is_key: bool = False
    from_width: int = 0


def print_table(
    console: Any, columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str | None = None
) -> None:
    """Prints rows as a table that fits the console, and which columns it had to leave out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows = shown([list(row) for row in rows])
    cells = [[column.heading, *(row[place] for row in rows)] for place, column in enumerate(columns)]
    widths = _widths(columns, cells, console.width)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="bold")
    for place, width in widths.items():
        column = columns[place]
        table.add_column(
            column.heading,
            justify="right" if column.is_figure else "left",
            width=width,
            no_wrap=column.is_key or column.is_figure,
            overflow="ellipsis" if column.is_key else "fold",
        )
    for row in rows:
        table.add_row(*(Text(row[place]) for place in widths))
    console.print(table)
    left_out = [" ".join(c.heading.replace("-\n", "").split()) for p, c in enumerate(columns) if p not in widths]
    if left_out:
        console.print(
            f"Left out, because the terminal is narrow: {', '.join(left_out)}. --json shows all.", style="dim"
        )


def _widths(columns: Sequence[Column], cells: list[list[str]], room: int) -> dict[int, int]:
    """Returns the width of each column that is shown, by its place."""
    from rich.cells import cell_len

    natural = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in cells]
    figures = [max(map(len, re.findall(r"[\d,.:/%-]*\d[\d,.:/%-]*", "\n".join(column))), default=0) for column in cells]
    # Where there is too little room even for what stays, a heading is wrapped, and a text is as narrow as the figures in it.
    narrowest = [
        max(map(cell_len, cells[place][1:]), default=1) if column.is_figure else max(figures[place], 1)
        for place, column in enumerate(columns)
    ]
    least = [
        wanted if column.is_figure else min(wanted, _LEAST_KEY if column.is_key else max(_LEAST_TEXT, longest))
        for column, wanted, longest in zip(columns, natural, figures, strict=True)
    ]
    kept = [place for place, column in enumerate(columns) if room >= column.from_width]
    # Each column has a blank on either side, and the table one more.
    while sum(least[place] + 2 for place in kept) + 1 > room and any(columns[place].leaves for place in kept):
        kept.remove(max(kept, key=lambda place: columns[place].leaves))
    widths = {place: least[place] for place in kept}
    spare = room - sum(width + 2 for width in widths.values()) - 1
    for change in [1 if spare > 0 else -1] * abs(spare):
        end = natural if change > 0 else narrowest
        free = [place for place in kept if (end[place] - widths[place]) * change > 0]
        if free:
            widths[min(free, key=lambda place: widths[place] * change)] += change
    return widths
