"""Figures and dates as they are read aloud, the same on a terminal and on a page."""

from __future__ import annotations

from datetime import date


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
