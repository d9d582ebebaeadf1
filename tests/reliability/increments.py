"""Compares a home refreshed extract by extract with a full build: every table the same, row for row, after every step.

`python -m reliability.increments [--sequences 20] [--steps 8] [--seed 1] [--record]` invents a small force whose
records keep changing: late and backdated reports, tombstones, merges made, changed and withdrawn, cancelled crimes,
custody, rows sent again, extracts that come after later ones, lists for earlier dates. After each refresh a copy of
a copy of the home is rebuilt with `--full`, and every table of the warehouse but those of the touched keys is compared.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from harmrank.home.folder import Home
from harmrank.machine import duck
from harmrank.refreshing.refresh import refresh
from harmrank.refreshing.request import Options
from harmrank.refreshing.run import Run
from reliability import homes
from reliability.record import record

FIRST = date(2025, 1, 31)
FORCES = ("met", "kent")
PEOPLE, CRIMES = 40, 60
CODES = ("019/08", "01908", "008/30", "105/08", "004/01", "19C", "999/99", "149/00", "017/13")
# Tables that a full build names differently, or that only the next build reads.
NOT_COMPARED = (
    "int_touched_records",
    "int_touched_crimes",
    "int_touched_offenders",
    "int_touched_list_dates",
    "int_changed_lists",
    "int_identities_before",
    "int_build",
    "build_info",
)


@dataclass
class Force:
    """An invented force, drawn from one seed, and the extracts it sends."""

    draw: random.Random
    sent: list[Path] = field(default_factory=list)

    def send(self, folder: Path, extract_on: date) -> None:
        """Writes one more extract; every seventh repeats an earlier one under a new name."""
        if self.sent and self.draw.random() < 1 / 7:
            shutil.copytree(self.draw.choice(self.sent), folder)
        else:
            folder.mkdir(parents=True)
            for table, rows in self._tables(extract_on):
                self._write(folder / f"{table}.csv", rows)
        self.sent.append(folder)

    def _tables(self, on: date) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        some = self.draw.randint
        yield "crimes", [self._crime(on) for _ in range(some(5, 30))]
        yield "people", [self._person(on) for _ in range(some(0, 20))]
        yield "involvements", [self._involvement(on) for _ in range(some(5, 40))]
        if self.draw.random() < 0.6:
            yield "custody", [self._custody(on) for _ in range(some(1, 6))]
        if self.draw.random() < 0.7:
            yield "person_merges", [self._merge(on) for _ in range(some(1, 4))]

    def _write(self, path: Path, rows: list[dict[str, Any]]) -> None:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        if not columns:
            return
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(rows)

    def _crime(self, on: date) -> dict[str, Any]:
        reported = on - timedelta(days=self._skewed(500))
        return {
            **self._crime_key(),
            "offence_code": self.draw.choice(CODES),
            "reported_on": reported,
            "committed_from": reported - timedelta(days=self._skewed(600)),
            "reported_by": self.draw.choice(["", "victim", "witness", "police", "company"]),
            "outcome_type": self.draw.choice(["", "1", "14", "16", "21"]),
            "cancelled_on": self._sometimes(0.15, on - timedelta(days=self._skewed(200)) + timedelta(days=40)),
            "area_code": self.draw.choice(["", "E09000001", "E09000002"]),
            **self._version(on, deleted=0.1),
        }

    def _person(self, on: date) -> dict[str, Any]:
        return {
            **self._person_key(),
            "date_of_birth": self._sometimes(0.6, date(1950, 1, 1) + timedelta(days=self.draw.randrange(22_000))),
            "birth_year": self._sometimes(0.5, self.draw.randint(1950, 2010)),
            "sex": self.draw.choice(["M", "M", "M", "F", "F", "U", ""]),
            "deceased_on": self._sometimes(0.1, on - timedelta(days=self._skewed(300))),
            **self._version(on, deleted=0.08),
        }

    def _involvement(self, on: date) -> dict[str, Any]:
        return {
            **self._crime_key(),
            "person_ref": self._person_key()["person_ref"],
            "role": self.draw.choice(["suspect", "suspect", "victim", "victim", "witness"]),
            "status": self.draw.choice(["", "named", "charged", "convicted", "eliminated"]),
            **self._version(on, deleted=0.12),
        }

    def _custody(self, on: date) -> dict[str, Any]:
        begins = on - timedelta(days=30 * self.draw.randrange(12))
        ends = self._sometimes(0.5, begins + timedelta(days=self.draw.randint(1, 200)))
        return {**self._person_key(), "custody_from": begins, "custody_to": ends, **self._version(on, deleted=0.2)}

    def _merge(self, on: date) -> dict[str, Any]:
        # Always into a higher number, so that no chain leads in a circle.
        one, other = sorted(self.draw.sample(range(PEOPLE), 2))
        key = {"force": self.draw.choice(FORCES), "person_ref": f"p{one}"}
        return {**key, "merged_into_ref": f"p{other}", **self._version(on, deleted=0.3)}

    def _crime_key(self) -> dict[str, Any]:
        return {"force": self.draw.choice(FORCES), "crime_ref": f"c{self.draw.randrange(CRIMES)}"}

    def _person_key(self) -> dict[str, Any]:
        return {"force": self.draw.choice(FORCES), "person_ref": f"p{self.draw.randrange(PEOPLE)}"}

    def _version(self, on: date, deleted: float) -> dict[str, Any]:
        # Few different moments, so that many versions are equally new; some come after later ones.
        moment = on - timedelta(days=self.draw.choice([0, 0, 1, 2, 30, 60]))
        return {"updated_at": f"{moment}T12:00:00", "deleted": self._sometimes(deleted, "Y")}

    def _skewed(self, most: int) -> int:
        return int(most * self.draw.random() ** 3)

    def _sometimes(self, share: float, value: object) -> object:
        return value if self.draw.random() < share else ""


@dataclass
class Findings:
    """What the comparisons found: `kinds` counts builds by what they rebuilt, `errors` are sentences."""

    steps: int = 0
    tables: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)


def run_sequence(seed: int, steps: int, found: Findings) -> None:
    """Refreshes `steps` times and compares each time; adds differences to `found`."""
    force, draw = Force(random.Random(seed)), random.Random(-seed)
    with tempfile.TemporaryDirectory(prefix="harmrank-increments-") as name:
        folder = Path(name)
        extracts, home = folder / "extracts", folder / "home"
        on = FIRST
        for step in range(steps):
            for _ in range(draw.choice([1, 1, 1, 2, 3])):
                on += timedelta(days=draw.choice([1, 7, 30, 31]))
                # One in five comes late: its id is earlier than that of what has landed.
                dated = on - timedelta(days=45) if draw.random() < 0.2 else on
                force.send(extracts / f"{dated}T{step:02}{len(force.sent):02}", dated)
            list_date = on - timedelta(days=draw.randint(1, 90)) if draw.random() < 0.25 else None
            _refresh(extracts, home, list_date, full=False)
            full = homes.copied(home, folder / "full")
            # A build records the published list when it begins. The copied home has recorded all but the build just published:
            # without that one, list_corrections must be the same too.
            (full / "published" / "current").unlink()
            found.kinds["changes only" if _is_incremental(home) else "all"] += 1
            _refresh(extracts, full, list_date, full=True)
            found.steps += 1
            found.errors += [f"seed {seed}, step {step}: {difference}" for difference in differences(home, full, found)]
            if found.errors:
                return


def _refresh(extracts: Path, home: Path, list_date: date | None, full: bool) -> None:
    refresh(Options(extracts, Home(home), list_date=list_date, full=full, accept_list=True), Run(Home(home)))


def _is_incremental(home: Path) -> bool:
    """Whether the last build was one of changes only: only then there are touched crimes."""
    with duck.open_database(home / "warehouse.duckdb", read_only=True) as connection:
        row = connection.execute("select count(*) from intermediate.int_touched_crimes").fetchone()
    return bool(row and row[0])


def differences(one: Path, other: Path, found: Findings) -> list[str]:
    """Returns a sentence for every table that differs between the warehouses of two homes, row for row."""
    different = []
    with duck.open_database() as connection:
        for name, home in (("one", one), ("other", other)):
            connection.execute(f"attach '{home / 'warehouse.duckdb'}' as {name} (read_only)")
        tables = connection.execute(
            "select database_name, schema_name, table_name from duckdb_tables() "
            "where schema_name in ('staging', 'intermediate', 'mart')"
        ).fetchall()
        here, there = ({table[1:] for table in tables if table[0] == name} for name in ("one", "other"))
        if here != there:
            return [f"the tables themselves: {sorted(here ^ there)}"]
        for schema, table in sorted(here):
            if table in NOT_COMPARED:
                continue
            found.tables += 1
            columns = ", ".join(
                str(name)
                for (name,) in connection.execute(
                    "select column_name from duckdb_columns() where database_name = 'one' and schema_name = ? "
                    "and table_name = ? order by column_index",
                    [schema, table],
                ).fetchall()
            )
            mine, theirs = (f"select {columns} from {name}.{schema}.{table}" for name in ("one", "other"))
            query = f"select count(*) from (({mine} except all {theirs}) union all ({theirs} except all {mine}))"
            (rows,) = connection.execute(query).fetchone() or (0,)
            if rows:
                different.append(f"{schema}.{table} differs in {rows} rows")
    return different


def main() -> int:
    """Runs the sequences, prints the result, and records it on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="write the figures into docs/reliability.md")
    asked = parser.parse_args()
    found, started = Findings(), time.monotonic()
    for seed in range(asked.seed, asked.seed + asked.sequences):
        run_sequence(seed, asked.steps, found)
        print(f"seed {seed}: {found.steps} refreshes compared, {len(found.errors)} errors", flush=True)
        if found.errors:
            break
    builds = ", ".join(f"{count} rebuilt {kind}" for kind, count in sorted(found.kinds.items()))
    lines = [
        f"- {asked.sequences} random sequences of {asked.steps} refreshes (seeds from {asked.seed}): {builds}.",
        f"- {found.tables:,} tables of refreshed homes compared, row for row, with those of a home built from nothing.",
        f"- **Differences: {len(found.errors)}.** {time.monotonic() - started:,.0f} s in all.",
    ]
    print("\n".join([*lines, *found.errors]))
    if asked.record:
        record("increments", lines)
    return bool(found.errors)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Great Expectations and DuckDB's Python bindings complain at an orderly exit.
    import os

    os._exit(code)
