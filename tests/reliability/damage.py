"""Lands thousands of damaged extracts, each between two good ones, and checks that landing keeps its promises.

    PYTHONPATH=tests python -m reliability.damage [--cases N] [--seed S] [--case K] [--record]

A case is made only from its seed and number: `--case K` runs it again and shows its result. Checked for each: no
unexpected error; a refused extract leaves nothing, and its refusal names the place but no person; all rows, counted here
without harmrank's code, have landed or are in quarantine; the good extracts land as if alone.
"""

from __future__ import annotations

import argparse
import atexit
import csv
import gzip
import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from harmrank.home.folder import Home
from harmrank.home.warehouse import connect
from harmrank.landing.land import land
from harmrank.landing.outcome import Refusal
from harmrank.text.printable import printable
from reliability.damage_kinds import KINDS, MUST_BE_REFUSED, NAME, Extract, good, good_and_short
from reliability.record import record

BEFORE, DAMAGED, AFTER = 8, 9, 10
TABLES = ("crimes", "people", "involvements", "custody", "person_merges")
KEPT = (*TABLES, "extracts", "extract_files", "quarantine", "value_defects")
SEVERAL = "Several kinds at once"
SECONDS_ALLOWED = 120
"""Seconds after which a case counts as hanging: more than ten times what any case takes."""

REPOSITORY = Path(__file__).resolve().parents[2]


_BLANK_AFTER_QUOTE = re.compile(r'"[ \t]+(?=[,\r\n]|\Z)')


class PromiseBroken(AssertionError):
    """A case broke a promise."""


@dataclass(frozen=True)
class Case:
    """One damaged extract and its kinds of damage."""

    number: int
    kinds: tuple[str, ...]
    extract: Extract

    @property
    def label(self) -> str:
        """The row of the report for this case."""
        return self.kinds[0] if len(self.kinds) == 1 else SEVERAL


def make_case(seed: int, number: int) -> Case:
    """Returns case `number` of a seed. Three in four have one kind of damage, in turn; the rest have two to four kinds."""
    rng = random.Random(f"{seed}/{number}")
    extract = good(DAMAGED)
    names = list(KINDS)
    kinds: tuple[str, ...] = (names[(number - number // 4) % len(names)],)
    if number % 4 == 3:
        kinds = tuple(rng.sample(names, rng.choice((2, 2, 3, 4))))
    for kind in kinds:
        KINDS[kind](rng, extract)
    return Case(number, kinds, extract)


@contextmanager
def time_limit() -> Iterator[None]:
    """Raises PromiseBroken if the block hangs."""

    def give_up(*_: Any) -> None:
        raise PromiseBroken(f"it hangs: more than {SECONDS_ALLOWED} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS_ALLOWED)
    try:
        yield
    finally:
        signal.alarm(0)


# Running


def _good(month: int) -> Extract:
    return good(month) if month == BEFORE else good_and_short(month)


@cache
def _landed_before() -> Path:
    """Returns a folder with the first good extract and a home in which it has landed."""
    root = Path(tempfile.mkdtemp(prefix="damage-before-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    _good(BEFORE).write(root / "extracts")
    land(root / "extracts", Home(root / "home"), lambda line: None)
    return root


def run_case(case: Case, root: Path, command: str | None = None) -> str:
    """Lands a case in its own home under `root`. Returns `refused`, `quarantined` or `clean`. Raises PromiseBroken.

    With `command`, `harmrank land` or `harmrank refresh` runs in its own process.
    """
    extracts, home = root / "extracts", Home(root / "home")
    # The command starts without a home; in this process the first good extract has already landed.
    if command:
        _good(BEFORE).write(extracts)
    else:
        shutil.copytree(_landed_before(), root, dirs_exist_ok=True)
    _good(AFTER).write(extracts)
    folder = case.extract.write(extracts)
    with time_limit():
        if command:
            output = _run_command(command, extracts, home)
            refusals = None
        else:
            lines: list[str] = []
            result = land(extracts, home, lines.append)
            output, refusals = "\n".join(lines), result.refused
    # The system chooses the folder name, which may contain the same letters.
    if NAME.lower() in output.replace(str(root), "").lower():
        raise PromiseBroken("a name was printed")
    if not output.replace("\n", "").isprintable():
        raise PromiseBroken(f"control characters were printed: {printable(output)}")
    return _check(case, folder, home, refusals)


def _run_command(command: str, extracts: Path, home: Home) -> str:
    # Whether a list of so few people waits is no question of damage.
    words = [command, *(["--accept-list"] if command == "refresh" else [])]
    done = subprocess.run(
        [sys.executable, "-m", "harmrank", *words, str(extracts), "--home", str(home.root)],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=SECONDS_ALLOWED,
        check=False,
    )
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode not in (0, 3) or "Traceback" in output:
        raise PromiseBroken(f"harmrank {command} left with {done.returncode}: {output[-2000:]}")
    return output


# Checking


def _check(case: Case, folder: Path, home: Home, refusals: list[Refusal] | None) -> str:
    for leftover in home.scratch.rglob("*"):
        if leftover.is_file():
            raise PromiseBroken(f"{leftover.name} was left in scratch")
    with connect(home, read_only=True) as connection:
        for month in (BEFORE, AFTER):
            if _contents(connection, _good(month).extract_id) != _contents_alone(month):
                raise PromiseBroken(f"the good extract of month {month} did not land as if alone")
        refused = connection.execute("select * exclude (refused_at) from raw.refused_extracts").fetchall()
        if refused:
            _check_refusal(case, connection, refused, refusals)
            return "refused"
        if len(case.kinds) == 1 and case.kinds[0] in MUST_BE_REFUSED:
            raise PromiseBroken("it landed but should have been refused")
        return _check_landed(case, connection, folder)


def _check_refusal(
    case: Case, connection: duckdb.DuckDBPyConnection, refused: list[Any], refusals: list[Refusal] | None
) -> None:
    shown = printable(case.extract.extract_id, 100)
    if len(refused) != 1:
        raise PromiseBroken(f"{len(refused)} extracts were refused: {[row[-1] for row in refused]}")
    ((extract_id, _, file_name, _, column, message),) = refused
    if extract_id != shown or shown not in message or (refusals is not None and refusals[0].message != message):
        raise PromiseBroken(f"the refusal is about another extract: {message}")
    if not message.isprintable() or len(message) > 3_000 or NAME.lower() in f"{message} {file_name} {column}".lower():
        raise PromiseBroken(f"the refusal has a name, control characters or too much text: {printable(message)}")
    if file_name is None and not any(
        words in message for words in ("the id ", "no file that is a table", "more than 1,000")
    ):
        raise PromiseBroken(f"the refusal names no file: {message}")
    for table in KEPT:
        ids = {row[0] for row in connection.execute(f"select distinct extract_id from raw.{table}").fetchall()}
        if ids - {_good(BEFORE).extract_id, _good(AFTER).extract_id}:
            raise PromiseBroken(f"the refused extract left rows in raw.{table}")


def _check_landed(case: Case, connection: duckdb.DuckDBPyConnection, folder: Path) -> str:
    own = [case.extract.extract_id]
    files = connection.execute(
        "select table_name, file_name, rows_read, rows_landed, rows_quarantined from raw.extract_files "
        "where extract_id = ?",
        own,
    ).fetchall()
    landed, quarantined = Counter[str](), 0
    for table, name, read, rows, bad in files:
        counted = count_rows(folder / name)
        kept = _one(
            connection, "select count(*) from raw.quarantine where extract_id = ? and file_name = ?", [*own, name]
        )
        if not counted == read == rows + bad or kept != bad:
            raise PromiseBroken(
                f"{name}: {counted} rows counted, {read} read, {rows} landed, {bad} bad, {kept} in quarantine"
            )
        landed[table] += rows
        quarantined += bad
    for table in TABLES:
        found = _one(connection, f"select count(*) from raw.{table} where extract_id = ?", own)
        if found != landed[table]:
            raise PromiseBroken(f"raw.{table} has {found} rows of {landed[table]} landed")
    names = "select count(*) from raw.value_defects where lower(column_name || reason) like ?"
    if _one(connection, names, [f"%{NAME.lower()}%"]):
        raise PromiseBroken("a name is in the published defects")
    defects = _one(connection, "select count(*) from raw.value_defects where extract_id = ?", own)
    return "quarantined" if quarantined or defects else "clean"


def _one(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> int:
    row = connection.execute(query, values).fetchone()
    return int(row[0]) if row else 0


def _contents(connection: duckdb.DuckDBPyConnection, extract_id: str) -> list[Any]:
    """Returns all rows kept of an extract, without the time of landing."""
    found: list[Any] = []
    for table in (*TABLES, "quarantine", "value_defects"):
        query = f"select * from raw.{table} where extract_id = ? order by all"
        found += [(table, *row) for row in connection.execute(query, [extract_id]).fetchall()]
    return found


@cache
def _contents_alone(month: int) -> list[Any]:
    """Returns the rows kept of a good extract that lands alone."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        _good(month).write(root / "extracts")
        land(root / "extracts", Home(root / "home"), lambda line: None)
        with connect(Home(root / "home"), read_only=True) as connection:
            return _contents(connection, _good(month).extract_id)


# Counting rows without harmrank's code


def count_rows(path: Path) -> int:
    """Returns the number of records of a file, without the header: by Python's csv module, or by DuckDB for Parquet."""
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            return _one(connection, "select count(*) from read_parquet(?)", [str(path)])
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = content.decode("utf-8-sig")
    return len(list(_csv_records(text))) - 1


def _csv_records(text: str) -> Iterator[str]:
    """Yields the text of each record: the fewest lines that parse as one, or the first line if none do."""
    lines = io.StringIO(text, newline="").readlines()
    place = 0
    while place < len(lines):
        size = _size(lines, place) if '"' in lines[place] else 1
        record_text = "".join(lines[place : place + size])
        if record_text.strip("\r\n"):
            yield record_text
        place += size


def _size(lines: list[str], place: int) -> int:
    size, is_good = _first_record(lines[place:])
    if is_good:
        return size
    # Blanks around a quoted value are allowed.
    size_without_blanks, is_good = _first_record(_BLANK_AFTER_QUOTE.sub('"', line) for line in lines[place:])
    return size_without_blanks if is_good and size_without_blanks >= size else 1


def _first_record(lines: Iterable[str]) -> tuple[int, bool]:
    """Returns how many lines the first record takes, and True; or how many were read before it failed, and False."""
    reader = csv.reader(lines, strict=True, skipinitialspace=True)
    try:
        next(reader)
    except csv.Error:
        return reader.line_num, False
    return reader.line_num, True


# The report


@dataclass
class Tally:
    """The results of the cases of one kind."""

    cases: int = 0
    refused: int = 0
    quarantined: int = 0
    clean: int = 0


def _command_of(number: int) -> str | None:
    """Returns the command for a case: one in twenty runs through `land`, one in two hundred through `refresh`."""
    if number % 200 == 101:
        return "refresh"
    return "land" if number % 20 == 1 else None


def attack(cases: int, seed: int, first: int = 0) -> tuple[dict[str, Tally], list[str]]:
    """Runs the cases. Returns the tally by kind and a line for each case that broke a promise."""
    tally = {name: Tally() for name in (*KINDS, SEVERAL)}
    broken = []
    for number in range(first, first + cases):
        case = make_case(seed, number)
        root = Path(tempfile.mkdtemp(prefix="damage-"))
        try:
            outcome = run_case(case, root, _command_of(number))
        except Exception as error:
            broken.append(f"--seed {seed} --case {number} ({'; '.join(case.kinds)}): {type(error).__name__}: {error}")
            print(printable(broken[-1]), flush=True)
            continue
        finally:
            shutil.rmtree(root, ignore_errors=True)
        row = tally[case.label]
        row.cases += 1
        setattr(row, outcome, getattr(row, outcome) + 1)
        if (number + 1) % 100 == 0:
            print(f"{number + 1} of {cases}", file=sys.stderr, flush=True)
    return tally, broken


def report(tally: dict[str, Tally], broken: int, seconds: float) -> list[str]:
    """Returns the figures as Markdown."""
    total = Tally(*(sum(getattr(row, part) for row in tally.values()) for part in vars(Tally())))
    lines = [
        f"{total.cases + broken:,} damaged extracts, each landed between two good ones: {broken} broke a promise. The promises: "
        "no unexpected error; the good extracts land as if alone; every row of a landed file is in a table or in quarantine; "
        f"a refused extract leaves nothing. One in twenty ran through the command. {seconds:.0f} s.",
        "",
        "| damage | cases | refused | landed, with quarantine or defects | landed clean |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, row in [*tally.items(), ("**all**", total)]:
        lines.append(f"| {name} | {row.cases:,} | {row.refused:,} | {row.quarantined:,} | {row.clean:,} |")
    return lines


def show(seed: int, number: int) -> None:
    """Runs one case and keeps its folders."""
    case = make_case(seed, number)
    root = Path(tempfile.mkdtemp(prefix=f"damage-{number}-"))
    print(f"case {number}: {'; '.join(case.kinds)}\nfolder: {root}", flush=True)
    print(run_case(case, root, _command_of(number)))
    with connect(Home(root / "home"), read_only=True) as connection:
        for query in ("select message from raw.refused_extracts", "select * exclude (raw_text) from raw.quarantine"):
            print(*connection.execute(query).fetchall(), sep="\n")
        print(*connection.execute("select * from raw.value_defects").fetchall(), sep="\n")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="run this case alone and keep its folders")
    parser.add_argument("--record", action="store_true", help="write the figures into docs/reliability.md")
    arguments = parser.parse_args()
    os.umask(0o077)
    if arguments.case is not None:
        show(arguments.seed, arguments.case)
        return
    started = time.monotonic()
    tally, broken = attack(arguments.cases, arguments.seed)
    lines = report(tally, len(broken), time.monotonic() - started)
    print("\n".join(lines))
    if arguments.record and not broken:
        record("damage", lines)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
