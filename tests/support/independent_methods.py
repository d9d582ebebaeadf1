"""Every ranking method, computed a second time: plain Python over the extracts, one allegation and one method after the other.

Shares nothing with the models: of the project it reads the seeds, whose rows are the methods, and the CSV extracts by
``independent``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from statistics import mean

from support import independent

Method = dict[str, str]
STANDING = ["eliminated", "acquitted", "named", "arrested", "charged", "convicted"]


@dataclass(frozen=True)
class Ranked:
    """One person by one method. ``score`` is in the unit of the method's index, or points."""

    offender_key: str
    score: float
    allegations: int
    female_victims: int


@cache
def seed(seeds: Path, name: str) -> tuple[dict[str, str], ...]:
    """The rows of one seed, read once."""
    return tuple(independent.seed_rows(seeds, name))


def methods(seeds: Path) -> dict[str, Method]:
    """The rows of the seed, by name."""
    return {row["method"]: row for row in seed(seeds, "ranking_methods")}


def turned(method: Method, seeds: Path) -> Iterator[tuple[str, str, Method]]:
    """The method with each condition turned: the condition, its new value, the method."""
    for row in seed(seeds, "rule_turns"):
        value = row["otherwise"] if method[row["rule"]] == row["turned_to"] else row["turned_to"]
        yield row["rule"], value, {**method, row["rule"]: value}


def rank(feed: independent.Feed, method: Method, seeds: Path, list_date: date) -> list[Ranked]:
    """Everybody whom a method ranks on a list date, first place first."""
    weight_of = _weights(method, seeds)
    scopes = {row["offence_code"]: row["vawg_scope"] for row in seed(seeds, "offences")}
    counted: dict[independent.PersonKey, list[tuple[float | None, date]]] = defaultdict(list)
    women: dict[independent.PersonKey, set[independent.PersonKey]] = defaultdict(set)
    for key, crime in feed.crimes.items():
        victims = {person: feed.people.get(person, independent.Person()).sex for person in feed.victims.get(key, [])}
        if not _crime_counts(crime, scopes.get(crime.offence_code), set(victims.values()), method, list_date):
            continue
        for person in _suspects(feed, key, method, list_date):
            counted[person].append((weight_of.get(crime.offence_code), crime.reported_on))
            women[person] |= {victim for victim, sex in victims.items() if sex == "F"}
    places = []
    for person, allegations in counted.items():
        enough = len(allegations) >= int(method["minimum_allegations"])
        if not enough or len(women[person]) < int(method["minimum_female_victims"]):
            continue
        harm = sum(days or 0.0 for days, _ in allegations)
        latest = max(reported_on for _, reported_on in allegations)
        score = (
            harm if method["scoring"] == "harm" else _points(method, seeds, allegations, len(women[person]), list_date)
        )
        ranked = Ranked("|".join(person), score, len(allegations), len(women[person]))
        order = (-score, -harm, -ranked.female_victims, -ranked.allegations, -latest.toordinal(), ranked.offender_key)
        places.append((order, ranked))
    return [ranked for _, ranked in sorted(places, key=lambda place: place[0])]


def rank_correlation(one: list[Ranked], other: list[Ranked], size: int) -> float:
    """Spearman's: Pearson's of the ranks among everybody on either list; a person without a rank comes after all others."""
    either = sorted({place.offender_key for place in one[:size] + other[:size]})
    ranks = [_ranks_among(either, places) for places in (one, other)]
    means = [mean(values) for values in ranks]
    deviations = [[value - middle for value in values] for values, middle in zip(ranks, means, strict=True)]
    products = sum(a * b for a, b in zip(*deviations, strict=True))
    squares = [sum(value * value for value in values) for values in deviations]
    return float(products / (squares[0] * squares[1]) ** 0.5)


def _ranks_among(people: list[str], places: list[Ranked]) -> list[float]:
    place_of = {place.offender_key: number for number, place in enumerate(places)}
    found = [place_of.get(person, len(places)) for person in people]
    return [sum(other < own for other in found) + (1 + found.count(own)) / 2 for own in found]


def _weights(method: Method, seeds: Path) -> dict[str, float]:
    index = next(row for row in seed(seeds, "harm_indices") if row["harm_index"] == method["harm_index"])
    if index["flat_harm_days"]:
        codes = (row["offence_code"] for row in seed(seeds, "offences"))
        return dict.fromkeys(codes, float(index["flat_harm_days"]))
    which = 1 if method["weight_choice"] == "highest" else 0
    weights = independent.weights_of(seeds, method["harm_index"])
    for link in seed(seeds, "recorded_crime_links"):
        # An index by recorded-crime code weighs a Home Office code by the codes it falls under.
        if method["harm_index"] == "ons_css_2020" and link["recorded_crime_code"] in weights:
            code, both = link["offence_code"], weights[link["recorded_crime_code"]]
            low, high = weights.get(code, both)
            weights[code] = (min(low, both[0]), max(high, both[1]))
    return {code: both[which] for code, both in weights.items()}


def _crime_counts(
    crime: independent.Crime, scope: str | None, sexes: set[str | None], method: Method, list_date: date
) -> bool:
    starts_after = list_date - timedelta(days=int(method["window_days"]))
    waited = crime.reported_on - (crime.last_committed_on or crime.reported_on)
    is_historic = waited > timedelta(days=int(method["historic_after_days"]))
    return (
        starts_after < crime.reported_on <= list_date
        and (crime.cancelled_on is None or crime.cancelled_on > list_date)
        and crime.reported_by in method["reported_by"].split()
        and scope in method["vawg_scopes"].split()
        and not sexes.isdisjoint(method["victim_sexes"].split())
        and not (is_historic and method["historic_reports"] == "exclude")
    )


def _suspects(
    feed: independent.Feed, crime: independent.CrimeKey, method: Method, list_date: date
) -> Iterator[independent.PersonKey]:
    furthest: dict[independent.PersonKey, str] = {}
    for person, status in feed.suspects.get(crime, []):
        furthest[person] = max(status, furthest.get(person, status), key=STANDING.index)
    for person, status in furthest.items():
        facts = feed.people.get(person, independent.Person())
        is_dead = facts.deceased_on is not None and facts.deceased_on <= list_date
        if (
            status in method["statuses"].split()
            and facts.sex in method["offender_sexes"].split()
            and not (is_dead and method["deceased"] == "exclude")
            and not (method["custody"] == "exclude" and feed.is_in_custody(person, list_date))
            and _is_old_enough(facts, int(method["minimum_age"]), list_date)
        ):
            yield person


def _is_old_enough(person: independent.Person, age: int, list_date: date) -> bool:
    born = person.date_of_birth
    if born is not None:
        had_birthday = (list_date.month, list_date.day) >= (born.month, born.day)
        return list_date.year - born.year - (not had_birthday) >= age
    return person.birth_year is None or list_date.year - person.birth_year >= age


def _points(
    method: Method, seeds: Path, allegations: list[tuple[float | None, date]], women: int, list_date: date
) -> float:
    values = {
        "recency": (list_date - max(reported_on for _, reported_on in allegations)).days,
        "frequency": len(allegations),
        "gravity": max(days or 0.0 for days, _ in allegations),
        "victims": women,
    }
    points = 0
    for factor, value in values.items():
        bands = [row for row in seed(seeds, "points_bands") if row["factor"] == factor]
        reached = [row for row in bands if float(row["at_least"]) <= value]
        if reached:
            highest = max(reached, key=lambda row: float(row["at_least"]))
            points += int(highest["points"]) * int(method[f"{factor}_percent"])
    return float(points)
