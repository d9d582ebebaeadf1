"""Words figures and dates, the same on the terminal and on pages."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import date
from typing import Any


def days(value: float | None) -> str:
    """Returns days with thousands separated (`1,825`, `182.5`), or `no weight` for None."""
    if value is None:
        return "no weight"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


# Singular and plural of the unit of a harm index. A unit that is not here is used unchanged.
_UNITS = {
    "days of imprisonment": ("day", "days"),
    "crimes": ("crime", "crimes"),
    "severity score": ("point of severity", "points of severity"),
}


def in_unit(value: float | None, unit: str) -> str:
    """Returns harm with the unit of its index: `1 day`, `1,825 days`, `4 crimes`, `no weight`."""
    one, many = _UNITS.get(unit, (unit, unit))
    return days(value) if value is None else f"{days(value)} {one if value == 1 else many}"


def as_known(known_at: date | None) -> str:
    """Returns the addition to the title of a past list (`--known-at`); empty for any other list."""
    return f"as it was known on {day(known_at)}" if known_at else ""


def day(value: date) -> str:
    """Returns a date in words: `3 March 2026`."""
    return f"{value.day} {value:%B %Y}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Returns a count with its noun: `1 allegation`, `4 allegations`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def share_of(share: float) -> str:
    """Returns a share (0 to 1) that begins a sentence: `All`, `32 %`, `Less than 1 %`. Only 1 is `All`."""
    if share == 1:
        return "All"
    return "Less than 1 %" if share < 0.01 else "More than 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def per_cent(share: float) -> str:
    """Returns a share (0 to 1) within a sentence: `80 %`, `less than 1 %`; only 0 is `0 %`."""
    return f"{100 * share:.0f} %" if share in (0, 1) else share_of(share).lower()


def brief(title: str, longest: int = 48) -> str:
    """Returns the first sentence of an official title, cut to `longest` characters for a table cell."""
    return textwrap.shorten(title.split(". ")[0], longest, placeholder=" ...")


def split(row: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """Returns the harm by status, named (or arrested), charged and convicted, in whole per cent that add up to 100.

    Returns None if there is no harm.
    """
    harm = row["harm_days"]
    if not harm:
        return None
    charged, convicted = (round(100 * row[f"harm_days_{status}"] / harm) for status in ("charged", "convicted"))
    return 100 - charged - convicted, charged, convicted
