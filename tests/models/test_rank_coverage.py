"""Redrawn places against known rates of harm: the short form of tests/reliability/rank_coverage.py."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from reliability import rank_coverage
from support import independent

PEOPLE = 4_000
MORE_PEOPLE = 20_000  # of whom not all are redrawn


@pytest.fixture(scope="module")
def invented() -> rank_coverage.Population:
    """A small population."""
    return rank_coverage.population(PEOPLE, 1, rank_coverage.weights())


def test_places_follow_the_rates(invented: rank_coverage.Population) -> None:
    """More harm a year is a smaller place; people of one rate share the middle of their places."""
    assert (np.diff(invented.rates[np.argsort(invented.places)]) <= 0).all()
    assert invented.places.sum() == PEOPLE * (PEOPLE + 1) / 2
    alike = invented.rates == invented.rates.min()
    assert alike.sum() > 1
    assert set(invented.places[alike]) == {PEOPLE - (alike.sum() - 1) / 2}


def test_years_have_the_harm_of_the_rates_on_average() -> None:
    """Draws have the mean of the true rates, for each kind of career."""
    days = rank_coverage.weights()
    invented = rank_coverage.population(MORE_PEOPLE, 1, days)
    harm = np.zeros(MORE_PEOPLE)
    years = 60
    for sample in range(years):
        year = rank_coverage.a_year(invented, 1, sample, days)
        harm += np.bincount(year["person"], year["harm_days"], MORE_PEOPLE)
    for kind in np.unique(invented.kind):
        these = invented.kind == kind
        assert harm[these].sum() / years == pytest.approx(invented.rates[these].sum(), rel=0.06), kind


@pytest.mark.thorough
def test_the_redraws_flatter_those_at_the_top() -> None:
    """Everybody redrawn counts as held, lower or higher. Listed people are in fewer true hundreds than the redraws show."""
    listed, below, *bands = rank_coverage.measure(samples=2, people=MORE_PEOPLE, seed=1)
    assert listed.people == 2 * rank_coverage.LISTED
    assert sum(band.people for band in bands) == listed.people + below.people
    for tally in (listed, below, *bands):
        assert tally.held + tally.truly_lower + tally.truly_higher == tally.people
    assert listed.chance > listed.truly_listed
    assert listed.truly_lower > listed.truly_higher


@pytest.mark.thorough
def test_leaving_people_out_costs_next_to_nothing() -> None:
    """A person left out of the redraws would hardly ever have been listed, and changes nobody else's share of redraws."""
    cost = rank_coverage.cost_of_leaving_out(samples=1, people=MORE_PEOPLE // 2, seed=1)
    assert cost.people > cost.redrawn == 2_000
    assert cost.most_listed == 0
    assert cost.other_shares == 0


@pytest.mark.thorough
def test_the_redraws_of_a_large_force_agree_with_plain_python() -> None:
    """A year in which only some people are redrawn and the rest keep their recorded harm: the same draws, no SQL."""
    days = rank_coverage.weights()
    year = rank_coverage.a_year(rank_coverage.population(MORE_PEOPLE, 1, days), 1, 0, days)
    found = rank_coverage.Models().uncertainty(year)
    columns = ["harm_rank", "listed_in_redraws", "redrawn_rank_low", "redrawn_rank_high"]
    wanted = [[getattr(place, name) for name in columns] for place in independent.redraw(places(year))]
    assert len(wanted) == 2_000
    assert np.column_stack([found[name] for name in columns]).tolist() == wanted


def places(year: dict[str, np.ndarray]) -> list[independent.Place]:
    """The ranking of a year, in plain Python. Each allegation has a woman of its own."""
    evidence: dict[str, list[independent.Evidence]] = {}
    reported: dict[str, list[date]] = {}
    for number, (key, harm, ago) in enumerate(zip(year["key"], year["harm_days"], year["ago"], strict=True), start=1):
        who = f"met|{key:07}"
        evidence.setdefault(who, []).append(
            independent.Evidence("met", f"c{number:07}", float(harm), "named", False, False)
        )
        reported.setdefault(who, []).append(date.fromisoformat(rank_coverage.LIST_DATE) - timedelta(days=int(ago)))
    unranked = [
        independent.Place(
            who, sum(one.harm_days or 0 for one in found), len(found), len(found), min(reported[who]),
            max(reported[who]), 0, 0, False, found,
        )
        for who, found in evidence.items()
    ]  # fmt: skip
    return independent.in_order(unranked)
