"""Reads and writes durations: `26h`, `26 hours`."""

from __future__ import annotations

import re
from datetime import timedelta

from harmrank.text.wording import plural

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = re.compile(r"([1-9]\d{0,5})([smhdw])", re.ASCII)


def parse(text: str) -> timedelta:
    """Returns the duration of `26h`, `90m`, `2d`, `45s` or `1w`. Raises ValueError, with the right form, for all else."""
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"{text} is not a duration: write 26h, 90m or 2d (a whole number above 0, then s, m, h, d or w)"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def spoken(span: timedelta) -> str:
    """Returns a duration in its largest useful unit: `45 seconds`, `90 minutes`, `26 hours`, `12 days`."""
    seconds = abs(int(span.total_seconds()))
    for name, length, least in (("day", 86_400, 3), ("hour", 3_600, 3), ("minute", 60, 2)):
        if seconds >= least * length:
            return plural(seconds // length, name)
    return plural(seconds, "second")
