"""Writes the table of accepted forms in docs/extracts.md from the contract: `make dictionary`.

python docs/site/forms.py docs/extracts.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from harmrank import contract
from harmrank.contract import TABLES, Kind

_PLACE = re.compile(r"(?<=<!-- forms: make dictionary -->\n).*?(?=<!-- end of forms -->)", re.DOTALL)


def main() -> None:
    """Rewrites the table in the page."""
    page = Path(sys.argv[1])
    page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")


def rewritten(page: str) -> str:
    """Returns the page with the table of the contract as it is. Raises ValueError if the page has no place for it."""
    if not _PLACE.search(page):
        raise ValueError("the page has no place for the table of forms")
    return _PLACE.sub(lambda _: forms(), page)


def forms() -> str:
    """Returns the table in Markdown: a row for each kind of value."""
    also = _words(word for word in _column("people", "deleted").true if word not in contract.TRUE)
    rows = [
        ("missing, in every column", f"blank, {_words(word for word in contract.MISSING if word)}"),
        ("missing, in any case, but not in names", _words(contract.MISSING_BUT_NAMES)),
        (
            "missing, in any case, where a column takes no free text",
            f"{_words(contract.MISSING_BUT_TEXT)}; in a column of days also `{contract.NO_DAY}`",
        ),
        ("day", f"{_words(contract.DAYS)}; a time without an offset may follow and is left out"),
        ("time, after a day", _words(contract.TIMES)),
        ("offset, after a time", f"{_words(contract.OFFSETS)}; the time becomes UTC"),
        (
            "day with a time and an offset, in a column of days",
            'the local day, if extract.json states `"time_zone": "Europe/London"`; else not usable',
        ),
        ("whole number", "`15`, `015`, `15.0`"),
        ("flag, in any case: yes", f"{_words(contract.TRUE)}; in `deleted` also {also}"),
        ("flag, in any case: no", _words(contract.FALSE)),
    ]
    for table in TABLES.values():
        for column in table.columns:
            if column.kind is Kind.CHOICE:
                choices = "; ".join(
                    f"`{choice}`" + (f" ({_words(word.replace('_', ' ') for word in spellings)})" if spellings else "")
                    for choice, spellings in column.choices.items()
                )
                rows.append((f"`{column.name}`, in any case", choices))
    lines = [f"| {name} | {accepted} |" for name, accepted in rows]
    return "\n".join(["| value | accepted |", "|---|---|", *lines, ""])


def _column(table: str, name: str) -> contract.Column:
    column = TABLES[table].column(name)
    if column is None:
        raise KeyError(name)
    return column


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


if __name__ == "__main__":
    main()
