"""The contenders: harmrank and its peers, the command of each, and the hundred that each writes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from feeds import Feed

REPOSITORY = Path(__file__).resolve().parents[1]
SEEDS = REPOSITORY / "seeds"

Hundred = list[tuple[str, int, str, float, int, int]]


@dataclass(frozen=True)
class Peer:
    """A program of benchmarks/peers. `environment` names the virtual environment whose Python runs it, None means this one;
    the versions of `packages` are printed with the figures."""

    name: str
    title: str
    script: str
    environment: str | None
    packages: tuple[str, ...]

    @property
    def python(self) -> Path:
        """Returns the interpreter that runs it."""
        if self.environment is None:
            return Path(sys.executable)
        return REPOSITORY / self.environment / "bin" / "python"

    def command(self, feed: Feed, state: str, out: Path) -> list[str | Path]:
        """Returns the command line; it writes hundred.csv and other files into `out`."""
        script = REPOSITORY / "benchmarks" / "peers" / self.script
        job = ["--extracts", feed.extracts(state), "--seeds", SEEDS, "--list-date", feed.list_date(state), "--out", out]
        return [self.python, script, *job]

    def versions(self) -> dict[str, str]:
        """Returns the versions of its packages in its own environment."""
        program = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
        asked = subprocess.run([self.python, "-c", program, *self.packages], capture_output=True, text=True, check=True)
        return dict(zip(self.packages, asked.stdout.split(), strict=True))


FLOOR = Peer("floor", "one DuckDB query", "floor.py", None, ("duckdb",))
SCRIPT = Peer("script", "DuckDB script by hand", "warehouse.py", None, ("duckdb",))
PEERS = {
    peer.name: peer
    for peer in (
        FLOOR,
        Peer("polars", "the query in Polars", "polars_floor.py", ".venv-bench", ("polars",)),
        SCRIPT,
        Peer("pandas", "the script in pandas", "pandas_warehouse.py", ".venv-bench", ("pandas", "pyarrow")),
        Peer(
            "sqlmesh",
            "the script's SELECTs in SQLMesh",
            "sqlmesh_warehouse.py",
            ".venv-bench-sqlmesh",
            ("sqlmesh", "duckdb"),
        ),
    )
}

HARMRANK = "harmrank"


def harmrank(*arguments: str | Path) -> list[str | Path]:
    """Returns the command line of `harmrank ...`."""
    return [sys.executable, "-m", "harmrank", *arguments]


def hundred_in(out: Path) -> Hundred:
    """Returns the hundred that a peer wrote."""
    with (out / "hundred.csv").open(encoding="utf-8", newline="") as file:
        return _hundred(list(csv.DictReader(file)))


def hundred_of(home: Path) -> Hundred:
    """Returns the hundred that a home has published."""
    command = harmrank("top", "--n", "1000", "--json", "--home", home)
    asked = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return _hundred(json.loads(asked.stdout)["places"])


def _hundred(rows: list[dict[str, str]]) -> Hundred:
    return [
        (
            str(row["list_date"])[:10],
            int(row["harm_rank"]),
            row["offender_key"],
            float(row["harm_days"]),
            int(row["allegations"]),
            int(row["female_victims"]),
        )
        for row in rows
    ]
