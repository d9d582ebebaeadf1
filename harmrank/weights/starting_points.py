"""Reads the starting point of a sentence, as the Cambridge Crime Harm Index words it, as days and as plain words.

A measure is a term of custody, a level of community order or a band of fine. Only a starting point with exactly one measure
is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

_YEAR = Decimal(365)
_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: Decimal(number) for number, word in enumerate(_NUMBER_WORDS, 1)}
_CUSTODY = re.compile(
    rf"\b(?P<number>\d+(?:\.\d+)?|{'|'.join(_NUMBER_WORDS)}) (?P<unit>year|month|week)s?\b", re.IGNORECASE
)
_COMMUNITY_ORDER = re.compile(r"\b(low|medium|high)[- ]level community order", re.IGNORECASE)
_ORDER_DAYS = {"low": Decimal(5), "medium": Decimal(10), "high": Decimal(19)}
_FINE = re.compile(r"\bband ([a-f]) fine", re.IGNORECASE)
_FINE_DAYS = {"a": Decimal(1), "b": Decimal(2), "c": Decimal(3)}
# A driving ban has a length of time but is not custody.
_DISQUALIFIED = re.compile(r"\d+ (?:months?|years?|weeks?) DQd", re.IGNORECASE)
_RANGE = re.compile(r"\branges?\b", re.IGNORECASE)

_Term = tuple[Decimal, str]


def contradicted_days(starting_point: str, days: Decimal) -> Decimal | None:
    """Returns the days of a starting point if they contradict the score `days`, otherwise None.

    A month is a twelfth of a year or 30 days, whichever is nearer to the score.
    """
    terms, order, fine = _measure(starting_point)
    if terms:
        candidates = _custody_days(terms)
    elif order:
        candidates = [_ORDER_DAYS[order]]
    else:
        candidates = [_FINE_DAYS[fine]] if fine in _FINE_DAYS else []
    if not candidates or any(abs(candidate - days) <= Decimal("0.5") for candidate in candidates):
        return None
    return candidates[0]


def words_of(starting_point: str) -> str | None:
    """Returns the measure of a starting point in words: `4 years' custody`, `medium level community order`, `band B fine`."""
    terms, order, fine = _measure(starting_point)
    if terms:
        spans = " ".join(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in terms)
        return f"{spans}'{'' if spans.endswith('s') else 's'} custody"
    if order:
        return f"{order} level community order"
    return f"band {fine.upper()} fine" if fine else None


def _measure(text: str) -> tuple[list[_Term], str, str]:
    """Returns terms of custody, level of a community order and band of a fine: one of them set, or none."""
    if _RANGE.search(text):
        return [], "", ""
    text = _DISQUALIFIED.sub("", text)
    terms = [(_number(match["number"]), match["unit"].lower()) for match in _CUSTODY.finditer(text)]
    orders = [level.lower() for level in _COMMUNITY_ORDER.findall(text)]
    fines = [band.lower() for band in _FINE.findall(text)]
    units = {unit for _, unit in terms}
    if len(orders) + len(fines) + bool(terms) != 1 or len(units) < len(terms):
        return [], "", ""
    return terms, orders[0] if orders else "", fines[0] if fines else ""


def _number(word: str) -> Decimal:
    return _NUMBERS.get(word.lower()) or Decimal(word)


def _custody_days(terms: Sequence[_Term]) -> list[Decimal]:
    amounts = {unit: number for number, unit in terms}
    months = amounts.get("month", Decimal(0))
    fixed = amounts.get("year", Decimal(0)) * _YEAR + amounts.get("week", Decimal(0)) * 7
    return [fixed + months * _YEAR / 12, fixed + months * 30]
