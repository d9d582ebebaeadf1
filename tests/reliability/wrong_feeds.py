"""Feeds that are readable but wrong: is a list with a wrong person ever published in silence?

    PYTHONPATH=tests python -m reliability.wrong_feeds [--feeds N] [--ordinary N] [--only WORDS] [--case K] [--jobs N] [--record]

Each feed is an invented force of six monthly extracts with one plausible mistake (wrong_feed_kinds.py): in the whole feed, or
after four right extracts whose list has been published. A case follows from its number alone: `--case K` runs it again and shows
what harmrank said. Outcomes:

refused    an extract was refused, exit 3
held       nothing was published, exit 4
harmless   the first hundred are the people of the true list, with the same harm
warned     published with a warning that the true feed does not give and that names the thing
vague      the same, but the warning is about something else
altered    without such a warning: every place is right, but harm differs or people of the true hundred are not there
missed     without such a warning: a wrong person is in the first hundred

A place is right if the references behind its evidence are, in truth, one person of the true hundred, and the names shown, if any,
are that person's. A person whom only the arbitrary key separates from place 100 is of the true hundred, too. A mistake that leaves no
trace in the data, such as one wrong report, is in no kind: nobody could know.

Then ordinary feeds with ordinary noise: none may be refused or held, and every warning is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb

from reliability.homes import copied, run
from reliability.ordinary_feeds import MONTHS, NOISE, RIGHT, TABLES, WHO, Feed, noisy, ordinary, rows, write
from reliability.ordinary_feeds import copied as copied_feed
from reliability.record import record
from reliability.wrong_feed_kinds import FROM, KINDS, LAST, ONE, WHOLE, Kind

FEEDS = 3
"""How many ordinary feeds there are to go wrong."""

AFFECTED = {
    WHOLE: slice(0, None),
    FROM: slice(RIGHT, None),
    ONE: slice(RIGHT, RIGHT + 1),
    LAST: slice(MONTHS - 1, None),
}
OUTCOMES = ("refused", "held", "warned", "vague", "harmless", "altered", "missed")


# --- what is true ------------------------------------------------------------------------------------------


@dataclass
class Truth:
    """A feed without a mistake: who is on its list, and what harmrank says of it, landed at once (True) or after a first list."""

    feed: Feed
    place_of: dict[str, str]
    hundred: dict[str, float]
    names: dict[str, set[frozenset[str]]]
    digest: str
    warnings: dict[bool, set[str]]


def truth(seed: int, work: Path, at_once: set[bool]) -> Truth:
    """Builds feed `seed` under `work` in one or both ways; the home with the list of its first extracts stays, as `base-SEED`."""
    feed, home, warnings = ordinary(seed), work / f"home-{seed}", {}
    write(feed[:RIGHT], work / f"right-{seed}")
    write(feed, work / f"true-{seed}")
    for is_whole in at_once:
        shutil.rmtree(home, ignore_errors=True)
        if not is_whole:
            _must(run("refresh", work / f"right-{seed}", "--home", work / f"base-{seed}", "--json"))
            copied(work / f"base-{seed}", home)
        commands = [_must(run(word, work / f"true-{seed}", "--home", home, "--json")) for word in ("land", "refresh")]
        warnings[is_whole] = said(*commands)
    shown, places = published(home)
    cut = [place[1:] for place in places.values() if place[0] == 100]
    hundred = {key: place[1] for key, place in places.items() if place[0] <= 100 or place[1:] in cut}
    names = defaultdict(set)
    for row in rows(feed, "people"):
        names[row[WHO]].add(_name(row["forename"], row["surname"]))
    place_of = {ref: key for key, ref, *_ in shown}
    return Truth(feed, place_of, hundred, names, raw_rows(home), warnings)


def _must(done: CompletedProcess[str]) -> CompletedProcess[str]:
    if done.returncode:
        raise AssertionError(f"a feed without a mistake gave {done.returncode}: {done.stderr[-2000:]}")
    return done


def said(*commands: CompletedProcess[str]) -> set[str]:
    """Returns every warning of some commands that were run with --json."""
    return {warning for done in commands for warning in json.loads(done.stdout)["warnings"]}


List = tuple[list[Any], dict[str, tuple[Any, ...]]]


def published(home: Path) -> List:
    """Returns everybody ranked in the last build: source records with names and the crimes behind them; and place and harm by key."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        people = connection.execute(
            "select offender_key, person_ref, forename, surname from mart.offender_people"
        ).fetchall()
        evidence = connection.execute("select offender_key, crime_ref from mart.offender_evidence").fetchall()
        places = connection.execute(
            "select offender_key, harm_rank, harm_days, female_victims, allegations from mart.offender_harm"
        ).fetchall()
    crimes = defaultdict(set)
    for key, crime_ref in evidence:
        crimes[key].add(crime_ref)
    return [(*person, crimes[person[0]]) for person in people], {key: tuple(rest) for key, *rest in places}


def raw_rows(home: Path) -> str:
    """Returns a digest of all rows that have landed."""
    digest = sha256()
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for table in TABLES:
            digest.update(repr(connection.execute(f"from raw.{table} order by all").fetchall()).encode())
    return digest.hexdigest()


def _name(*names: str | None) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names if name and name.strip())


# --- one wrong feed ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One wrong feed."""

    number: int
    kind: Kind
    when: str
    seed: int

    def __str__(self) -> str:
        return f"case {self.number}: {self.kind.title} ({self.when}, feed {self.seed})"


@dataclass(frozen=True)
class Verdict:
    """What became of a case: an outcome, and what can be said of it in a line."""

    case: Case
    outcome: str
    detail: str = ""


def make_case(number: int) -> Case:
    """Returns a case by its number: the kinds in turn, each time with the next beginning and another feed."""
    turn, index = divmod(number, len(KINDS))
    kind = KINDS[index]
    return Case(number, kind, kind.whens[(turn + index) % len(kind.whens)], 1 + (turn + index // 4) % FEEDS)


def wrong_feed(case: Case, right: Feed) -> Feed:
    """Returns a copy of a feed with the mistake of a case in it."""
    feed = copied_feed(right)
    wrong = AFFECTED[case.when]
    case.kind.make(random.Random(case.number), feed[wrong], feed[: wrong.start])
    return feed


def run_case(case: Case, true: Truth, work: Path) -> Verdict:
    """Lands, and where that does not settle it builds, one wrong feed in a home of its own under `work`."""
    folder = work / f"case-{case.number}"
    feed, is_whole = wrong_feed(case, true.feed), case.when == WHOLE
    try:
        write(feed, folder / "extracts")
        if not is_whole:
            copied(work / f"base-{case.seed}", folder / "home")
        landed = run("land", folder / "extracts", "--home", folder / "home", "--json")
        if landed.returncode:
            return Verdict(case, {3: "refused"}.get(landed.returncode, "error"), _first_line(landed))
        if raw_rows(folder / "home") == true.digest:
            return Verdict(case, "harmless", "the same rows landed")
        built = run("refresh", folder / "extracts", "--home", folder / "home", "--json")
        if built.returncode:
            return Verdict(case, {3: "refused", 4: "held"}.get(built.returncode, "error"), _first_line(built))
        new = sorted(said(landed, built) - true.warnings[is_whole])
        return Verdict(case, *judged(case.kind, new, wrong_places(feed, true, published(folder / "home"))))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _first_line(done: CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if re.search(r"error|refus|fail|held|not publish", line, re.I)]
    return " ".join((lines or done.stderr.splitlines() or [""])[0].split())[:400]


def wrong_places(feed: Feed, true: Truth, found: List) -> tuple[int, int, int]:
    """Returns of the first hundred: wrong places, places with other harm, and how many of the true hundred are not there."""
    about: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows(feed, "involvements"):
        about[_plain(row["person_ref"]), _plain(row["crime_ref"])].add(row[WHO])
    shown, places = found
    people: dict[str, set[str]] = defaultdict(set)
    misnamed = set()
    for key, ref, forename, surname, crimes in shown:
        here = {who for crime in crimes for who in about.get((_plain(ref), _plain(crime)), ())}
        people[key] |= {true.place_of.get(who, f"not ranked: {who}") for who in here}
        names = set().union(*(true.names[who] for who in here)) if here else set()
        if names and _name(forename, surname) and _name(forename, surname) not in names:
            misnamed.add(key)
    first = {key: place for key, place in places.items() if place[0] <= 100}
    right = {key: next(iter(people[key])) for key in first if len(people[key]) == 1 and key not in misnamed}
    right = {key: place for key, place in right.items() if place in true.hundred}
    doubled = len(right) - len(set(right.values()))
    other_harm = sum(first[key][1] != true.hundred[place] for key, place in right.items())
    return len(first) - len(right) + doubled, other_harm, max(0, min(100, len(true.hundred)) - len(set(right.values())))


def _plain(reference: str) -> str:
    return "".join(reference.split()).casefold().removesuffix(".0")


def judged(kind: Kind, new: list[str], figures: tuple[int, int, int]) -> tuple[str, str]:
    """Returns outcome and detail of a published list, from the warnings that the true feed does not give."""
    wrong, other_harm, absent = figures
    detail = f"{wrong} wrong, {other_harm} with other harm, {absent} of the true hundred not there"
    if not (wrong or other_harm or absent):
        return "harmless", "; ".join(new)
    if any(kind.named.search(warning) for warning in new):
        return "warned", f"{detail}: {'; '.join(new)}"
    if new:
        return "vague", f"{detail}: {'; '.join(new)}"
    return ("missed" if wrong else "altered"), detail


# --- ordinary feeds ----------------------------------------------------------------------------------------


def run_ordinary(number: int, truths: dict[int, Truth], work: Path) -> tuple[str, list[str], list[str]]:
    """Returns what became of an ordinary feed (`published`, `refused`, `held`, `error`), its noise and the warnings."""
    seed, folder = 1 + number % FEEDS, work / f"ordinary-{number}"
    feed, noise = noisy(number, truths[seed].feed)
    try:
        write(feed, folder / "extracts")
        copied(work / f"base-{seed}", folder / "home")
        done = run("refresh", folder / "extracts", "--home", folder / "home", "--json")
        outcome = {0: "published", 3: "refused", 4: "held"}.get(done.returncode, "error")
        return outcome, noise, sorted(said(done)) if not done.returncode else [_first_line(done)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- the report --------------------------------------------------------------------------------------------


def report(verdicts: list[Verdict], noise: list[tuple[str, list[str], list[str]]], seconds: float) -> list[str]:
    """Returns the figures as Markdown."""
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    for verdict in sorted(verdicts, key=lambda verdict: verdict.case.number):
        tally[verdict.case.kind.title][verdict.outcome] += 1
    total = sum(tally.values(), Counter())
    lines = [
        f"{len(verdicts)} feeds with one mistake each, of {len(tally)} kinds: in {total['missed']} a list with a wrong person in the "
        f"first hundred was published without a new warning. {seconds:.0f} s in all.",
        "",
        f"| mistake | feeds | {' | '.join(OUTCOMES)} |",
        f"|---|{'--:|' * (len(OUTCOMES) + 1)}",
    ]
    for title, row in [*tally.items(), ("**all**", total)]:
        lines.append(f"| {title} | {row.total()} | {' | '.join(str(row[outcome]) for outcome in OUTCOMES)} |")
    if noise:
        outcomes, warnings = Counter(outcome for outcome, _, _ in noise), [w for _, _, found in noise for w in found]
        lines += [
            "",
            f"{len(noise)} ordinary feeds with ordinary noise ({', '.join(NOISE)}): {outcomes['refused']} refused, "
            f"{outcomes['held']} held, {len(warnings)} warnings, {len(warnings) / len(noise):.2f} a feed.",
        ]
    return lines


def attack(cases: list[Case], ordinary_feeds: int, jobs: int, work: Path) -> tuple[list[Verdict], list[Any]]:
    """Runs the cases and the ordinary feeds, `jobs` side by side; prints a line for each."""
    at_once = defaultdict(set)
    for case in cases:
        at_once[case.seed].add(case.when == WHOLE)
    for number in range(ordinary_feeds):
        at_once[1 + number % FEEDS].add(False)
    truths = {seed: truth(seed, work, ways) for seed, ways in at_once.items()}

    def one(case: Case) -> Verdict:
        verdict = run_case(case, truths[case.seed], work)
        print(f"{verdict.outcome:9}{case}: {verdict.detail}", flush=True)
        return verdict

    def other(number: int) -> tuple[str, list[str], list[str]]:
        outcome, noise, warnings = run_ordinary(number, truths, work)
        print(f"{outcome:10}ordinary {number} ({', '.join(noise)}): {'; '.join(warnings)}", flush=True)
        return outcome, noise, warnings

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, cases)), list(pool.map(other, range(ordinary_feeds)))


def main() -> int:
    """Attacks, prints, and with --record writes the page. Returns 1 if a list was wrong in silence, or an ordinary feed stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--ordinary", type=int, default=30)
    parser.add_argument("--only", default="", help="only kinds whose title matches this pattern")
    parser.add_argument("--case", type=int, nargs="*", help="run these cases alone")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", action="store_true", help="write the figures into docs/reliability.md")
    arguments = parser.parse_args()
    started = time.monotonic()
    cases = [make_case(number) for number in arguments.case or range(arguments.feeds)]
    cases = [case for case in cases if re.search(arguments.only, case.kind.title)]
    with tempfile.TemporaryDirectory(prefix="harmrank-wrong-") as folder:
        verdicts, noise = attack(cases, arguments.ordinary, arguments.jobs, Path(folder))
    lines = report(verdicts, noise, time.monotonic() - started)
    print("\n".join(["", *lines]))
    broken = any(verdict.outcome in ("missed", "error") for verdict in verdicts)
    broken |= any(outcome != "published" for outcome, _, _ in noise)
    if arguments.record and not broken:
        record("wrong_feeds", lines)
    return int(broken)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # As the command does (harmrank/cli/main.py): DuckDB complains of its own types at a Python's end.
    os._exit(code)
