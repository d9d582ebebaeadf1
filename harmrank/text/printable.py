"""Makes text from outside safe to print, log and store. No other module does this."""

import re
from typing import Any

_BEFORE_ANY_ROW = re.compile(r"^[^'\"]*\b(Binder|Catalog|Parser|Compilation|Dependency|Parsing) Error\b")
_QUOTED = re.compile(r"['\"].*['\"]")
LONGEST_NAME = 100
"""Characters kept of a name from outside: a file, a folder, a column."""

LONGEST_LINE = 2_000
"""Characters kept of a line that holds such names."""


def printable(text: str, longest: int = LONGEST_LINE, encoding: str = "utf-8") -> str:
    r"""Returns the text with every character that could control or mislead a terminal as an escape like `\x1b`.

    These are control characters, line ends, characters that change the writing direction or have no width, and bytes of
    file names that are not UTF-8; and characters that `encoding` lacks, for a terminal. The result has at most `longest`
    characters and an ellipsis. Safe text is unchanged, so calling this twice is harmless.
    """
    safe = text
    if not text.isprintable():
        start = text[: longest + 2]
        safe = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in start)
    # An earlier cut leaves one character more than allowed: its ellipsis.
    safe = safe if len(safe) <= longest + 1 else safe[:longest] + "…"
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def printable_name(name: str) -> str:
    """Returns a name from outside, printable and short."""
    return printable(name, LONGEST_NAME)


def printable_rows(value: Any, encoding: str = "utf-8") -> Any:
    """Returns rows of a table, or any nesting of dicts and lists, with every text in them printable."""
    if isinstance(value, str):
        return printable(value, encoding=encoding)
    if isinstance(value, dict):
        # Keeps the type: a row may raise an error of its own for a missing column.
        return type(value)((key, printable_rows(inner, encoding)) for key, inner in value.items())
    if isinstance(value, list):
        return [printable_rows(inner, encoding) for inner in value]
    return value


def printable_json(document: str) -> str:
    r"""Returns a JSON document with the same characters as JSON escapes (`\u202e`). Its content is unchanged."""
    if document.replace("\n", "").isprintable():
        return document
    return "".join(sign if sign == "\n" or sign.isprintable() else _json_escape(sign) for sign in document)


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))


def without_values(message: str) -> str:
    """Returns a message of dbt or DuckDB without quoted values, which may be somebody's name.

    A message from before any row was read (a missing column, an error in the SQL) can only quote names of the project and
    keeps them. From any other, everything between the first and the last quote is removed: a quoted value may itself
    contain quotes.
    """
    line = " ".join(message.split())
    if not _BEFORE_ANY_ROW.search(line):
        line = _QUOTED.sub("'...'", line.split(" LINE ", 1)[0])
    return " ".join(printable(line).split())[:400]
