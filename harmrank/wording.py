"""Figures and dates as they are read aloud, the same on a terminal and on a page."""

from __future__ import annotations

from datetime import date


def days(value: float | None) -> str:
    """Days with thousands separated; halves are kept, a missing weight is said."""
    if value is None:
        return "no weight"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def in_days(value: float | None) -> str:
    """The same with the unit: `1 day`, `1,825 days`, `no weight`."""
    return days(value) if value is None else f"{days(value)} {'day' if value == 1 else 'days'}"


def day(value: date) -> str:
    """A date as it is read aloud: 3 March 2026."""
    return f"{value.day} {value:%B %Y}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 allegation`, `4 allegations`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
