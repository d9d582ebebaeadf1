"""Feeds that are readable but wrong: the short form of tests/reliability/wrong_feeds.py, and what it takes for a wrong list."""

from __future__ import annotations

from pathlib import Path

import pytest
from reliability.ordinary_feeds import WHO, Extract, ordinary
from reliability.wrong_feed_kinds import KINDS, LAST, WHOLE
from reliability.wrong_feeds import Case, List, Truth, attack, judged, make_case, wrong_feed, wrong_places

SHORT = {
    "Dates of crimes as day/month/year": "refused",
    "Every crime in one area": "harmless",
    "Only one district": "warned",
}
"""What a mistake in the last month leads to."""


@pytest.mark.thorough
def test_a_readable_mistake_never_gives_a_wrong_list_in_silence(tmp_path: Path) -> None:
    """A mistake in an export is refused, held, warned of or harmless; and the attack recognises each outcome."""
    cases = [Case(number, kind, LAST, 1) for number, kind in enumerate(KINDS) if kind.title in SHORT]
    verdicts, _ = attack(cases, ordinary_feeds=0, jobs=1, work=tmp_path)
    assert {verdict.case.kind.title: verdict.outcome for verdict in verdicts} == SHORT


@pytest.mark.thorough
def test_every_mistake_changes_a_feed() -> None:
    """A kind that changes nothing would count as harmless for ever."""
    right = ordinary(1)
    for number in range(len(KINDS)):
        case = make_case(number)
        whole = Case(number, case.kind, WHOLE if WHOLE in case.kind.whens else case.kind.whens[0], 1)
        assert wrong_feed(whole, right) != right, case


TRUE = Truth([], {"p1": "f|p1", "p2": "f|p2"}, {"f|p1": 10.0}, {"p1": {frozenset({"ann", "lee"})}, "p2": set()}, "", {})
LINKS = [Extract("2026-10-31", {"involvements": [
    {"person_ref": ref, "crime_ref": crime, WHO: who}
    for ref, crime, who in (("p1", "c1", "p1"), ("p2", "c2", "p2"), ("p3", "c3", "p1"), ("p1", "c4", "p2"))
]})]  # fmt: skip
ANN = ("f|p1", "p1", "Ann", "Lee", {"c1"})


@pytest.mark.parametrize(
    ("found", "figures"),
    [
        (([ANN], {"f|p1": (1, 10.0)}), (0, 0, 0)),
        (([("f|p1", "p1", "Lee", "Ann", {"c1"})], {"f|p1": (1, 10.0)}), (0, 0, 0)),
        (([("f|p1", "p1", None, None, {"c1"})], {"f|p1": (1, 10.0)}), (0, 0, 0)),
        (([("f|p3", "p3", "Ann", "Lee", {"c3"})], {"f|p3": (1, 10.0)}), (0, 0, 0)),
        (([ANN], {"f|p1": (1, 10.5)}), (0, 1, 0)),
        (([], {}), (0, 0, 1)),
        (([ANN], {"f|p1": (101, 10.0)}), (0, 0, 1)),
        (([("f|p1", "p1", "Bea", "Lee", {"c1"})], {"f|p1": (1, 10.0)}), (1, 0, 1)),
        (([("f|p2", "p2", None, None, {"c2"})], {"f|p2": (1, 10.0)}), (1, 0, 1)),
        (([("f|p1", "p1", None, None, {"c1", "c4"})], {"f|p1": (1, 10.0)}), (1, 0, 1)),
        (([ANN, ("f|p3", "p3", "Ann", "Lee", {"c3"})], {"f|p1": (1, 10.0), "f|p3": (2, 10.0)}), (1, 0, 0)),
    ],
    ids=["the truth", "names the other way", "no name", "another reference", "other harm", "nobody", "place 101",
         "another's name", "not of the hundred", "two people", "listed twice"],
)  # fmt: skip
def test_a_place_is_right_for_one_person_of_the_true_hundred(found: List, figures: tuple[int, int, int]) -> None:
    """Wrong, of other harm, absent: counted by who is meant, not by the reference."""
    assert wrong_places(LINKS, TRUE, found) == figures


@pytest.mark.parametrize(
    ("warnings", "figures", "outcome"),
    [
        ([], (0, 0, 0), "harmless"),
        (["sex of 40 people changed"], (0, 0, 0), "harmless"),
        (["sex of 40 people changed"], (1, 0, 1), "warned"),
        (["fewer crimes than before"], (1, 0, 1), "vague"),
        ([], (1, 0, 1), "missed"),
        ([], (0, 1, 0), "altered"),
        ([], (0, 0, 1), "altered"),
    ],
)
def test_a_wrong_list_is_missed_without_a_new_warning(
    warnings: list[str], figures: tuple[int, int, int], outcome: str
) -> None:
    """A warning counts only if it names what went wrong."""
    kind = next(kind for kind in KINDS if kind.title == "M and F exchanged")
    assert judged(kind, warnings, figures)[0] == outcome
