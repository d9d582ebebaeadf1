"""Rows as columns of whole numbers, and random streams that depend only on the seed and their purpose.

A missing value is MISSING, an unusable one JUNK. Text appears only when rows are written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Columns = dict[str, Column]

MISSING = -1
JUNK = -2
NO_DAY = -1_000_000  # MISSING would be a day in 1969
JUNK_DAY = NO_DAY - 1

_COHORT_OFFSET = 1_000  # months before the feed are negative, a seed may not be


def stream(seed: int, month: int, purpose: int, chunk: int = 0) -> np.random.Generator:
    """Returns the random generator of one purpose in one month and chunk (months from -1000 on)."""
    return np.random.Generator(np.random.PCG64([seed, month + _COHORT_OFFSET, purpose, chunk]))


def rows(columns: Columns) -> int:
    """Returns the number of rows."""
    return len(next(iter(columns.values()))) if columns else 0


def take(columns: Columns, index: Column | Mask) -> Columns:
    """Returns the rows at the index, or where the mask is true."""
    return {name: values[index] for name, values in columns.items()}


def join(parts: Sequence[Columns]) -> Columns:
    """Returns the parts one below the other; all have the same columns."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def full(n: int, value: int) -> Column:
    """Returns a column of one value."""
    return np.full(n, value, dtype=np.int64)


def shares(weights: Sequence[float]) -> Floats:
    """Returns cumulative shares for `pick`; the last is exactly 1."""
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.asarray(total / total[-1], dtype=np.float64)


def pick(cumulative: Floats, uniform: Floats) -> Column:
    """Returns positions drawn with the given cumulative shares, one for each uniform number."""
    return np.searchsorted(cumulative, uniform, side="right").astype(np.int64)


def chance(rng: np.random.Generator, n: int, rate: float) -> Mask:
    """Returns a mask that is true at the given rate."""
    return np.asarray(rng.random(n) < rate)


def scatter(keys: Column, salt: int) -> Floats:
    """Returns uniform numbers in [0, 1) that depend only on key and salt (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = keys.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return np.asarray((z >> np.uint64(11)).astype(np.float64) / float(1 << 53))
