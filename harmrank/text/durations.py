"""Spans of time as people write and read them: `26h`, `26 hours`."""

from __future__ import annotations

import re
from datetime import timedelta

from harmrank.text.wording import plural

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = re.compile(r"([1-9]\d{0,5})([smhdw])", re.ASCII)


def parse(text: str) -> timedelta:
    """The span that `26h`, `90m`, `2d`, `45s` or `1w` means. Raises ValueError, with the form to write, for all else."""
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"{text} is no span of time: write 26h, 90m or 2d (s, m, h, d or w after a whole number above 0)"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def spoken(span: timedelta) -> str:
    """A span to the unit that matters: `45 seconds`, `90 minutes`, `26 hours`, `12 days`."""
    seconds = abs(int(span.total_seconds()))
    for name, length, least in (("day", 86_400, 3), ("hour", 3_600, 3), ("minute", 60, 2)):
        if seconds >= least * length:
            return plural(seconds // length, name)
    return plural(seconds, "second")
