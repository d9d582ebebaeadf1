"""Measures the supported DuckDB versions on the work harmrank does.

Each version runs in a virtual environment of its own (created under --work, installed by pip), one after the other,
on the same generated CSV. Prints a Markdown table: the figures of docs/decisions/0001-duckdb-version.md.

    python benchmarks/duckdb_versions.py --rows 10000000 --versions 2.0.0 1.5.6
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

READERS = ("1.1.3", "1.2.2")
THREADS = 2

SETTINGS = f"set threads = {THREADS}; set memory_limit = '2GB'; set preserve_insertion_order = false"

# Five versions of each key, in no useful order.
GENERATE = """
    copy (
        select
            'metropolitan' as force,
            'C' || ((i * 7919) % ({rows} // 5)) as crime_ref,
            '019/' || lpad((i % 17)::varchar, 2, '0') as offence_code,
            date '2025-01-01' + (i % 365)::integer as reported_on,
            timestamp '2025-01-01' + to_seconds((i * 104729) % 31536000) as updated_at
        from range({rows}) as numbers (i)
    ) to '{path}' (header)
"""

LOAD = """
    create or replace table landed as
    select * from read_csv('{path}', header = true, all_varchar = true, filename = true, strict_mode = true)
"""

TYPE = """
    create or replace table typed as
    select
        force,
        crime_ref,
        offence_code,
        try_cast(reported_on as date) as reported_on,
        try_cast(updated_at as timestamp) as updated_at
    from landed
"""

NEWEST = """
    create or replace table newest as
    select force, crime_ref, unnest(arg_max(
        {'offence_code': offence_code, 'reported_on': reported_on, 'updated_at': updated_at}, updated_at
    ))
    from typed group by force, crime_ref
"""


def timed(step: Callable[[], object]) -> float:
    """Returns the seconds of the step."""
    started = time.perf_counter()
    step()
    return round(time.perf_counter() - started, 1)


def measure(work: Path, rows: int) -> dict[str, object]:
    """Times the DuckDB version of this interpreter on the CSV in `work`. Returns figures by name."""
    import duckdb

    csv, warehouse = (work / f"crimes_{rows}.csv", work / f"warehouse_{duckdb.__version__}.duckdb")
    published = work / f"published_{duckdb.__version__}.duckdb"
    for old in (warehouse, published):
        old.unlink(missing_ok=True)
    connection = duckdb.connect(str(warehouse))
    connection.execute(SETTINGS)
    if not csv.exists():
        connection.execute(GENERATE.format(rows=rows, path=csv))
    figures: dict[str, object] = {
        "CSV loaded as text, s": timed(lambda: connection.execute(LOAD.format(path=csv))),
        "typed, s": timed(lambda: connection.execute(TYPE)),
        "newest row per key (arg_max), s": timed(lambda: connection.execute(NEWEST)),
        "written as Parquet, s": timed(
            lambda: connection.execute(f"copy newest to '{work}/newest.parquet' (format parquet)")
        ),
    }

    def publish() -> None:
        connection.execute(f"attach '{published}' as published (storage_version 'v1.0.0')")
        connection.execute("create table published.newest as from newest")
        connection.execute("detach published")

    figures["published as a 1.0 file, s"] = timed(publish)
    connection.close()
    figures["warehouse, MB"] = round(warehouse.stat().st_size / 1e6)
    figures["published file, MB"] = round(published.stat().st_size / 1e6)
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures["peak memory, GB"] = round(kibibytes / (1e6 if sys.platform == "linux" else 1e9), 1)
    return figures


def interpreter(work: Path, version: str) -> Path:
    """Returns the Python of a virtual environment with this DuckDB version; creates it if missing."""
    home = work / f"venv-{version}"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-qq", f"duckdb=={version}"], check=True)
    return python


def readable(work: Path, reader: str, file: Path) -> str:
    """Returns 'yes', or 'no' if that client refuses the file."""
    program = f"import duckdb; duckdb.connect({str(file)!r}, read_only=True).execute('from newest limit 1')"
    answer = subprocess.run([str(interpreter(work, reader)), "-c", program], capture_output=True, check=False)
    return "no" if answer.returncode else "yes"


def run_version(work: Path, version: str, rows: int) -> dict[str, object]:
    """Returns all figures of one version, measured in a process of its own."""
    command = [str(interpreter(work, version)), __file__, "--measure", "--work", str(work), "--rows", str(rows)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, object] = json.loads(answer.stdout)
    return figures


def table(columns: dict[str, dict[str, object]]) -> str:
    """Returns a Markdown table: one row per figure, one column per version."""
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for name in next(iter(columns.values())):
        lines.append(f"| {name} | " + " | ".join(str(figures[name]) for figures in columns.values()) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures each version, then lets every other client read its files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--versions", nargs="+", default=["2.0.0", "1.5.6"])
    parser.add_argument("--work", type=Path, help="a folder to keep files and environments in (default: deleted)")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.work, options.rows)))
        return
    with tempfile.TemporaryDirectory() as throw_away:
        work = (options.work or Path(throw_away)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        columns = {}
        for version in options.versions:
            print(f"DuckDB {version}: {options.rows:,} rows, {THREADS} threads ...", file=sys.stderr)
            columns[version] = run_version(work, version, options.rows)
        for version, figures in columns.items():
            for client in (*READERS, *options.versions):
                for kind in ("warehouse", "published"):
                    file = work / f"{kind}_{version}.duckdb"
                    figures[f"{kind} file opens in {client}"] = readable(work, client, file)
        print(table(columns))


if __name__ == "__main__":
    main()
