"""The ranked list, computed a second time from the written method alone.

This is the check on the models, so it shares nothing with them: plain Python over the CSV extracts, one
small function a rule, in the order in which the written method states the rules. It reads the seeds, because the
seeds are the facts the method rests on, and nothing else of the project. It expects extracts that would be
taken as a whole: it leaves out rows that cannot be used but never refuses a folder.

Units: ``harm_days`` are days of imprisonment, always multiples of 0.5.
"""

from __future__ import annotations

import csv
import gzip
import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from hashlib import md5
from itertools import accumulate, groupby
from pathlib import Path
from statistics import median
from typing import NamedTuple, TextIO

Row = dict[str, str | None]
Key = tuple[str, ...]
CrimeKey = tuple[str, str]
PersonKey = tuple[str, str]

WINDOW = timedelta(days=365)
HARM_INDEX = "cchi_2020_supplemented"
REPORTERS = {"victim", "witness", "third_party", "police", "company"}
REPORTERS_LEFT_OUT = {"police", "company"}
ROLES = {"suspect", "victim", "witness"}
STATUSES_THAT_COUNT = ["named", "arrested", "charged", "convicted"]  # furthest last
STATUSES_THAT_CLEAR = {"eliminated", "acquitted"}
STATUSES_OF_A_CASE_THAT_GOES_ON = {"charged", "convicted"}
OUTCOMES_WITHOUT_CHARGE = {14, 15, 16, 17, 18, 21}
OUTCOMES_OF_DETECTION = set(range(1, 9))
SEXES = {"M", "F", "X", "U"}
ADULT_AT = 18
LIST_SIZE = 100
REDRAWS = 500
REDRAWN_UP_TO = 5
REDRAWN_AT_LEAST = 2_000
PLACES_AROUND_LINE = 10

KEYS: dict[str, Key] = {
    "crimes": ("force", "crime_ref"),
    "people": ("force", "person_ref"),
    "involvements": ("force", "crime_ref", "person_ref", "role"),
    "person_merges": ("force", "person_ref"),
    "custody": ("force", "person_ref", "custody_from"),
}


class Crime(NamedTuple):
    """The current version of one recorded crime, cut to what the method asks about."""

    offence_code: str
    reported_on: date
    reported_by: str
    cancelled_on: date | None
    outcome_type: int | None
    last_committed_on: date | None
    area_code: str | None


class Person(NamedTuple):
    """What the method asks about one surviving person; None is unknown."""

    sex: str | None = None
    date_of_birth: date | None = None
    birth_year: int | None = None
    deceased_on: date | None = None


class Evidence(NamedTuple):
    """One counted allegation. ``harm_days`` is None where the index has no weight for the offence."""

    force: str
    crime_ref: str
    harm_days: float | None
    status: str
    weight_is_ambiguous: bool
    is_closed_without_charge: bool


@dataclass(frozen=True)
class Place:
    """One ranked offender on one list date."""

    offender_key: str
    harm_days: float
    allegations: int
    female_victims: int
    first_reported_on: date
    latest_reported_on: date
    harm_rank: int
    unweighted_allegations: int
    is_tied: bool
    evidence: list[Evidence]

    def days(self, *statuses: str) -> float:
        """The part of the harm that rests on these statuses."""
        return sum(found.harm_days or 0.0 for found in self.evidence if found.status in statuses)

    @property
    def days_closed(self) -> float:
        """The part of the harm whose cases were closed without a charge."""
        return sum(found.harm_days or 0.0 for found in self.evidence if found.is_closed_without_charge)


@dataclass(frozen=True)
class Feed:
    """The current state of everything an extracts folder says, persons already merged."""

    crimes: dict[CrimeKey, Crime]
    by_report: list[tuple[date, CrimeKey]]
    people: dict[PersonKey, Person]
    suspects: dict[CrimeKey, list[tuple[PersonKey, str]]]
    victims: dict[CrimeKey, list[PersonKey]]
    custody: dict[PersonKey, list[tuple[date, date | None]]]

    def is_in_custody(self, person: PersonKey, on: date) -> bool:
        """Whether a period has begun by then that has not ended; the day of release is a free one."""
        return any(start <= on and (end is None or end > on) for start, end in self.custody.get(person, []))


@dataclass(frozen=True)
class Rules:
    """The facts of the seeds: codes in scope, and the lowest and highest weight of each code in days."""

    in_scope: frozenset[str]
    weights: dict[str, tuple[float, float]]


# --- one value ---------------------------------------------------------------------------------------------


def text(value: str | None) -> str | None:
    """The trimmed value; None for the contract's three ways of saying missing."""
    trimmed = (value or "").strip()
    return None if trimmed in {"", "NULL", "null"} else trimmed


@lru_cache(maxsize=100_000)
def day(value: str | None) -> date | None:
    """The day as written, of a date or a timestamp; None if it is neither."""
    if value is None or not re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ].*)?", value):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def moment(value: str | None) -> datetime | None:
    """A point in time; one that names its offset is brought to UTC, to compare with those that do not."""
    try:
        parsed = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed


def one_of(value: str | None, allowed: Iterable[str], default: str) -> str:
    """The lower-case coded value; the default where it is missing or outside its list."""
    code = (value or "").lower()
    return code if code in allowed else default


def year(value: str | None) -> int | None:
    """A year as a number; None if it is not a whole number."""
    return int(value) if value and re.fullmatch(r"[0-9]{1,4}", value) else None


def outcome(value: str | None) -> int | None:
    """A Home Office outcome; None if it is not a whole number from 0 to 22."""
    return int(value) if value and re.fullmatch(r"[0-9]{1,2}", value) and int(value) <= 22 else None


@lru_cache(maxsize=10_000)
def canonical_code(code: str) -> str:
    """``19/8``, ``1908`` and ``01908`` as ``019/08``; anything else is a recorded-crime code, upper case.

    Of three digits, six are recorded-crime codes; ``806`` is ``008/06``.
    """
    if with_slash := re.fullmatch(r"([0-9]{1,3})\s*/\s*([0-9]{1,2})", code.strip()):
        return f"{int(with_slash[1]):03d}/{int(with_slash[2]):02d}"
    recorded = {"104", "106", "126", "139", "802", "814"}
    if re.fullmatch(r"[0-9]{3,5}", code.strip()) and code.strip() not in recorded:
        digits = code.strip().zfill(5)
        return f"{digits[:3]}/{digits[3:]}"
    return code.strip().upper()


# --- the door in -------------------------------------------------------------------------------------------


def rows_of(extract: Path, table: str) -> Iterator[Row]:
    """Every well-formed row of one table in one extract, parts in file-name order.

    Raises ValueError for a Parquet part: this reader knows CSV alone and must not pass over data in silence.
    """
    parts = sorted(p for p in extract.iterdir() if re.fullmatch(rf"{table}(_\w+)?\.(csv|csv\.gz|parquet)", p.name))
    for part in parts:
        if part.suffix == ".parquet":
            raise ValueError(f"{part.name}: the independent computation reads CSV only")
        with opened(part) as lines:
            reader = csv.reader(lines)
            header = [name.strip() for name in next(reader)]
            for fields in reader:
                if len(fields) == len(header):
                    yield {name: text(value) for name, value in zip(header, fields, strict=True)}


def opened(part: Path) -> TextIO:
    """A CSV part as text, packed or plain, without its byte-order mark."""
    if part.suffix == ".gz":
        return gzip.open(part, "rt", encoding="utf-8-sig", newline="")
    return part.open(encoding="utf-8-sig", newline="")


def key_of(table: str, row: Row) -> Key | None:
    """The record's key; None where a part of it is missing or cannot be used."""
    key = tuple(row.get(column) or "" for column in KEYS[table])
    return None if "" in key or "|" in key[0] else key


def is_usable(table: str, row: Row) -> bool:
    """Whether the rest of a row can be landed; a tombstone needs no more than its key and ``updated_at``."""
    if table == "involvements" and row["role"] not in ROLES:
        return False
    if is_tombstone(row):
        return True
    if table == "crimes":
        return row.get("offence_code") is not None and day(row.get("reported_on")) is not None
    return table != "person_merges" or row.get("merged_into_ref") is not None


def is_tombstone(row: Row) -> bool:
    """Whether the row removes its record."""
    return (row.get("deleted") or "").upper() == "Y"


def rows_in_order(extracts: Path, table: str) -> Iterator[tuple[Path, Row]]:
    """The rows of a table with their extracts, in the order in which they were sent."""
    for extract in sorted(p for p in extracts.iterdir() if p.is_dir() and day(p.name[:10])):
        for row in rows_of(extract, table):
            yield extract, row


def current(extracts: Path, table: str) -> dict[Key, Row]:
    """The newest version of each record that is not deleted.

    Extracts and rows come in order, so replacing on an equal ``updated_at`` is what makes the later one win.
    """
    newest: dict[Key, tuple[datetime, Row]] = {}
    for _, row in rows_in_order(extracts, table):
        if "role" in row:
            row["role"] = (row["role"] or "").lower() or None
        if "custody_from" in row:
            row["custody_from"] = str(day(row["custody_from"]) or "")
        key, updated_at = key_of(table, row), moment(row.get("updated_at"))
        if key is None or updated_at is None or not is_usable(table, row):
            continue
        if key not in newest or updated_at >= newest[key][0]:
            newest[key] = (updated_at, row)
    return {key: row for key, (_, row) in newest.items() if not is_tombstone(row)}


def survivors(extracts: Path) -> Callable[[PersonKey], PersonKey]:
    """Returns a function from a person's record to the record that survives all its merges.

    Raises ValueError when merges run in a circle.
    """
    into = {key: row["merged_into_ref"] for key, row in current(extracts, "person_merges").items()}

    def survivor(person: PersonKey) -> PersonKey:
        seen = {person}
        while (ref := into.get(person)) is not None:
            person = (person[0], ref)
            if person in seen:
                raise ValueError("merges run in a circle")
            seen.add(person)
        return person

    return survivor


def read_feed(extracts: Path) -> Feed:
    """The current state of an extracts folder; read once, and again only when a file in it has changed."""
    files = sorted(p for p in extracts.glob("*/*") if p.is_file())
    return _read_feed(extracts, tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files))


@lru_cache(maxsize=4)
def _read_feed(extracts: Path, _fingerprint: tuple[tuple[str, int, int], ...]) -> Feed:
    crimes = {(k[0], k[1]): crime_of(row) for k, row in current(extracts, "crimes").items()}
    people = {(k[0], k[1]): person_of(row) for k, row in current(extracts, "people").items()}
    survivor = survivors(extracts)
    suspects: dict[CrimeKey, list[tuple[PersonKey, str]]] = defaultdict(list)
    victims: dict[CrimeKey, list[PersonKey]] = defaultdict(list)
    for (force, crime_ref, person_ref, role), row in current(extracts, "involvements").items():
        person = survivor((force, person_ref))
        if role == "suspect":
            status = one_of(row.get("status"), {*STATUSES_THAT_COUNT, *STATUSES_THAT_CLEAR}, "named")
            suspects[force, crime_ref].append((person, status))
        elif role == "victim":
            victims[force, crime_ref].append(person)
    custody: dict[PersonKey, list[tuple[date, date | None]]] = defaultdict(list)
    for (force, person_ref, custody_from), row in current(extracts, "custody").items():
        custody[survivor((force, person_ref))].append((date.fromisoformat(custody_from), day(row.get("custody_to"))))
    by_report = sorted((crime.reported_on, key) for key, crime in crimes.items())
    return Feed(crimes, by_report, people, suspects, victims, custody)


def crime_of(row: Row) -> Crime:
    """A usable crimes row as the method sees it."""
    reported_on = day(row["reported_on"])
    assert reported_on is not None and row["offence_code"] is not None
    return Crime(
        offence_code=canonical_code(row["offence_code"]),
        reported_on=reported_on,
        reported_by=one_of(row.get("reported_by"), REPORTERS, "victim"),
        cancelled_on=day(row.get("cancelled_on")),
        outcome_type=outcome(row.get("outcome_type")),
        last_committed_on=day(row.get("committed_to")) or day(row.get("committed_from")),
        area_code=row.get("area_code"),
    )


def person_of(row: Row) -> Person:
    """A usable people row as the method sees it."""
    sex = (row.get("sex") or "").upper()
    return Person(
        sex=sex if sex in SEXES else None,
        date_of_birth=day(row.get("date_of_birth")),
        birth_year=year(row.get("birth_year")),
        deceased_on=day(row.get("deceased_on")),
    )


# --- the seeds ---------------------------------------------------------------------------------------------


def seed_rows(seeds: Path, name: str) -> list[dict[str, str]]:
    """The rows of one seed file."""
    with (seeds / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read_rules(seeds: Path, harm_index: str = HARM_INDEX) -> Rules:
    """Scope and weights of every code; the seed decides the scope of each code by what is listed under that code."""
    in_scope = {row["offence_code"]: row["vawg_scope"] == "in" for row in seed_rows(seeds, "offences")}
    return Rules(frozenset(code for code, is_in in in_scope.items() if is_in), weights_of(seeds, harm_index))


def weights_of(seeds: Path, harm_index: str) -> dict[str, tuple[float, float]]:
    """The lowest and highest days of each code in an index, over the rows that name the code."""
    extends = {row["harm_index"]: row["extends_index"] for row in seed_rows(seeds, "harm_indices")}
    rows = seed_rows(seeds, "harm_weights")
    own = [row for row in rows if row["harm_index"] == harm_index]
    overridden = {row["offence_code"] or row["recorded_crime_code"] for row in own}
    base = [
        row
        for row in rows
        if row["harm_index"] == extends[harm_index]
        and (row["offence_code"] or row["recorded_crime_code"]) not in overridden
    ]
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in own + base:
        lowest = float(row["harm_days"])
        highest = float(row["harm_days_highest"] or lowest)
        for code in {row["offence_code"], row["recorded_crime_code"]} - {""}:
            found[code].append((lowest, highest))
    return {code: (min(low for low, _ in both), max(high for _, high in both)) for code, both in found.items()}


# --- the method --------------------------------------------------------------------------------------------


def comes_of_age_on(born_on: date) -> date:
    """The eighteenth birthday; for someone born on 29 February it is 1 March of a common year."""
    try:
        return born_on.replace(year=born_on.year + ADULT_AT)
    except ValueError:
        if born_on.year + ADULT_AT > date.max.year:
            return date.max
        return date(born_on.year + ADULT_AT, 3, 1)


def is_known_minor(person: Person, list_date: date) -> bool:
    """Returns whether the person cannot have turned eighteen by the list date."""
    if person.date_of_birth is not None:
        return list_date < comes_of_age_on(person.date_of_birth)
    return person.birth_year is not None and list_date.year - person.birth_year < ADULT_AT


def may_be_listed(person: Person, list_date: date) -> bool:
    """Male, not known to be a minor, not known to be dead."""
    is_dead = person.deceased_on is not None and person.deceased_on <= list_date
    return person.sex == "M" and not is_dead and not is_known_minor(person, list_date)


def crimes_that_count(feed: Feed, rules: Rules, list_date: date) -> Iterator[tuple[CrimeKey, set[PersonKey]]]:
    """Each crime of the window that the method counts, with its female victims."""
    after_window_start = bisect_right(feed.by_report, list_date - WINDOW, key=lambda entry: entry[0])
    up_to_list_date = bisect_right(feed.by_report, list_date, key=lambda entry: entry[0])
    for _, key in feed.by_report[after_window_start:up_to_list_date]:
        crime = feed.crimes[key]
        if crime.cancelled_on is not None and crime.cancelled_on <= list_date:
            continue
        if crime.reported_by in REPORTERS_LEFT_OUT or crime.offence_code not in rules.in_scope:
            continue
        women = {person for person in feed.victims.get(key, []) if feed.people.get(person, Person()).sex == "F"}
        if women:
            yield key, women


def suspects_that_count(feed: Feed, crime: CrimeKey, list_date: date) -> dict[PersonKey, str]:
    """Returns the most advanced status of each suspect of a crime who may be listed."""
    furthest: dict[PersonKey, str] = {}
    for person, status in feed.suspects.get(crime, []):
        if status in STATUSES_THAT_CLEAR or not may_be_listed(feed.people.get(person, Person()), list_date):
            continue
        furthest[person] = max(status, furthest.get(person, "named"), key=STATUSES_THAT_COUNT.index)
    return furthest


def rank_feed(feed: Feed, rules: Rules, list_date: date) -> list[Place]:
    """All ranked offenders on a list date, first place first."""
    evidence: dict[PersonKey, list[Evidence]] = defaultdict(list)
    women: dict[PersonKey, set[PersonKey]] = defaultdict(set)
    for crime, female_victims in crimes_that_count(feed, rules, list_date):
        weight = rules.weights.get(feed.crimes[crime].offence_code)
        for person, status in suspects_that_count(feed, crime, list_date).items():
            days = None if weight is None else weight[0]
            is_ambiguous = weight is not None and weight[0] != weight[1]
            # The outcome is the crime's; one of its suspects may be charged all the same.
            is_closed = (
                feed.crimes[crime].outcome_type in OUTCOMES_WITHOUT_CHARGE
                and status not in STATUSES_OF_A_CASE_THAT_GOES_ON
            )
            evidence[person].append(Evidence(*crime, days, status, is_ambiguous, is_closed))
            women[person] |= female_victims
    unranked = [unranked_place(feed, who, found, len(women[who])) for who, found in evidence.items()]
    return in_order(unranked)


def unranked_place(feed: Feed, person: PersonKey, evidence: list[Evidence], female_victims: int) -> Place:
    """One offender's sums, with rank and tie still open."""
    reported = [feed.crimes[found.force, found.crime_ref].reported_on for found in evidence]
    return Place(
        offender_key="|".join(person),
        harm_days=sum(found.harm_days or 0.0 for found in evidence),
        allegations=len(evidence),
        female_victims=female_victims,
        first_reported_on=min(reported),
        latest_reported_on=max(reported),
        harm_rank=0,
        unweighted_allegations=sum(found.harm_days is None for found in evidence),
        is_tied=False,
        evidence=evidence,
    )


def standing(place: Place) -> tuple[float, int, int, int]:
    """The four measures that decide a place, ready for an ascending sort."""
    return (-place.harm_days, -place.female_victims, -place.allegations, -place.latest_reported_on.toordinal())


def in_order(places: list[Place]) -> list[Place]:
    """Returns the places, ranked; places with four equal measures are ordered by offender_key and marked tied."""
    ranked_places: list[Place] = []
    by_key = sorted(places, key=lambda place: place.offender_key)
    for _, equals in groupby(sorted(by_key, key=standing), key=standing):
        group = list(equals)
        for place in group:
            settled = {"harm_rank": len(ranked_places) + 1, "is_tied": len(group) > 1}
            ranked_places.append(Place(**{**place.__dict__, **settled}))
    return ranked_places


def ranked(extracts: Path, list_date: date, seeds: Path) -> list[Place]:
    """All offenders that method ``v100`` ranks on a list date, first place first.

    Raises ValueError for Parquet parts and for merges that run in a circle.
    """
    return rank_feed(read_feed(extracts), read_rules(seeds), list_date)


# --- how harm is spread ------------------------------------------------------------------------------------


class Concentration(NamedTuple):
    """The first N offenders of the list, their harm in days, and both as shares (None if there is nothing to divide by)."""

    offenders: int
    share_of_offenders: float | None
    harm_days: float
    harm_days_named: float
    harm_days_charged: float
    harm_days_convicted: float
    share_of_harm: float | None


def most_harmful(places: list[Place], per_cent: int) -> Concentration:
    """Returns the share of the first offenders: of this percentage of them, rounded up to a whole one."""
    return concentration(places, -(-per_cent * len(places) // 100))


def fewest_with(places: list[Place], per_cent: int) -> Concentration:
    """Returns the share of the fewest offenders who make at least this percentage of the harm: of none if there is no harm."""
    wanted = Fraction(per_cent, 100) * Fraction(harm_of(places))
    enough = (count for count in range(len(places) + 1) if Fraction(harm_of(places[:count])) >= wanted)
    return concentration(places, next(enough))


def concentration(places: list[Place], offenders: int) -> Concentration:
    """Returns which share of all harm the first offenders of the list make, and how far their cases got."""
    some, harm = places[:offenders], harm_of(places)
    return Concentration(
        offenders=offenders,
        share_of_offenders=offenders / len(places) if offenders else None,
        harm_days=harm_of(some),
        harm_days_named=sum(place.days("named", "arrested") for place in some),
        harm_days_charged=sum(place.days("charged") for place in some),
        harm_days_convicted=sum(place.days("convicted") for place in some),
        share_of_harm=harm_of(some) / harm if harm and offenders else None,
    )


def harm_of(places: list[Place]) -> float:
    """The harm of all of them together, in days."""
    return sum(place.harm_days for place in places)


# --- the consensus series ----------------------------------------------------------------------------------


def detected_by_month(
    extracts: Path, list_date: date, seeds: Path
) -> dict[tuple[date, str], tuple[float, float, float | None, bool]]:
    """By month of the report and area: the public's harm of the year it happened, in days, the detected part of it, its
    share, None where there is no harm, and whether every force has sent the whole month, and more than stray reports of it."""
    reached = {
        row["force"]: date.fromisoformat(extract.name[:10]) for extract, row in rows_in_order(extracts, "crimes")
    }
    complete_before = min(list_date, *reached.values()) + timedelta(days=1)
    weights = weights_of(seeds, HARM_INDEX)
    found: dict[tuple[date, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    crimes: Counter[date] = Counter()
    for crime in read_feed(extracts).crimes.values():
        is_cancelled = crime.cancelled_on is not None and crime.cancelled_on <= list_date
        if crime.reported_on > list_date or is_cancelled:
            continue
        crimes[crime.reported_on.replace(day=1)] += 1
        harm = found[crime.reported_on.replace(day=1), crime.area_code or "unknown"]
        was_over = crime.last_committed_on is not None and crime.last_committed_on.year < crime.reported_on.year
        if crime.reported_by in REPORTERS_LEFT_OUT or was_over or crime.offence_code not in weights:
            continue
        harm[0] += weights[crime.offence_code][0]
        if crime.outcome_type in OUTCOMES_OF_DETECTION:
            harm[1] += weights[crime.offence_code][0]
    return {
        (month, area): (
            harm,
            detected,
            detected / harm if harm else None,
            next_month(month) <= complete_before and 10 * crimes[month] >= median(crimes.values()),
        )
        for (month, area), (harm, detected) in found.items()
    }


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month + timedelta(days=31)).replace(day=1)


# --- how far places depend on single allegations -----------------------------------------------------------


class Redrawn(NamedTuple):
    """The results of the redraws for one place; shares are between 0 and 1."""

    harm_rank: int
    offender_key: str
    listed_in_redraws: float
    redrawn_rank_low: int
    redrawn_rank_high: int
    largest_allegation_share: float | None


def poisson_bounds() -> list[str]:
    """The first four digits that draw an allegation once, twice and so on: cumulative chances of Poisson(1)."""
    chances = accumulate(math.exp(-1) / math.factorial(times) for times in range(20))
    bounds = [round(65_536 * chance) for chance in chances]
    return [f"{bound:04x}" for bound in bounds if bound < 65_536]


def times_drawn(key: str, redraw: int, bounds: list[str]) -> int:
    """How often the allegation of this key is there in a redraw, counted from 1."""
    block, position = divmod(redraw - 1, 8)
    digest = md5(f"{key}|{block}".encode(), usedforsecurity=False).hexdigest()
    return bisect_right(bounds, digest[4 * position : 4 * position + 4])


def redrawn_harm(place: Place) -> list[float]:
    """The harm of one person in each redraw, in days."""
    bounds = poisson_bounds()
    harm = [0.0] * REDRAWS
    for found in place.evidence:
        key = f"{found.force}|{found.crime_ref}|{place.offender_key}"
        for redraw in range(REDRAWS if found.harm_days else 0):
            harm[redraw] += (found.harm_days or 0.0) * times_drawn(key, redraw + 1, bounds)
    return harm


def redraw(places: list[Place]) -> list[Redrawn]:
    """Returns the results of the redraws for everybody who could plausibly be listed, first place first."""
    line = places[LIST_SIZE].harm_days if len(places) > LIST_SIZE else 0.0
    plausible = [
        place for place in places if place.harm_days * REDRAWN_UP_TO >= line or place.harm_rank <= REDRAWN_AT_LEAST
    ]
    others = sorted(place.harm_days for place in places[len(plausible) :])
    harm = {place.offender_key: redrawn_harm(place) for place in plausible}
    drawn: dict[str, list[int]] = {place.offender_key: [] for place in plausible}
    for number in range(REDRAWS):
        by_harm = sorted(plausible, key=lambda place, now=number: (-harm[place.offender_key][now], place.harm_rank))
        for ahead, place in enumerate(by_harm):
            others_ahead = len(others) - bisect_right(others, harm[place.offender_key][number])
            drawn[place.offender_key].append(ahead + others_ahead + 1)
    return [
        Redrawn(
            place.harm_rank,
            place.offender_key,
            sum(rank <= LIST_SIZE for rank in drawn[place.offender_key]) / REDRAWS,
            sorted(drawn[place.offender_key])[math.ceil(REDRAWS * 5 / 100) - 1],
            sorted(drawn[place.offender_key])[math.ceil(REDRAWS * 95 / 100) - 1],
            max(found.harm_days or 0.0 for found in place.evidence) / place.harm_days if place.harm_days else None,
        )
        for place in plausible
    ]


def is_listed_without_gravest(feed: Feed, rules: Rules, list_date: date, place: Place) -> bool:
    """Returns whether a listed person stays listed without the gravest allegation (the latest of equal ones)."""
    *_, gravest = sorted(
        sorted(place.evidence, key=lambda found: (found.force, found.crime_ref), reverse=True),
        key=lambda found: (found.harm_days or -1.0, feed.crimes[found.force, found.crime_ref].reported_on),
    )
    crime = (gravest.force, gravest.crime_ref)
    others = [link for link in feed.suspects[crime] if "|".join(link[0]) != place.offender_key]
    ranked_without = rank_feed(replace(feed, suspects={**feed.suspects, crime: others}), rules, list_date)
    return place.offender_key in {other.offender_key for other in ranked_without[:LIST_SIZE]}


# --- what separates the places around the cut-off ----------------------------------------------------------


class Boundary(NamedTuple):
    """One place near the cut-off, what separates it from the next, and whether it is tied across the cut-off."""

    harm_rank: int
    offender_key: str
    separated_by: str | None
    separation: float | None
    is_tied_across_line: bool


def boundary(places: list[Place]) -> list[Boundary]:
    """Returns the places around the cut-off and all that are tied across it."""
    first, last = LIST_SIZE - PLACES_AROUND_LINE, LIST_SIZE + PLACES_AROUND_LINE
    across: set[str] = set()
    if len(places) > LIST_SIZE and standing(places[LIST_SIZE - 1]) == standing(places[LIST_SIZE]):
        across = {place.offender_key for place in places if standing(place) == standing(places[LIST_SIZE])}
    return [
        Boundary(place.harm_rank, place.offender_key, *separation(place, behind), place.offender_key in across)
        for place, behind in zip(places, [*places[1:], None], strict=True)
        if first <= place.harm_rank <= last or place.offender_key in across
    ]


def separation(place: Place, behind: Place | None) -> tuple[str | None, float | None]:
    """The first of the five measures in which two neighbours differ, and by how much."""
    if behind is None:
        return None, None
    names = ("harm_days", "female_victims", "allegations", "latest_reported_on")
    for name, mine, other in zip(names, standing(place), standing(behind), strict=True):
        if mine != other:
            return name, other - mine
    return "offender_key", 0


# --- movement ----------------------------------------------------------------------------------------------

Difference = tuple[int, float]
"""Allegations and their harm."""


class Movement(NamedTuple):
    """One person on a list or on the one before. Ranks are of all who are ranked, None where nothing counts."""

    offender_key: str
    movement: str
    reason: str
    harm_rank: int | None
    harm_rank_before: int | None
    reported: Difference
    admitted: Difference
    passed: Difference
    cancelled: Difference
    excluded: Difference


def moved(extracts: Path, list_date: date, list_before: date, seeds: Path) -> list[Movement]:
    """Who entered, stayed and left between two lists of method ``v100``, by key."""
    feed, rules = read_feed(extracts), read_rules(seeds)
    now, before = (
        {place.offender_key: place for place in rank_feed(feed, rules, day)} for day in (list_date, list_before)
    )
    members = {key for places in (now, before) for key, place in places.items() if place.harm_rank <= LIST_SIZE}
    return [movement_of(key, now.get(key), before.get(key), feed, (list_date, list_before)) for key in sorted(members)]


def movement_of(key: str, now: Place | None, before: Place | None, feed: Feed, dates: tuple[date, date]) -> Movement:
    """What one person did, why, and how many allegations came and went."""
    list_date, list_before = dates
    came, went = counted_only(now, before), counted_only(before, now)
    crimes = feed.crimes
    reported = [e for e in came if crimes[e.force, e.crime_ref].reported_on > list_before]
    admitted = [e for e in came if e not in reported]
    passed = [e for e in went if crimes[e.force, e.crime_ref].reported_on <= list_date - WINDOW]
    in_window = [e for e in went if e not in passed]
    cancelled = [e for e in in_window if (crimes[e.force, e.crime_ref].cancelled_on or date.max) <= list_date]
    excluded = [e for e in in_window if e not in cancelled]
    is_on = now is not None and now.harm_rank <= LIST_SIZE
    was_on = before is not None and before.harm_rank <= LIST_SIZE
    movement = "stayed" if is_on and was_on else "entered" if is_on else "left"
    # A smaller rank is a higher place; a person without a rank comes last.
    behind = (1.0, 0, 0, 0)
    here, there = (behind if place is None else standing(place) for place in (now, before))
    if movement == "entered":
        reason = "came_of_age" if admitted else "new_allegation" if here < there else "others_left"
    elif movement == "left" and excluded:
        reason = "died"
    elif movement == "left" and here <= there:
        reason = "overtaken"
    elif here < there:
        reason = "new_allegation"
    elif here == there:
        reason = "unchanged"
    else:
        reason = "cancelled" if cancelled and summed(cancelled)[1] >= summed(passed)[1] else "window_passed"
    ranks = (place.harm_rank if place else None for place in (now, before))
    return Movement(key, movement, reason, *ranks, *map(summed, (reported, admitted, passed, cancelled, excluded)))


def counted_only(here: Place | None, there: Place | None) -> list[Evidence]:
    """The evidence of the one place whose crimes are not behind the other."""
    other = {(e.force, e.crime_ref) for e in there.evidence} if there else set()
    return [e for e in here.evidence if (e.force, e.crime_ref) not in other] if here else []


def summed(evidence: list[Evidence]) -> Difference:
    """How many, and their harm; a missing weight adds none."""
    return len(evidence), sum(found.harm_days or 0.0 for found in evidence)
