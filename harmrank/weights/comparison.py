"""Compares the weights of a workbook with an index that a home has: what a new edition would change, and what looks wrong."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harmrank.building.project import seed_rows
from harmrank.text.wording import days, plural

MOST_GONE = 0.1
"""Share of the codes, and of those in scope, at which the import stops because they would lose their weight: a new edition
retires single codes (that of 2020 lacks 2 of 221 in scope); a tenth is a part cut off, or a column of codes not read."""

MOST_TENFOLD = 0.02
"""Share of the codes in scope, at which it stops, whose weight would move tenfold or more: a new guideline moves single
offences; a decimal comma moves every long sentence at once."""

MOST_CONTRADICTED = 0.02
"""Share of the scores, at which it stops, that contradict the starting point in their own row: 3 of 668 do in the edition of
2020; scores that slip by one row make 28, another unit makes all."""

HUNDREDFOLD = 100
"""A single code in scope that moves so far needs a second look: from a fine to four months, or 1.825 for 1,825."""

TYPICAL = 2
"""The median of new through old weights at which it stops, and one through it: in weeks it is a seventh."""

_TENFOLD = 10
_UNIT = "days of imprisonment"
_LEAST_DAYS = 0.5
"""A weight below counts as this in a ratio: weights are rounded to half a day, and nothing can be divided by 0."""

_MOST_CODES = 12
"""Number of codes that a line names; `--json` has all."""

Weights = Mapping[str, float]
"""The lowest weight in days of each Home Office code and each recorded-crime code."""


@dataclass(frozen=True)
class Move:
    """A code whose weight moves tenfold or more, in days."""

    code: str
    was: float
    becomes: float
    in_scope: bool


@dataclass(frozen=True)
class Comparison:
    """The difference from an index: codes are Home Office codes and recorded-crime codes together.

    `gone_in_scope` are those of `gone` in the scope of the default method; `unweighted_in_scope` are all codes in scope that
    the new index does not weigh, and `unweighted_before` counts those that the other one does not weigh. `gross` says what
    is too different to be a new edition.
    """

    index: str
    codes: int
    shared: int
    gone: tuple[str, ...]
    gone_in_scope: tuple[str, ...]
    new: tuple[str, ...]
    changed: int
    moved: tuple[Move, ...]
    unweighted_in_scope: tuple[str, ...]
    unweighted_before: int
    gross: tuple[str, ...]


def lowest_by_code(rows: Iterable[tuple[str | None, str | None, float]]) -> dict[str, float]:
    """Returns the lowest weight by code of rows with a Home Office code, a recorded-crime code and days."""
    weights: dict[str, float] = {}
    for *codes, harm_days in rows:
        for code in filter(None, codes):
            weights[str(code)] = min(harm_days, weights.get(str(code), harm_days))
    return weights


def index_in_use() -> tuple[str, tuple[str, ...]]:
    """Returns the harm index of the default method, and the scopes that count for it."""
    default = next(row for row in seed_rows("ranking_methods") if row["is_default"] == "true")
    return default["harm_index"], tuple(default["vawg_scopes"].split())


def seeded_weights(index: str) -> dict[str, float]:
    """Returns the weights of an index of harmrank's own in days, with those of the index it extends; empty for any other."""
    indices = {row["harm_index"]: row for row in seed_rows("harm_indices") if row["unit"] == _UNIT}
    if index not in indices:
        return {}
    rows = seed_rows("harm_weights")
    weights: dict[str, float] = {}
    for name in (indices[index]["extends_index"], index):
        own = [row for row in rows if row["harm_index"] == name]
        weights |= lowest_by_code(
            (row["offence_code"], row["recorded_crime_code"], float(row["harm_days"])) for row in own
        )
    return weights


def newest_seeded_index_in_days() -> str:
    """Returns the last of harmrank's own indices in days, for a home that does not have the index in use or has one in points."""
    return [row["harm_index"] for row in seed_rows("harm_indices") if row["unit"] == _UNIT][-1]


def compare(new: Weights, index: str, old: Weights, scopes: Iterable[str]) -> Comparison:
    """Returns what differs between new weights and those of an index."""
    counted = set(scopes)
    scope = {row["offence_code"] for row in seed_rows("offences") if row["vawg_scope"] in counted}
    shared = sorted(new.keys() & old.keys())
    gone = sorted(old.keys() - new.keys())
    ratios = {code: max(new[code], _LEAST_DAYS) / max(old[code], _LEAST_DAYS) for code in shared}
    moved = [
        Move(code, old[code], new[code], code in scope)
        for code in shared
        if max(ratios[code], 1 / ratios[code]) >= _TENFOLD
    ]
    return Comparison(
        index=index,
        codes=len(old),
        shared=len(shared),
        gone=tuple(gone),
        gone_in_scope=tuple(code for code in gone if code in scope),
        new=tuple(sorted(new.keys() - old.keys())),
        changed=sum(new[code] != old[code] for code in shared),
        moved=tuple(sorted(moved, key=lambda move: (not move.in_scope, move.code))),
        unweighted_in_scope=tuple(sorted(scope - new.keys())),
        unweighted_before=len(scope - old.keys()),
        gross=tuple(_gross(index, ratios, set(old), scope)),
    )


def contradicted(rows: int, stated_rows: int) -> Iterable[str]:
    """Yields what is gross about scores that contradict the starting point in their own row."""
    if rows and rows >= MOST_CONTRADICTED * stated_rows:
        yield f"{rows} of {plural(stated_rows, 'score')} contradict the starting point in their own row"


def _gross(index: str, ratios: Mapping[str, float], weighed: set[str], scope: set[str]) -> Iterable[str]:
    for which, before in (("in scope that", weighed & scope), ("that", weighed)):
        gone = len(before - ratios.keys())
        if gone and gone >= MOST_GONE * len(before):
            yield f"{gone} of the {plural(len(before), 'code')} {which} {index} weighs would have no weight"
    kept = sorted(scope & ratios.keys())
    moves = {code: max(ratios[code], 1 / ratios[code]) for code in kept}
    tenfold = sum(move >= _TENFOLD for move in moves.values())
    if tenfold and tenfold >= MOST_TENFOLD * len(kept):
        yield f"{tenfold} of {plural(len(kept), 'weight')} in scope would move tenfold or more"
    far = [code for code, move in moves.items() if move >= HUNDREDFOLD]
    if far:
        yield f"{plural(len(far), 'code')} in scope would move a hundredfold or more: {_some(far)}"
    typical = statistics.median(ratios.values()) if ratios else 1
    if not 1 / TYPICAL < typical < TYPICAL:
        yield f"the typical weight would be {typical:.3g} times that of {index}: are the scores in days?"


def lines(comparison: Comparison, index_name: str) -> list[str]:
    """Returns the comparison as sentences; `index_name` is that of the new index."""
    other = f"the earlier import of {index_name}" if comparison.index == index_name else comparison.index
    moved = [
        f"{move.code} {days(move.was)} to {days(move.becomes)}{'' if move.in_scope else ' (out of scope)'}"
        for move in comparison.moved
    ]
    return [
        f"Compared with {other}: {comparison.shared} of its {plural(comparison.codes, 'code')} kept, "
        f"{comparison.changed} with another weight; {len(comparison.new)} new{_named(comparison.new)}.",
        f"Gone: {len(comparison.gone)}, in scope {len(comparison.gone_in_scope)}{_named(comparison.gone_in_scope)}.",
        f"Moved tenfold or more: {len(moved)}{_named(moved)}.",
        f"In scope without a weight: {plural(len(comparison.unweighted_in_scope), 'code')}, "
        f"in {other} {comparison.unweighted_before}.",
    ]


def _named(codes: Iterable[str]) -> str:
    named = _some(list(codes))
    return f": {named}" if named else ""


def _some(codes: list[str]) -> str:
    more = len(codes) - _MOST_CODES
    return ", ".join(codes[:_MOST_CODES]) + (f" and {more:,} more" if more > 0 else "")
