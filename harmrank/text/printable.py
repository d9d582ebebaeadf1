"""Makes text that came from outside safe to print, to log and to keep: the one place that does."""

import re
from typing import Any

_BEFORE_ANY_ROW = re.compile(r"^[^'\"]*\b(Binder|Catalog|Parser|Compilation|Dependency|Parsing) Error\b")
_QUOTED = re.compile(r"['\"].*['\"]")
LONGEST_NAME = 100
"""Characters kept of a name from outside: of a file, a folder, a column."""

LONGEST_LINE = 2_000
"""Characters kept of a line that holds such names."""


def printable(text: str, longest: int = LONGEST_LINE) -> str:
    r"""The text with every sign a terminal might obey, or show as something else, written as an escape like `\x1b`.

    That is control characters and line ends, what turns the direction of writing, what has no width, and the
    bytes of file names that are no UTF-8. No more than `longest` characters and an ellipsis. Text that is safe
    stays as it is, so it does no harm to do this twice.
    """
    safe = text
    if not text.isprintable():
        start = text[: longest + 2]
        safe = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in start)
    # One more than allowed is what an earlier cut leaves, its ellipsis included.
    return safe if len(safe) <= longest + 1 else safe[:longest] + "…"


def printable_name(name: str) -> str:
    """A name from outside: printable, and short."""
    return printable(name, LONGEST_NAME)


def printable_rows(value: Any) -> Any:
    """Rows of a table, or any nesting of dicts and lists, with every text in them printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        # Of its own kind still: a row may know what to say of a column it lacks.
        return type(value)((key, printable_rows(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return [printable_rows(inner) for inner in value]
    return value


def printable_json(document: str) -> str:
    r"""A JSON document with the same signs written as JSON's own escapes, `\u202e`. It says the same."""
    if document.replace("\n", "").isprintable():
        return document
    return "".join(sign if sign == "\n" or sign.isprintable() else _json_escape(sign) for sign in document)


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))


def without_values(message: str) -> str:
    """What dbt or DuckDB said, without what it quotes from the data: that may be somebody's name.

    What is said before a row has been read (a column that is not there, a slip in the SQL) can only name names of
    the project, and keeps them. In all else, everything from the first quote to the last is left out, for a quoted
    value may hold quotes of its own.
    """
    line = " ".join(message.split())
    if not _BEFORE_ANY_ROW.search(line):
        line = _QUOTED.sub("'...'", line.split(" LINE ", 1)[0])
    return " ".join(printable(line).split())[:400]
