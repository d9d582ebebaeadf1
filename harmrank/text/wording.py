"""Figures and dates as they are read aloud, the same on a terminal and on a page."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import date
from typing import Any


def days(value: float | None) -> str:
    """Days with thousands separated; halves are kept, a missing weight is said."""
    if value is None:
        return "no weight"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


# One and several of the unit of a harm index; a unit that is not here is said as it is.
_UNITS = {
    "days of imprisonment": ("day", "days"),
    "crimes": ("crime", "crimes"),
    "severity score": ("point of severity", "points of severity"),
}


def in_unit(value: float | None, unit: str) -> str:
    """The same with the unit of the harm index: `1 day`, `1,825 days`, `4 crimes`, `no weight`."""
    one, many = _UNITS.get(unit, (unit, unit))
    return days(value) if value is None else f"{days(value)} {one if value == 1 else many}"


def as_known(known_at: date | None) -> str:
    """What is said of a list that was made again as it was known on a day; nothing of any other."""
    return f"as it was known on {day(known_at)}" if known_at else ""


def day(value: date) -> str:
    """A date as it is read aloud: 3 March 2026."""
    return f"{value.day} {value:%B %Y}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 allegation`, `4 allegations`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def share_of(share: float) -> str:
    """A share of 1 that begins a sentence; one that is neither nought nor all never reads as if it were."""
    if share == 1:
        return "All"
    return "Less than 1 %" if share < 0.01 else "More than 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def per_cent(share: float) -> str:
    """The same within a sentence: `80 %`, `less than 1 %`, and `0 %` for none."""
    return f"{100 * share:.0f} %" if share in (0, 1) else share_of(share).lower()


def brief(title: str, longest: int = 48) -> str:
    """An official title short enough for a cell: its first sentence, cut. `explain` gives it whole."""
    return textwrap.shorten(title.split(". ")[0], longest, placeholder=" ...")


def split(row: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """How far the harm has got, named (or arrested), charged and convicted, in whole per cent that add up to a hundred.

    None where there is no harm.
    """
    harm = row["harm_days"]
    if not harm:
        return None
    charged, convicted = (round(100 * row[f"harm_days_{status}"] / harm) for status in ("charged", "convicted"))
    return 100 - charged - convicted, charged, convicted
