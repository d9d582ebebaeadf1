"""The gates themselves: each data test catches its planted fault, each rule has a unit test that fails when it changes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY
from reliability import faults, mutations
from reliability.changed_rules import MUTATIONS, SEED_MUTATIONS


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home in which every mart has rows."""
    return faults.build_home(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def outcome(home: Path) -> faults.Outcome:
    """Every fault planted in it, one at a time."""
    return faults.attack(home)


@pytest.mark.thorough
def test_every_gate_catches_the_faults_planted_for_it(outcome: faults.Outcome) -> None:
    """A test that cannot fail protects nobody: each test must catch its fault."""
    assert len(outcome.verdicts) > 400
    assert [(verdict.fault.gate, verdict.fault.what) for verdict in outcome.missed] == []


@pytest.mark.thorough
def test_every_gate_has_a_fault(outcome: faults.Outcome) -> None:
    """A new data test needs a planted fault, written by hand for a singular test or a new generic test."""
    assert outcome.without_fault == []


def test_a_gate_that_catches_nothing_is_found() -> None:
    """The attack itself: a gate that misses its fault is named, and so is a gate without a fault."""
    blind = faults.Gate("blind", "singular", None, lambda _: False, needs_fault=True)
    fault = faults.Fault("blind", "no harm at all", "update mart.top_100 set harm_days = 0")
    assert faults.Outcome([blind], [faults.Verdict(fault, frozenset())]).missed
    assert faults.Outcome([blind]).without_fault == ["blind"]


def test_every_rule_to_change_is_in_its_file() -> None:
    """A change to the SQL of a rule needs a change to the text that the attack replaces."""
    assert [(mutation.file, mutation.old) for mutation in mutations.out_of_date()] == []
    assert len(MUTATIONS) > 150 and len(SEED_MUTATIONS) > 20


def test_the_unit_tests_rank_by_the_published_method() -> None:
    """The unit tests use the rules of the seed's row, so that they test the published method."""
    with (REPOSITORY / "seeds" / "ranking_methods.csv").open(encoding="utf-8", newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if row["is_default"] == "true")
    with (REPOSITORY / "tests" / "fixtures" / "rules_v100.csv").open(encoding="utf-8", newline="") as file:
        (given,) = csv.DictReader(file)
    parameters = given.keys() - {"list_date", "newest_extract_on"}
    of_the_comparison = {name for name in row if name.endswith("_percent")} | {"is_illustrative", "scoring"}
    assert parameters == row.keys() - {"title", "is_default"} - of_the_comparison
    assert {name: given[name] for name in parameters} == {name: row[name] for name in parameters}


@pytest.fixture(scope="module")
def copy(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[mutations.Project]:
    """A copy of the project that a test may change."""
    with mutations.project(tmp_path_factory.mktemp("mutations"), home) as project:
        yield project


@pytest.mark.thorough
@pytest.mark.parametrize(
    "means", ["the window has a day more at its start", "cleared suspects count", "the list has a place less"]
)
def test_a_changed_rule_fails_a_unit_test(copy: mutations.Project, means: str) -> None:
    """Three of the changes for real; `python -m reliability.mutations` tries all."""
    rule = next(mutation for mutation in MUTATIONS if mutation.means == means)
    verdict = mutations.try_rule(copy, rule)
    assert verdict.caught_by and not verdict.is_invalid


@pytest.mark.thorough
def test_a_change_that_changes_nothing_is_missed(copy: mutations.Project) -> None:
    """The attack itself: where no rule changes, no unit test fails."""
    same = mutations.Mutation(
        "models/intermediate/allegations/int_crime_victims.sql", "people.person_ref", "people.person_ref  ", "nothing"
    )
    assert mutations.try_rule(copy, same) == mutations.Verdict(same, [])
