"""Shared by the peers: their command line, their output, and the SELECTs of the DuckDB warehouse."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

HERE = Path(__file__).resolve().parent
HUNDRED = "hundred.csv"


@dataclass(frozen=True)
class Job:
    """One call of a peer: the folders of extracts and seeds, the list date (YYYY-MM-DD), and the folder for its output, in which
    it writes `hundred.csv`."""

    extracts: Path
    seeds: Path
    list_date: str
    out: Path


@dataclass(frozen=True)
class Model:
    """A table of the warehouse (`schema.table`) and the SELECT that makes it."""

    name: str
    select: str


def job_of(description: str | None) -> Job:
    """Returns the job of the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extracts", type=Path, required=True)
    parser.add_argument("--seeds", type=Path, required=True)
    parser.add_argument("--list-date", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    return Job(options.extracts.resolve(), options.seeds.resolve(), options.list_date, options.out.resolve())


def models() -> list[Model]:
    """Returns the tables of the warehouse in the order of their creation; file names have order and table."""
    files = sorted((HERE / "warehouse").glob("*.sql"))
    return [Model(file.stem.partition("_")[2], file.read_text(encoding="utf-8")) for file in files]


def filled(model: Model, job: Job) -> str:
    """Returns the SELECT with the job's folders and date filled in."""
    return fill(model.select, job)


def fill(query: str, job: Job) -> str:
    """Returns a query with the job's folders and date filled in."""
    places = {"extracts": job.extracts, "seeds": job.seeds, "list_date": job.list_date}
    return Template(query).substitute({name: str(value).replace("'", "''") for name, value in places.items()})


def publish(connection: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Writes the tables of schema mart into a DuckDB file of their own and as Parquet."""
    mart = [model.name for model in models() if model.name.startswith("mart.")]
    connection.execute(f"attach '{job.out / 'mart.duckdb'}' as published (storage_version 'v1.0.0')")
    connection.execute("create schema published.mart")
    for name in mart:
        connection.execute(f"create table published.{name} as from {name}")
        file = job.out / f"{name.removeprefix('mart.')}.parquet"
        connection.execute(f"copy (from {name}) to '{file}' (format parquet, compression zstd)")
    connection.execute("detach published")


def hundred_from(connection: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Writes the hundred from mart.top_100."""
    columns = "list_date, harm_rank, offender_key, harm_days, allegations, female_victims"
    query = f"select {columns} from mart.top_100 order by harm_rank"
    connection.execute(f"copy ({query}) to '{job.out / HUNDRED}' (header)")
