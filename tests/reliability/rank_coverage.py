"""Measures how often the redrawn interval of places holds the true place, that of a person's underlying rate of harm.

`python -m reliability.rank_coverage [--samples 200] [--everybody 5] [--people 50000] [--seed 1] [--record]` invents a population once, by
the sample's own mix of careers: each person has an expected number of allegations a year of each kind, and so an expected harm and a
true place. Then it draws years from it: numbers by Poisson, offences by the person's mix. Each year is
ranked and redrawn by the project's own models, as dbt compiles them, and their intervals are compared with the true places.
Some years are redrawn a second time with everybody, to measure the cost of leaving out people who could hardly be listed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from harmrank.sample import careers, offences
from harmrank.sample.columns import Column, Floats, Mask
from reliability.record import record

REPOSITORY = Path(__file__).resolve().parents[2]
HARM_INDICES = ("cchi_2020_supplemented", "cchi_2020")
# The models built for each year, in this order; the year's draws replace their inputs.
MODELS = (
    "int_offender_scores",
    "int_ranked_offenders",
    "int_leave_one_out_scores",
    "int_list_cutoffs",
    "int_redrawn_offenders",
    "int_redrawn_harm",
    "rank_uncertainty",
)
LISTED = 100
LIST_DATE = "2026-10-31"


@dataclass(frozen=True)
class Population:
    """One invented population: what each person does in a year on average, and the resulting place.

    `grave` and `lesser` are expected numbers of allegations a year; `rates` is expected harm in days a year; `places`
    counts from 1, and people of one rate share the middle of their places.
    """

    kind: Column
    girls: Mask
    instead: Mask
    grave: Column
    lesser: Column
    rates: Floats
    places: Floats


def weights() -> Floats:
    """The weight of each of the sample's offences in days: its lowest in the supplement, else in the index itself."""
    seed = str(REPOSITORY / "seeds" / "harm_weights.csv")
    found: dict[str, float] = {}
    for index in HARM_INDICES:
        query = "select offence_code, min(harm_days) from read_csv(?) where harm_index = ? group by offence_code"
        for code, days in duckdb.execute(query, [seed, index]).fetchall():
            found.setdefault(code, float(days))
    return np.array([found.get(code, 0.0) for code, _ in offences.OFFENCES])


def population(people: int, seed: int, days: Floats) -> Population:
    """Invent people by the mix of careers of `harmrank sample`."""
    rng = np.random.default_rng([seed, 0])
    kind = careers._kinds(np.arange(people, dtype=np.int64))
    girls = (kind > careers.Kind.MINOR) & (kind < careers.Kind.KILLING) & (rng.random(people) < careers.GIRLS_SHARE)
    instead = rng.random(people) < careers._GRAVE_INSTEAD_OF_RAPE
    grave, lesser = careers._sizes(rng, kind, girls)
    rates = grave * _mean_days(kind, girls, instead, days) + lesser * _mean_days_of(offences.LESSER, days)
    _, group, sizes = np.unique(-rates, return_inverse=True, return_counts=True)
    places = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return Population(kind, girls, instead, grave, lesser, rates, places)


def _mean_days_of(lines: tuple[tuple[str, str, float], ...], days: Floats) -> float:
    mix = offences.mix(lines)
    return float(np.diff(mix.cumulative, prepend=0.0) @ days[mix.offences])


def _mean_days(kind: Column, girls: Mask, instead: Mask, days: Floats) -> Floats:
    """Mean weight of a grave allegation of each person, in days: the cases of careers._offences."""
    serial = np.where(girls, _mean_days_of(offences.RAPE_OF_GIRLS, days), _mean_days_of(offences.RAPE, days))
    serial = np.where(instead & ~girls, _mean_days_of(offences.GRAVE, days), serial)
    serious = np.where(
        girls, _mean_days_of(offences.SERIOUS_AGAINST_GIRLS, days), _mean_days_of(offences.SERIOUS, days)
    )
    mean = np.where(kind == careers.Kind.SERIAL, serial, serious)
    return np.where(kind == careers.Kind.KILLING, _mean_days_of(offences.KILLING, days), mean)


def a_year(everybody: Population, seed: int, sample: int, days: Floats) -> dict[str, Any]:
    """One year drawn from the population: the person of each allegation, its weight in days and day of report."""
    rng = np.random.default_rng([seed, 1 + sample])
    grave, lesser = rng.poisson(everybody.grave), rng.poisson(everybody.lesser)
    who = np.repeat(np.arange(len(grave)), grave + lesser)
    place = np.arange(len(who)) - np.repeat(np.cumsum(grave + lesser) - grave - lesser, grave + lesser)
    drawn = careers._offences(
        rng, everybody.kind[who], everybody.girls[who], everybody.instead[who], place < grave[who]
    )
    # The key must not depend on the true place, since it breaks ties.
    key = np.random.default_rng([seed, 0, sample]).permutation(len(grave))
    return {"person": who, "key": key[who], "harm_days": days[drawn], "ago": rng.integers(0, 365, len(who))}


class Models:
    """The project's models as dbt compiles them, in a database in memory, on one year after another."""

    def __init__(self, **variables: int) -> None:
        self._sql = compiled(json.dumps(variables))
        self._connection = duckdb.connect()
        for schema in ("intermediate", "mart", "reference"):
            self._connection.execute(f"create schema {schema}")
        for table, file in (
            ("intermediate.int_rules", "tests/fixtures/rules_v100.csv"),
            ("reference.poisson_draws", "seeds/poisson_draws.csv"),
        ):
            kinds = "types = {'from_digits': 'varchar'}" if "poisson" in table else "header = true"
            self._connection.execute(f"create table {table} as from read_csv('{REPOSITORY / file}', {kinds})")

    def uncertainty(self, year: dict[str, Any]) -> dict[str, Any]:
        """The columns of rank_uncertainty for a year, with `person`."""
        self._connection.register("year", year)
        self._connection.execute(
            f"""
            create or replace table people as select distinct person, 'met|' || lpad(key::varchar, 7, '0') as offender_key
            from year;
            create or replace table intermediate.int_counted_allegations as
            select date '{LIST_DATE}' as list_date, true as is_current, true as is_monthly, false as is_in_custody,
                'met|' || lpad(key::varchar, 7, '0') as offender_key, 'met' as force,
                'c' || lpad(row_number() over ()::varchar, 7, '0') as crime_ref, 0 as crime_digest, harm_days,
                'named' as harm_split, date '{LIST_DATE}' - ago::integer as reported_on,
                false as is_closed_without_charge
            from year;
            create or replace table intermediate.int_crime_victims as
            select force, crime_ref, 0 as crime_digest, crime_ref as person_key, true as is_female
            from intermediate.int_counted_allegations;
            create or replace table mart.offender_evidence as
            select offender_key, force, crime_ref, harm_days, reported_on, false as is_decisive
            from intermediate.int_counted_allegations;
            """
        )
        for name in MODELS:
            schema = "intermediate" if name.startswith("int_") else "mart"
            self._connection.execute(f"create or replace table {schema}.{name} as {self._sql[name]}")
        return dict(
            self._connection.execute(
                "select person, harm_rank, is_listed, listed_in_redraws, redrawn_rank_low, redrawn_rank_high "
                "from mart.rank_uncertainty inner join people using (offender_key) order by harm_rank"
            ).fetchnumpy()
        )


@cache
def compiled(variables: str) -> dict[str, str]:
    """The SQL of each model for a database in memory, with dbt variables as JSON."""
    settings = {**os.environ, "DBT_PROFILES_DIR": "profiles", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    with tempfile.TemporaryDirectory(prefix="harmrank-coverage-") as folder:
        dbt = [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "compile", "--target", "lint", "--no-populate-cache"),
            *("--no-introspect", "--target-path", f"{folder}/target", "--log-path", f"{folder}/logs"),
            *("--vars", variables, "--select", *MODELS),
        ]
        subprocess.run(dbt, cwd=REPOSITORY, env=settings, capture_output=True, check=True)
        files = {path.stem: path for path in (Path(folder) / "target" / "compiled").rglob("*.sql")}
        return {name: files[name].read_text(encoding="utf-8") for name in MODELS}


@dataclass
class Tally:
    """Of one group of people: how many, how often the interval held the true place, lay above or below it."""

    name: str
    people: int = 0
    held: int = 0
    truly_lower: int = 0
    truly_higher: int = 0
    chance: float = 0.0
    truly_listed: int = 0

    def count(self, found: dict[str, Any], true: Floats, chosen: Mask) -> None:
        """Add the chosen people of one year."""
        low, high, place = found["redrawn_rank_low"][chosen], found["redrawn_rank_high"][chosen], true[chosen]
        self.people += len(place)
        self.held += int(((low <= place) & (place <= high)).sum())
        self.truly_lower += int((place > high).sum())
        self.truly_higher += int((place < low).sum())
        self.chance += float(found["listed_in_redraws"][chosen].sum())
        self.truly_listed += int((place <= LISTED).sum())

    def row(self) -> str:
        """One row of the table."""
        shares = (self.held, self.truly_lower, self.truly_higher, self.chance, self.truly_listed)
        return (
            " | ".join([f"| {self.name}", f"{self.people:,}", *(f"{n / max(self.people, 1):.1%}" for n in shares)])
            + " |"
        )


@dataclass
class LeftOut:
    """The cost of leaving people out of the redraws, over the years in which everybody was also redrawn."""

    years: int = 0
    people: int = 0
    redrawn: int = 0
    most_listed: float = 0.0
    listed_in_all: float = 0.0
    other_shares: float = 0.0
    other_places: list[Floats] = field(default_factory=list)

    def count(self, found: dict[str, Any], everybody: dict[str, Any]) -> None:
        """Adds one year: the results for the redrawn people and for everybody, both in the order of the list."""
        redrawn = len(found["person"])
        self.years += 1
        self.redrawn += redrawn
        self.people += len(everybody["person"]) - redrawn
        shares = everybody["listed_in_redraws"]
        self.most_listed = max(self.most_listed, float(shares[redrawn:].max(initial=0.0)))
        self.listed_in_all += float(shares[redrawn:].sum())
        self.other_shares = max(self.other_shares, float(abs(shares[:redrawn] - found["listed_in_redraws"]).max()))
        high, other_high = found["redrawn_rank_high"], everybody["redrawn_rank_high"][:redrawn]
        self.other_places.append((abs(high - other_high) / other_high)[found["is_listed"]])

    def line(self) -> str:
        """The figures as a sentence."""
        places = np.concatenate(self.other_places)
        return (
            f"In {self.years} of the years everybody was redrawn as well. A year leaves out {self.people / self.years:,.0f} and "
            f"redraws {self.redrawn / self.years:,.0f}. No person left out would have been listed in more than "
            f"{self.most_listed:.1%} of the redraws; together they would have held {self.listed_in_all / self.years:.3f} "
            f"of the hundred places. No share of redraws listed differs by more than {self.other_shares:.3f}; the high places of "
            f"the listed differ by {np.median(places):.1%} (median; 95 of 100 by less than {np.quantile(places, 0.95):.1%})."
        )


def cost_of_leaving_out(samples: int, people: int, seed: int) -> LeftOut:
    """Redraws some years with the people who could plausibly be listed and again with everybody."""
    days = weights()
    invented = population(people, seed, days)
    cost = LeftOut()
    models, all_models = Models(), Models(redraw_up_to=1_000_000_000)
    for sample in range(samples):
        year = a_year(invented, seed, sample, days)
        cost.count(models.uncertainty(year), all_models.uncertainty(year))
    return cost


def measure(samples: int, people: int, seed: int) -> list[Tally]:
    """Draws, ranks and redraws the years, and compares every interval with the true place. The listed and those below come first."""
    bands = [(1, 10), (11, 50), (51, 100), (101, 200), (201, 500), (501, people)]
    tallies = [Tally(f"places {first} to {last}" if last < people else f"places from {first}") for first, last in bands]
    listed, below = Tally("**the listed**"), Tally("**those below, as far as redrawn**")
    days = weights()
    everybody = population(people, seed, days)
    models = Models()
    for sample in range(samples):
        found = models.uncertainty(a_year(everybody, seed, sample, days))
        true = everybody.places[found["person"]]
        for tally, (first, last) in zip(tallies, bands, strict=True):
            tally.count(found, true, (found["harm_rank"] >= first) & (found["harm_rank"] <= last))
        listed.count(found, true, found["is_listed"])
        below.count(found, true, ~found["is_listed"])
    return [listed, below, *tallies]


def main() -> int:
    """Measures, prints the result, and records it on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--everybody", type=int, default=2, help="years in which everybody is redrawn, too")
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="write the figures into docs/reliability.md")
    asked = parser.parse_args()
    started = time.monotonic()
    tallies = measure(asked.samples, asked.people, asked.seed)
    lines = [
        f"{asked.samples} years drawn from one invented population of {asked.people:,} (seed {asked.seed}), each ranked and "
        f"redrawn by the project's own SQL. {time.monotonic() - started:,.0f} s.",
        "",
        "| on the list of a year | people | interval holds the true place | true place is below it | above it "
        "| mean share of redraws listed | truly among the hundred |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *[tally.row() for tally in tallies],
        "",
        cost_of_leaving_out(asked.everybody, asked.people, asked.seed).line(),
    ]
    print("\n".join(lines))
    if asked.record:
        record("rank_coverage", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
