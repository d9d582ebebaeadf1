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
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from pathlib import Path
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
SEXES = {"M", "F", "X", "U"}
ADULT_AT = 18

KEYS: dict[str, Key] = {
    "crimes": ("force", "crime_ref"),
    "people": ("force", "person_ref"),
    "involvements": ("force", "crime_ref", "person_ref", "role"),
    "person_merges": ("force", "person_ref"),
}


class Crime(NamedTuple):
    """The current version of one recorded crime, cut to what the method asks about."""

    offence_code: str
    reported_on: date
    reported_by: str
    cancelled_on: date | None


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


@dataclass(frozen=True)
class Feed:
    """The current state of everything an extracts folder says, persons already merged."""

    crimes: dict[CrimeKey, Crime]
    by_report: list[tuple[date, CrimeKey]]
    people: dict[PersonKey, Person]
    suspects: dict[CrimeKey, list[tuple[PersonKey, str]]]
    victims: dict[CrimeKey, list[PersonKey]]


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


@lru_cache(maxsize=10_000)
def canonical_code(code: str) -> str:
    """``19/8``, ``1908`` and ``01908`` as ``019/08``; anything else is a recorded-crime code, upper case."""
    if with_slash := re.fullmatch(r"([0-9]{1,3})\s*/\s*([0-9]{1,2})", code.strip()):
        return f"{int(with_slash[1]):03d}/{int(with_slash[2]):02d}"
    if re.fullmatch(r"[0-9]{4,5}", code.strip()):
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


def current(extracts: Path, table: str) -> dict[Key, Row]:
    """The newest version of each record that is not deleted.

    Extracts and rows come in order, so replacing on an equal ``updated_at`` is what makes the later one win.
    """
    newest: dict[Key, tuple[datetime, Row]] = {}
    for extract in sorted(p for p in extracts.iterdir() if p.is_dir() and day(p.name[:10])):
        for row in rows_of(extract, table):
            if "role" in row:
                row["role"] = (row["role"] or "").lower() or None
            key, updated_at = key_of(table, row), moment(row.get("updated_at"))
            if key is None or updated_at is None or not is_usable(table, row):
                continue
            if key not in newest or updated_at >= newest[key][0]:
                newest[key] = (updated_at, row)
    return {key: row for key, (_, row) in newest.items() if not is_tombstone(row)}


def survivors(extracts: Path) -> Callable[[PersonKey], PersonKey]:
    """The function from a person's record to the record that stands for it after every merge.

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
    by_report = sorted((crime.reported_on, key) for key, crime in crimes.items())
    return Feed(crimes, by_report, people, suspects, victims)


def crime_of(row: Row) -> Crime:
    """A usable crimes row as the method sees it."""
    reported_on = day(row["reported_on"])
    assert reported_on is not None and row["offence_code"] is not None
    return Crime(
        offence_code=canonical_code(row["offence_code"]),
        reported_on=reported_on,
        reported_by=one_of(row.get("reported_by"), REPORTERS, "victim"),
        cancelled_on=day(row.get("cancelled_on")),
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
    """Whether what is known of the birth leaves no way to be eighteen on the list date."""
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
    """The furthest standing status of each suspect of a crime who may be listed."""
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
            evidence[person].append(Evidence(*crime, days, status, is_ambiguous))
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
    """The places ranked; those whose four measures are equal stand by offender_key and are marked tied."""
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


# --- movement ----------------------------------------------------------------------------------------------

LIST_SIZE = 100
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
    # Smaller stands higher; who does not count stands behind everybody.
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
