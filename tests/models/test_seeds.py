"""The seeds hold the published figures: compared with the reference data where it is at hand."""

from __future__ import annotations

import csv
import math
import os
from collections import defaultdict
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = Path(os.environ.get("HARMRANK_REFERENCE", ROOT.parent / "shared" / "reference"))
Row = dict[str, str]

with_reference = pytest.mark.skipif(
    not (REFERENCE / "cchi_2020.csv").is_file(), reason="the reference figures are not at hand (HARMRANK_REFERENCE)"
)


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def seed(name: str) -> list[Row]:
    return read(ROOT / "seeds" / f"{name}.csv")


def weights(index: str) -> list[Row]:
    return [row for row in seed("harm_weights") if row["harm_index"] == index]


def half_day(days: str) -> float:
    """The nearest half day, a tie upwards, computed without the importer's function."""
    value = Decimal(days)
    lower = (value * 2).to_integral_value(rounding="ROUND_FLOOR") / 2
    return float(lower + Decimal("0.5") if value - lower >= Decimal("0.25") else lower)


def home_office(code: str) -> str:
    return "002/00" if code == "00200" else code


def recorded_crime(code: str) -> str:
    return "" if code in {"NN", "ASB"} else code.replace("/", ".")


@with_reference
def test_every_code_of_the_cambridge_index_has_its_lowest_and_highest_value() -> None:
    published: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in read(REFERENCE / "cchi_2020.csv"):
        key = home_office(row["offence_code"]), recorded_crime(row["prc_offence_code"])
        published[key].append(row["days"])
    held = {(row["offence_code"], row["recorded_crime_code"]): row for row in weights("cchi_2020")}
    assert held.keys() == published.keys()
    for key, days in published.items():
        values = sorted({Decimal(value) for value in days})
        assert float(held[key]["harm_days"]) == half_day(str(values[0])), key
        assert float(held[key]["harm_days_highest"]) == half_day(str(values[-1])), key
        assert [Decimal(value) for value in held[key]["published_days"].split("|")] == values, key


@with_reference
def test_eleven_home_office_codes_carry_several_values() -> None:
    """A code with several values carries both, so that a list can say that its weight is ambiguous."""
    values: dict[str, set[str]] = defaultdict(set)
    for row in weights("cchi_2020"):
        values[row["offence_code"]].update(row["published_days"].split("|"))
    several = {code for code, days in values.items() if len(days) > 1}
    named = {
        row["offence_code"]
        for row in read(REFERENCE / "cchi_2020_anomalies.csv")
        if row["issue"].startswith("one HO classification")
    }
    assert several == named
    assert len(several) == 11


@with_reference
def test_every_severity_score_is_held_by_single_code() -> None:
    published = {row["prc_offence_code"]: row["css_weight"] for row in read(REFERENCE / "ons_css_weights.csv")}
    expected = {code: days for code, days in published.items() if "/" not in code}
    for codes, days in published.items():
        for code in codes.split("/"):
            expected.setdefault(code, days)
    held = {row["recorded_crime_code"]: row for row in weights("ons_css_2020")}
    assert held.keys() == expected.keys()
    for code, days in expected.items():
        assert held[code]["offence_code"] == ""
        assert held[code]["published_days"] == days
        assert float(held[code]["harm_days"]) == float(held[code]["harm_days_highest"]) == half_day(days)


@with_reference
def test_outcomes_keep_the_official_wording() -> None:
    official = {row["outcome_type"]: row for row in read(REFERENCE / "outcomes.csv")}
    held = {row["outcome_type"]: row for row in seed("outcomes")}
    assert list(held) == [str(number) for number in range(23)]
    named = {"1": "true", "0": "false", "": ""}
    for number, row in official.items():
        assert held[number]["outcome"] == row["meaning"]
        assert held[number]["implies_named_suspect"] == named[row["named_suspect_implied"]]


@with_reference
def test_every_home_office_code_has_its_official_title() -> None:
    held = {row["offence_code"]: row for row in seed("offences")}
    for row in read(REFERENCE / "ho_offence_ref.csv"):
        assert held[row["ho_code_slash"]]["offence"] == " ".join(row["subclass_description"].split())
    for row in read(REFERENCE / "prc_offence_ref.csv"):
        code = row["prc_offence_code"].upper()
        if "/" not in code and code not in {"NN", "ASB", "NFIB"}:
            assert held[code]["offence"] == " ".join(row["description"].split())


def scope(rules: list[str]) -> str:
    if any(rule.startswith("included") for rule in rules):
        return "in"
    return "discretionary" if any(rule.startswith("discretionary") for rule in rules) else "out"


@with_reference
def test_the_scope_is_the_working_list_code_by_code() -> None:
    home_office_rules: dict[str, list[str]] = defaultdict(list)
    recorded_crime_rules: dict[str, list[str]] = defaultdict(list)
    for row in read(REFERENCE / "vawg_candidates.csv"):
        home_office_rules[home_office(row["offence_code"])].append(row["working_rule"])
        recorded_crime_rules[recorded_crime(row["prc_offence_code"])].append(row["working_rule"])
    linked = {row["recorded_crime_code"] for row in seed("recorded_crime_links")}
    for row in seed("offences"):
        code = row["offence_code"]
        if row["code_type"] == "home_office":
            assert row["vawg_scope"] == scope(home_office_rules[code]), code
        elif code in linked:
            assert row["vawg_scope"] == scope(recorded_crime_rules[code]), code
        assert row["vawg_reason"], code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("019/08", "in"),
        ("19C", "in"),
        ("8N", "in"),
        ("19K", "in"),
        ("8S", "out"),
        ("104", "out"),
        ("4.4", "out"),
        ("4.8", "out"),
        ("4.9", "out"),
        ("4.10", "out"),
        ("37.1", "out"),
        ("066/39", "discretionary"),
        ("053/01", "out"),
    ],
)
def test_the_scope_of_codes_that_matter(code: str, expected: str) -> None:
    """Assault on police, unlawful driving and corporate manslaughter stay out; breaches of orders are discretionary."""
    assert {row["offence_code"]: row["vawg_scope"] for row in seed("offences")}[code] == expected


def test_strangulation_is_the_whole_supplement() -> None:
    assert {
        (row["offence_code"], row["recorded_crime_code"], row["harm_days"], row["source"])
        for row in weights("cchi_2020_supplemented")
    } == {(code, "", "547.5", "R v Cook [2023] EWCA Crim 452") for code in ("008/77", "008/78")}
    indices = {row["harm_index"]: row for row in seed("harm_indices")}
    assert indices["cchi_2020_supplemented"]["extends_index"] == "cchi_2020"
    assert float(indices["crime_count"]["flat_harm_days"]) == 1.0


def test_every_weight_and_link_is_of_a_known_code_and_sourced() -> None:
    known = {row["offence_code"]: row["code_type"] for row in seed("offences")}
    indices = {row["harm_index"] for row in seed("harm_indices")}
    keys = [(row["harm_index"], row["offence_code"], row["recorded_crime_code"]) for row in seed("harm_weights")]
    assert len(set(keys)) == len(keys)
    assert len(known) == len(seed("offences"))
    for row in seed("harm_weights"):
        assert row["harm_index"] in indices
        assert row["source"].strip() and row["basis"].strip()
        assert row["offence_code"] == "" or known[row["offence_code"]] == "home_office"
        assert row["recorded_crime_code"] == "" or known[row["recorded_crime_code"]] == "recorded_crime"
        assert (float(row["harm_days"]) * 2).is_integer() and (float(row["harm_days_highest"]) * 2).is_integer()
        assert float(row["harm_days_highest"]) >= float(row["harm_days"]) >= 0
    for row in seed("recorded_crime_links"):
        assert known[row["offence_code"]] == "home_office"
        assert known[row["recorded_crime_code"]] == "recorded_crime"


def test_detected_outcomes_are_one_to_eight() -> None:
    detected = {int(row["outcome_type"]) for row in seed("outcomes") if row["is_detected"] == "true"}
    assert detected == set(range(1, 9))


def test_closed_without_charge_are_14_to_18_and_21() -> None:
    closed = {int(row["outcome_type"]) for row in seed("outcomes") if row["is_closed_without_charge"] == "true"}
    assert closed == {14, 15, 16, 17, 18, 21}


def test_draws_are_those_of_a_poisson_distribution_with_mean_1() -> None:
    """Each bound is the chance of fewer draws, in 65,536ths; no further bound is as much as half of one."""
    fewer = list(accumulate(math.exp(-1) / math.factorial(times) for times in range(12)))
    held = [(int(row["at_least"]), int(row["from_digits"], 16)) for row in seed("poisson_draws")]
    assert held == [(times, round(65_536 * fewer[times - 1])) for times in range(1, len(held) + 1)]
    assert 65_536 * (1 - fewer[len(held)]) < 0.5
    assert all(row["from_digits"] == f"{int(row['from_digits'], 16):04x}" for row in seed("poisson_draws"))
