"""Lands extracts by Apache Spark: splits and types their records, and keeps usable rows in Spark's raw tables.

Spark splits files without quotes directly, in parallel parts. A file with quotes is first rewritten by csv_records, which
decides what a record is. Spark writes the checked rows to Parquet files, and the door in checks those.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb

from harmrank.contract import PERSON_MERGES, TABLES
from harmrank.landing.files import typing_sql
from harmrank.landing.files.row_reader import CheckedFile, CsvFile, DuckDBRows, NeedsRewrite
from harmrank.limits import MAX_RECORD
from harmrank.machine import duck
from harmrank.spark.session import DIALECT, Session, address, text
from harmrank.text import quoting

_CHUNK = 8 << 20
_LONE_RETURN = re.compile(rb"\r(?!\n)")


class SparkRows:
    """Spark reads the records, and its raw tables keep the rows, one partition for each extract."""

    def __init__(self, spark: Session, scratch: Path) -> None:
        self._spark = spark
        self._scratch = scratch / "spark"
        self._in_warehouse = DuckDBRows()
        self._current_extract: str | None = None

    def of_csv(self, connection: duckdb.DuckDBPyConnection, name: str, csv: CsvFile) -> str:
        """Makes a view of the Parquet files that Spark writes."""
        if csv.is_rewritten:
            records = self._quoted(csv)
        elif _has_quotes(csv.path):
            raise NeedsRewrite("it has quotes, or lone carriage returns")
        else:
            records = self._plain(csv)
        self._write(name, csv, records)
        files = typing_sql.glob_escaped(str(self._folder(name)))
        connection.execute(
            f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({quoting.text(f'{files}/*.parquet')})"
        )
        return "ordinal"

    def of_parquet(self, connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """Writes the query's rows to a Parquet file. DuckDB types them: its texts of numbers and times are the contract's."""
        folder = self._folder(name)
        folder.mkdir(mode=0o700, parents=True)
        file = folder / "part-0.parquet"
        connection.execute(f"COPY ({query}) TO {quoting.text(str(file))} (FORMAT parquet)")
        source = typing_sql.glob_escaped(str(file))
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({quoting.text(source)})")

    def drop(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Drops the view and removes its files."""
        connection.execute(f"DROP VIEW IF EXISTS {name}")
        shutil.rmtree(self._folder(name), ignore_errors=True)

    def keep(self, connection: duckdb.DuckDBPyConnection, extract_id: str, file: CheckedFile, rows_before: int) -> int:
        """Adds the usable rows to the extract's partition. A partition without a recorded extract is dropped before a build."""
        if self._current_extract != extract_id:
            # A stopped landing may have left rows.
            for name in TABLES:
                self._spark.drop(name, extract_id)
            self._current_extract = extract_id
        table = file.source.table
        self._spark.session.sql(
            f"INSERT INTO raw.{table.name} PARTITION (extract_id = {text(extract_id)}) "
            f"SELECT {typing_sql.stored_columns(table)}, {file.ordinal} + {rows_before} "
            f"FROM parquet.`{address(self._folder(file.rows_table))}` WHERE problem IS NULL"
        )
        if table is PERSON_MERGES:
            # Merges are few, and merge_cycles reads them in the warehouse.
            return self._in_warehouse.keep(connection, extract_id, file, rows_before)
        return int(duck.one_value(connection, f"SELECT count(*) FROM {file.rows_table} WHERE problem IS NULL"))

    def _folder(self, name: str) -> Path:
        return self._scratch / name

    def _write(self, name: str, csv: CsvFile, records: Any) -> None:
        """Types the records and writes them for the view.

        Raises NeedsRewrite for a record that is too long or has another number of fields than the header.
        """
        from pyspark.sql import Observation

        observed = Observation()
        counted = records.observe(observed, *_widths(csv.width))
        view = name.replace(".", "_")
        counted.where(f"size(cells) = {csv.width}").selectExpr("ordinal", *_cells(csv.width)).createOrReplaceTempView(
            view
        )
        query = typing_sql.checked_rows(csv.table, view, {"ordinal": "ordinal", **csv.texts}, csv.zone, DIALECT)
        self._spark.session.sql(query).write.mode("overwrite").parquet(address(self._folder(name)))
        self._spark.session.catalog.dropTempView(view)
        if observed.get["misfits"]:
            raise NeedsRewrite("a record is too long, or has another number of fields than the header")

    def _plain(self, csv: CsvFile) -> Any:
        """Returns the records of a file without quotes: one a line, without blank lines and the header."""
        lines = (
            self._spark.session.read.text(address(csv.path))
            .where("value <> ''")
            .selectExpr("value", "_metadata.file_block_start AS block", "monotonically_increasing_id() AS id")
        )
        # Spark numbers each part of a file separately, so the number of records before a part is added.
        parts = lines.groupBy("block").agg({"id": "min", "*": "count"}).orderBy("block").collect()
        branches, before = [], 0
        for part in parts:
            branches.append(f"WHEN {part['block']} THEN id - {part['min(id)'] - before}")
            before += part["count(1)"]
        return lines.selectExpr(
            f"CASE block {' '.join(branches)} END AS ordinal", "value", "split(value, ',', -1) AS cells"
        ).where("ordinal > 0")

    def _quoted(self, csv: CsvFile) -> Any:
        """Returns the records of a file that csv_records has written."""
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
    """Returns whether a file has a quote, or a carriage return that only some readers take as a line end."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.endswith(b"\r"):
                chunk += file.read(1)
            if b'"' in chunk or _LONE_RETURN.search(chunk):
                return True
    return False


def _widths(width: int) -> list[Any]:
    from pyspark.sql import functions

    return [functions.expr(f"count_if(size(cells) <> {width} OR octet_length(value) > {MAX_RECORD})").alias("misfits")]


def _cells(width: int) -> list[str]:
    return [f"{typing_sql.null_if_missing(f'cells[{position}]', DIALECT)} AS c{position}" for position in range(width)]
