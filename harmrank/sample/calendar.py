"""The months of a feed, and how crimes are distributed over months and days.

Days are whole numbers counted from 1970-01-01.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from harmrank.sample.columns import Column, Floats, pick, shares

LAST_MONTH = (2026, 10)
EXTRACT_TIME = "23:45:00"
EXTRACT_SECOND = 23 * 3600 + 45 * 60
DAY_SECONDS = 86_400

# Recorded crime in England and Wales is lowest in winter and highest in early summer; weekends are recorded on Monday.
_MONTH_WEIGHTS = (0.97, 0.95, 1.00, 0.99, 1.03, 1.04, 1.05, 1.01, 1.00, 1.02, 0.99, 0.95)
_WEEKDAY_WEIGHTS = (1.08, 1.03, 1.02, 1.02, 1.03, 0.93, 0.89)

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Month:
    """One month of the feed. `index` 0 is the first extract; months before the feed have a negative index."""

    index: int
    first_day: int
    last_day: int

    @property
    def extract_id(self) -> str:
        """The id of the extract taken at the end of the month."""
        return to_date(self.last_day).isoformat()

    @property
    def extract_at(self) -> int:
        """The second, from 1970-01-01, at which the extract is taken."""
        return self.last_day * DAY_SECONDS + EXTRACT_SECOND

    @property
    def day_weights(self) -> Floats:
        """How many crimes are reported on each day of the month, relative to an average day."""
        days = [to_date(day) for day in range(self.first_day, self.last_day + 1)]
        return np.array([_MONTH_WEIGHTS[day.month - 1] * _WEEKDAY_WEIGHTS[day.weekday()] for day in days])

    def draw_days(self, rng: np.random.Generator, n: int) -> Column:
        """Returns `n` days of the month."""
        return self.first_day + pick(shares(self.day_weights.tolist()), rng.random(n))


def to_date(day: int) -> date:
    """Returns the calendar date of a day number."""
    return _EPOCH + timedelta(days=day)


def month_at(index: int, months: int) -> Month:
    """Returns the month of that index in a feed of `months` months, which always ends with LAST_MONTH."""
    place = LAST_MONTH[0] * 12 + LAST_MONTH[1] - months + index
    first = date(place // 12, place % 12 + 1, 1)
    after = date((place + 1) // 12, (place + 1) % 12 + 1, 1)
    return Month(index, (first - _EPOCH).days, (after - _EPOCH).days - 1)


def share_out(crimes: int, months: int) -> list[int]:
    """Returns how many crimes arrive in each month; they sum to `crimes`."""
    weights = [float(month_at(index, months).day_weights.sum()) for index in range(months)]
    ends = np.rint(shares(weights) * crimes).astype(np.int64)
    return [int(n) for n in np.diff(ends, prepend=0)]
