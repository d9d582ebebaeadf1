"""Lands extracts by Apache Spark: splits and types their records, and keeps those that can be used in its raw tables.

Spark splits at sight what holds no quotes, in parts that lie side by side. What holds any is written anew by landing_csv
first, which says what a record is. What the checks at the door look at are the files that Spark leaves of each.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb

from harmrank.contract import PERSON_MERGES, TABLES
from harmrank.landing.files import typing_sql
from harmrank.landing.files.row_reader import CheckedFile, CsvFile, DuckDBRows, Untidy
from harmrank.limits import MAX_RECORD
from harmrank.machine import duck
from harmrank.spark.session import DIALECT, Session, address, text
from harmrank.text import quoting

_CHUNK = 8 << 20
_LONE_RETURN = re.compile(rb"\r(?!\n)")


class SparkRows:
    """Spark reads, and its raw tables keep, a partition an extract."""

    def __init__(self, spark: Session, scratch: Path) -> None:
        self._spark = spark
        self._scratch = scratch / "spark"
        self._in_warehouse = DuckDBRows()
        self._begun: str | None = None

    def of_csv(self, connection: duckdb.DuckDBPyConnection, name: str, csv: CsvFile) -> str:
        """Make a view of the files that Spark leaves."""
        if csv.is_rewritten:
            records = self._quoted(csv)
        elif _has_quotes(csv.path):
            raise Untidy("it has quotes, or line ends within lines")
        else:
            records = self._plain(csv)
        self._write(name, csv, records)
        files = typing_sql.glob_escaped(str(self._folder(name)))
        connection.execute(
            f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({quoting.text(f'{files}/*.parquet')})"
        )
        return "ordinal"

    def of_parquet(self, connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """Parquet is typed by DuckDB, whose text forms of numbers and times are those of the contract, and goes on as a file."""
        folder = self._folder(name)
        folder.mkdir(mode=0o700, parents=True)
        file = folder / "part-0.parquet"
        connection.execute(f"COPY ({query}) TO {quoting.text(str(file))} (FORMAT parquet)")
        source = typing_sql.glob_escaped(str(file))
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({quoting.text(source)})")

    def drop(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Drop the view and remove its files."""
        connection.execute(f"DROP VIEW IF EXISTS {name}")
        shutil.rmtree(self._folder(name), ignore_errors=True)

    def keep(self, connection: duckdb.DuckDBPyConnection, extract_id: str, file: CheckedFile, rows_before: int) -> int:
        """Add them to the partition of the extract; one that is in no ledger is dropped before the next build."""
        if self._begun != extract_id:
            # Left by a landing that was cut off.
            for name in TABLES:
                self._spark.drop(name, extract_id)
            self._begun = extract_id
        table = file.source.table
        self._spark.session.sql(
            f"INSERT INTO raw.{table.name} PARTITION (extract_id = {text(extract_id)}) "
            f"SELECT {typing_sql.stored_columns(table)}, {file.ordinal} + {rows_before} "
            f"FROM parquet.`{address(self._folder(file.rows_table))}` WHERE problem IS NULL"
        )
        if table is PERSON_MERGES:
            # Few, and what is looked through for circles.
            return self._in_warehouse.keep(connection, extract_id, file, rows_before)
        return int(duck.one_value(connection, f"SELECT count(*) FROM {file.rows_table} WHERE problem IS NULL"))

    def _folder(self, name: str) -> Path:
        return self._scratch / name

    def _write(self, name: str, csv: CsvFile, records: Any) -> None:
        """Type the records, and write them where the view looks. Raises Untidy where one is not as wide as the header."""
        from pyspark.sql import Observation

        seen = Observation()
        looked_at = records.observe(seen, *_widths(csv.width))
        view = name.replace(".", "_")
        looked_at.where(f"size(cells) = {csv.width}").selectExpr("ordinal", *_cells(csv.width)).createOrReplaceTempView(
            view
        )
        query = typing_sql.checked_rows(csv.table, view, {"ordinal": "ordinal", **csv.texts}, DIALECT)
        self._spark.session.sql(query).write.mode("overwrite").parquet(address(self._folder(name)))
        self._spark.session.catalog.dropTempView(view)
        if seen.get["untidy"]:
            raise Untidy("a record is not as wide as the header, or too long")

    def _plain(self, csv: CsvFile) -> Any:
        """The records of a file without quotes: a line each, blank ones left out, the header the first."""
        lines = (
            self._spark.session.read.text(address(csv.path))
            .where("value <> ''")
            .selectExpr("value", "_metadata.file_block_start AS block", "monotonically_increasing_id() AS id")
        )
        # Parts of a file are numbered each from a beginning of its own: so many records stand before it.
        parts = lines.groupBy("block").agg({"id": "min", "*": "count"}).orderBy("block").collect()
        branches, before = [], 0
        for part in parts:
            branches.append(f"WHEN {part['block']} THEN id - {part['min(id)'] - before}")
            before += part["count(1)"]
        return lines.selectExpr(
            f"CASE block {' '.join(branches)} END AS ordinal", "value", "split(value, ',', -1) AS cells"
        ).where("ordinal > 0")

    def _quoted(self, csv: CsvFile) -> Any:
        """The records of a file that landing_csv has written."""
        columns = [f"c{position}" for position in range(csv.width)]
        schema = ", ".join(["ordinal BIGINT", *(f"{column} STRING" for column in columns)])
        read = self._spark.session.read.csv(
            address(csv.path),
            schema=schema,
            header=True,
            quote='"',
            escape='"',
            multiLine=True,
            lineSep="\n",
            mode="FAILFAST",
        )
        return read.selectExpr("ordinal", "'' AS value", f"array({', '.join(columns)}) AS cells")


def _has_quotes(path: Path) -> bool:
    """Whether a file holds a quote, or a line end that is none to everybody."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.endswith(b"\r"):
                chunk += file.read(1)
            if b'"' in chunk or _LONE_RETURN.search(chunk):
                return True
    return False


def _widths(width: int) -> list[Any]:
    from pyspark.sql import functions

    return [functions.expr(f"count_if(size(cells) <> {width} OR octet_length(value) > {MAX_RECORD})").alias("untidy")]


def _cells(width: int) -> list[str]:
    return [f"{typing_sql.or_missing(f'cells[{position}]')} AS c{position}" for position in range(width)]
