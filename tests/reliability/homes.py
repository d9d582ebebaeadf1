"""What the attacks on a home share: the real command, what must hold of a published build, and a process that checks it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
from support import forked

from harmrank.home.folder import Home
from harmrank.machine import disk
from harmrank.publishing import current_build

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])}


def command(*arguments: str | Path, module: str = "harmrank") -> list[str]:
    """The command line of `harmrank ...` or of a module of the attacks."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def run(*arguments: str | Path, module: str = "harmrank", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `harmrank ...`, or another module, as `command` would be run, in a process that has dbt loaded."""
    return forked.run(arguments, module, Path.cwd(), {**ENVIRONMENT, **environment})


def refreshed(extracts: Path, home: Path, *options: str, **environment: str) -> None:
    """Runs a refresh that must succeed, whatever its list would wait for. Raises AssertionError with its output."""
    done = run("refresh", extracts, "--home", home, "--accept-list", *options, **environment)
    if done.returncode:
        raise AssertionError(f"refresh gave {done.returncode}: {done.stderr[-2000:]}")


def copied(home: Path, to: Path) -> Path:
    """Copies a home and replaces an earlier copy. Returns the copy."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(home, to, symlinks=True)
    return to


def check(home: Path) -> str:
    """Reads the current build as a careful reader does. Returns its id.

    Raises AssertionError where what is read is not one whole build: another build id in the file than in the manifest,
    evidence that does not add up, other numbers of rows than the manifest says.
    """
    folder = (home / "published" / "current").resolve()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(folder / "harm_mart.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{folder / current_build.NAMES_FILE}' as operational (read_only)")
        ids = connection.execute("select build_id from mart.build_info").fetchall()
        torn = connection.execute(
            "select count(*) from mart.top_100 as places where harm_days is distinct from "
            "(select sum(harm_days) from mart.top_100_evidence as e where e.offender_key = places.offender_key)"
        ).fetchone()
        connection.execute("set search_path = 'harm_mart.mart,operational.mart'")
        counted = {name: _count(connection, name) for name in manifest["tables"]}
        parquet = {
            name: _count(connection, f"'{folder / entry['file']}'") for name, entry in manifest["tables"].items()
        }
    rows = {name: entry["rows"] for name, entry in manifest["tables"].items()}
    assert ids == [(manifest["build_id"],)] == [(folder.name,)], (ids, manifest["build_id"], folder.name)
    assert torn == (0,), f"{torn} places of {folder.name} do not add up"
    assert counted == rows == parquet, (counted, rows, parquet)
    return folder.name


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    return int(rows)


def data(home: Path) -> dict[str, Any]:
    """The published data, byte for byte: SHA-256 by table; for build_info, without the name of the build."""
    folder = (home / "published" / "current").resolve()
    digests: dict[str, Any] = {path.stem: disk.sha256_of(path) for path in folder.rglob("*.parquet")}
    with duckdb.connect() as connection:
        digests["build_info"] = connection.execute(
            f"select * exclude (build_id, built_at) from '{folder / 'build_info.parquet'}'"
        ).fetchall()
    return digests


def leftovers(home: Path) -> list[str]:
    """Returns the files in a home that a finished refresh would not leave, and builds that are not whole."""
    root = home / "published"
    strange = [p.name for p in root.iterdir() if p.name != "current" and not current_build.BUILD_ID.fullmatch(p.name)]
    halves = [p.name for p in root.iterdir() if p.name not in strange and not (p / "manifest.json").exists()]
    hidden = [p.name for name in ("logs", "reports") for p in (home / name).glob(".*")]
    scratch = [p.name for p in (home / "scratch").iterdir()]
    return strange + halves + hidden + scratch + current_build.faults(Home(home), thoroughly=True)


class Reader:
    """A process that checks the current build again and again until it is stopped."""

    def __init__(self, home: Path, pause: float) -> None:
        self._process = subprocess.Popen(
            command(home, str(pause), module="reliability.reader"),
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def rest(self) -> None:
        """Pauses until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Reads again."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> dict[str, Any]:
        """`checks` that were made, the `builds` that were seen, and every `error`."""
        said, _ = self._process.communicate("", timeout=120)
        found: dict[str, Any] = json.loads(said)
        return found
