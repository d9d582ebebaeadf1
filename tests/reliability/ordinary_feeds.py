"""Feeds without a mistake, for `wrong_feeds.py`: an invented force of six monthly extracts, and ordinary noise in them."""

from __future__ import annotations

import csv
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harmrank.sample import write_sample

Row = dict[str, str]
WHO = "_who"
"""Whom a row of people or involvements is about in truth, whatever its reference says. Never written."""


@dataclass
class Extract:
    """One extract as rows by table; every value is text, as in a CSV file."""

    extract_id: str
    tables: dict[str, list[Row]]

    @property
    def day(self) -> str:
        """The day on which the extract was taken, as an ISO date."""
        return self.extract_id[:10]


Feed = list[Extract]

CRIMES, MONTHS, RIGHT = 3_600, 6, 4
"""Of a feed: crimes (about 150 people ranked), extracts, and how many extracts stay right and without noise."""

TABLES = {
    "crimes": "crime_ref",
    "people": "person_ref",
    "involvements": "crime_ref person_ref role",
    "person_merges": "person_ref",
}


def rows(feed: Feed, tables: str) -> Iterator[Row]:
    """Yields the rows of these tables, named with blanks between, in every extract."""
    for extract in feed:
        for table in tables.split():
            yield from extract.tables.get(table, [])


def copied(feed: Feed) -> Feed:
    """Returns a copy whose rows may be changed."""
    return [
        Extract(e.extract_id, {table: [dict(row) for row in lines] for table, lines in e.tables.items()}) for e in feed
    ]


def ordinary(seed: int) -> Feed:
    """Returns the sample of a seed with what a small sample is short of: corrections, cancellations, deaths, deletions, merges.

    Forty people of the extracts before RIGHT have two records that nobody has merged yet.
    """
    with tempfile.TemporaryDirectory() as name:
        write_sample(Path(name) / "feed", crimes=CRIMES, months=MONTHS, seed=seed, report=lambda _: None)
        feed = [_read(folder) for folder in sorted((Path(name) / "feed").iterdir())]
    rng, known = random.Random(seed), {table: {} for table in TABLES}
    for number, extract in enumerate(feed):
        if number == RIGHT:
            merged = {
                row[name] for row in known["person_merges"].values() for name in ("person_ref", "merged_into_ref")
            }
            twice = rng.sample([row for row in known["people"].values() if row["person_ref"] not in merged], 80)
            for old, into in zip(twice[:40], twice[40:], strict=True):
                _merged(old, into)
        if number:
            _correct(rng, extract, known)
        for table, key in TABLES.items():
            for row in extract.tables.get(table, []):
                known[table][tuple(row[column] for column in key.split())] = row
    return feed


def _read(folder: Path) -> Extract:
    tables = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            tables[path.stem] = list(csv.DictReader(file))
        for row in tables[path.stem] if path.stem in ("people", "involvements") else []:
            row[WHO] = row["person_ref"]
    return Extract(folder.name, tables)


def _correct(rng: random.Random, extract: Extract, known: dict[str, dict[tuple[str, ...], Row]]) -> None:
    def again(table: str, lines: Iterable[Row], **change: Callable[[], str]) -> None:
        stamp = {"updated_at": f"{extract.day}T12:00:00"}
        new = [row | stamp | {name: value() for name, value in change.items()} for row in lines]
        extract.tables[table] = [*extract.tables.get(table, []), *new]

    present = {row["person_ref"] for row in extract.tables["people"]}
    suspects = [row for row in known["involvements"].values() if row["role"] == "suspect"]
    crimes = [row for row in known["crimes"].values() if row["deleted"] != "Y"]
    ended = rng.sample(crimes, 20)
    again(
        "involvements",
        rng.sample(suspects, 40),
        status=lambda: rng.choice(["eliminated", "acquitted", "charged", "convicted"]),
    )
    again("crimes", ended[:12], cancelled_on=lambda: extract.day)
    again("crimes", ended[12:], deleted=lambda: "Y")
    people = {row["person_ref"]: known["people"].get((row["person_ref"],)) for row in suspects}
    merged = {row["person_ref"] for row in known["person_merges"].values()}
    merged |= {row["merged_into_ref"] for row in known["person_merges"].values()}
    free = rng.sample([row for ref, row in people.items() if row and ref not in merged | present], 28)
    again("people", free[:8], deceased_on=lambda: extract.day)
    for old, into in zip(free[8:18], free[18:], strict=True):
        again("person_merges", [_merged(old, into)])


PERSON = ("forename", "middle_names", "surname", "date_of_birth", "birth_year", "sex")


def _merged(old: Row, into: Row) -> Row:
    """Returns the merge of a record into another, and makes both records the same person's, which they were all along."""
    old.update({name: into[name] for name in PERSON})
    return {
        "force": old["force"],
        "person_ref": old["person_ref"],
        "merged_into_ref": into["person_ref"],
        "deleted": "",
    }


def write(feed: Feed, folder: Path) -> None:
    """Writes extracts as a supplier does, without counts or checksums."""
    for extract in feed:
        place = folder / extract.extract_id
        place.mkdir(parents=True)
        (place / "extract.json").write_text(json.dumps({"extract_at": f"{extract.day}T23:45:00"}), encoding="utf-8")
        for table, lines in extract.tables.items():
            if lines:
                columns = [column for column in lines[0] if column != WHO]
                with (place / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(lines)


# --- ordinary noise ----------------------------------------------------------------------------------------


def noisy(number: int, right: Feed) -> tuple[Feed, list[str]]:
    """Returns a feed with ordinary noise from its fifth extract on, and which noise it has."""
    rng, feed = random.Random(f"noise {number}"), copied(right)
    chosen = [list(NOISE)[number % len(NOISE)], *rng.sample(list(NOISE), 2)]
    for name in dict.fromkeys(chosen):
        NOISE[name](rng, feed)
    return feed, list(dict.fromkeys(chosen))


def _late(rng: random.Random, feed: Feed) -> None:
    for table in ("crimes", "involvements", "people"):
        early, late = feed[RIGHT].tables[table], feed[-1].tables[table]
        held = set(rng.sample(range(len(early)), len(early) // 30))
        late += [row for place, row in enumerate(early) if place in held]
        feed[RIGHT].tables[table] = [row for place, row in enumerate(early) if place not in held]


def _blanks(rng: random.Random, feed: Feed) -> None:
    optional = {
        "crimes": "committed_from outcome_type area_code reported_by domestic_abuse",
        "people": "date_of_birth sex ethnicity postcode",
        "involvements": "status relationship",
    }
    for table, columns in optional.items():
        for row in rows(feed[RIGHT:], table):
            row.update(dict.fromkeys((column for column in columns.split() if rng.random() < 0.03), ""))


def _odd_codes(rng: random.Random, feed: Feed) -> None:
    for row in rows(feed[RIGHT:], "crimes"):
        if rng.random() < 0.01:
            row["offence_code"] = rng.choice(["999/99", "FORCE01", "195/99", "8Z"])


def _volume(share: float) -> Callable[[random.Random, Feed], None]:
    def change(rng: random.Random, feed: Feed) -> None:
        extract = feed[rng.choice((RIGHT, -1))]
        crimes = {row["crime_ref"] for row in extract.tables["crimes"] if rng.random() < abs(share)}
        links = [row for row in extract.tables["involvements"] if row["crime_ref"] in crimes]
        if share < 0:
            people = {row["person_ref"] for row in links}
            for table, gone in (("crimes", crimes), ("involvements", crimes), ("people", people)):
                key = "person_ref" if table == "people" else "crime_ref"
                extract.tables[table] = [row for row in extract.tables[table] if row[key] not in gone]
            return
        people = {row["person_ref"] for row in links}
        own = {"crimes": crimes, "involvements": crimes, "people": people}
        for table, taken in own.items():
            key = "person_ref" if table == "people" else "crime_ref"
            more = [dict(row) for row in extract.tables[table] if row[key] in taken]
            for row in more:
                row.update({name: f"9{row[name][1:]}" for name in ("crime_ref", "person_ref") if name in row})
                if WHO in row:
                    row[WHO] = row["person_ref"]
            extract.tables[table] += more

    return change


def _small(rng: random.Random, feed: Feed) -> None:
    stamp = {"updated_at": "2026-10-14T09:00:00", "postcode": "E1 1AA"}
    old = rng.sample(feed[RIGHT].tables["people"], 5)
    feed.insert(RIGHT + 1, Extract("2026-10-15", {"people": [row | stamp for row in old]}))


def _all_again(_: random.Random, feed: Feed) -> None:
    everything: dict[str, list[Row]] = defaultdict(list)
    for extract in copied(feed):
        for table, lines in extract.tables.items():
            everything[table] += lines
    feed[-1].tables = dict(everything)


def _new_column(_: random.Random, feed: Feed) -> None:
    for row in rows(feed[RIGHT:], "crimes"):
        row["station"] = "Invented Road"


def _many_merges(_: random.Random, feed: Feed) -> None:
    merged = {row[column] for row in rows(feed, "person_merges") for column in ("person_ref", "merged_into_ref")}
    newest = {row["person_ref"]: row for row in rows(feed[:RIGHT], "people") if row["person_ref"] not in merged}
    of_person: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in newest.values():
        of_person[tuple(row[name] for name in PERSON)].append(row)
    stamp = {"updated_at": f"{feed[-1].day}T13:00:00"}
    merges = [_merged(*pair) | stamp for pair in of_person.values() if len(pair) == 2]
    feed[-1].tables["person_merges"] = [*feed[-1].tables.get("person_merges", []), *merges]


def _many_corrections(rng: random.Random, feed: Feed) -> None:
    earlier = [row for row in rows(feed[:RIGHT], "involvements") if row["role"] == "suspect"]
    stamp = {"updated_at": f"{feed[-1].day}T14:00:00"}
    statuses = ("arrested", "charged", "convicted", "eliminated")
    again = [row | stamp | {"status": rng.choice(statuses)} for row in rng.sample(earlier, len(earlier) // 4)]
    feed[-1].tables["involvements"] += again


NOISE: dict[str, Callable[[random.Random, Feed], None]] = {
    "late rows": _late,
    "more blanks": _blanks,
    "unknown codes": _odd_codes,
    "40 % fewer crimes": _volume(-0.4),
    "40 % more crimes": _volume(0.4),
    "a small extract": _small,
    "everything again": _all_again,
    "a new column": _new_column,
    "many merges": _many_merges,
    "many corrections": _many_corrections,
}
