"""Reads one file of an extract into a table of checked rows, and keeps the usable rows.

This module decides, for every engine, which files are refused and which records are bad. The engine splits and types
the records: DuckDB by DuckDBRows below, Spark by harmrank/spark/landing.py.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from harmrank import limits
from harmrank.contract import Kind, Table
from harmrank.landing.files import csv_records, typing_sql
from harmrank.landing.files.csv_records import BadRecord, RecordTooLong, TooManyBad, raw_text
from harmrank.landing.files.extract_folder import TableFile, unpack
from harmrank.landing.files.parquet import check_parquet, int96_columns
from harmrank.landing.files.utf8 import check_text
from harmrank.landing.outcome import Unusable
from harmrank.machine import duck, system_errors
from harmrank.text import quoting
from harmrank.text.printable import printable_name
from harmrank.text.wording import plural

MEMORY_DATABASE = "read"
"""The database in memory for the tables of checked rows; DuckDB moves what does not fit into the home's scratch."""

# Published in data_defects: do not reword it.
DROPPED = "column is not in the contract and was dropped"
_RESERVED = {"file_row_number"}


@dataclass(frozen=True)
class CheckedFile:
    """A file that was read.

    `rows_table` names the table of the records that could be split into fields, with the raw table's columns, `problem`
    and `defect_*`. `ordinal` is the SQL expression of a record's number in the file, from 1.

    `broken` are the records that could not be split. `dropped` are positions and names of columns that are not in the
    contract. `text_path` is the plain CSV on disk, None for Parquet.
    """

    source: TableFile
    sha256: str
    rows_table: str
    ordinal: str
    rows_checked: int
    broken: list[BadRecord]
    dropped: dict[int, str]
    width: int
    text_path: Path | None

    @property
    def rows_read(self) -> int:
        """All records of the file."""
        return self.rows_checked + len(self.broken)


class NeedsRewrite(Exception):
    """A CSV file has a record with another number of fields than the header, or one that needs full quote parsing."""


@dataclass(frozen=True)
class CsvFile:
    """A plain CSV file of `width` columns: `c0`, `c1`, ... `texts` maps columns of the contract to them.

    `zone` is the time zone in which an instant is a day, if the extract states one. A file that `is_rewritten` by
    csv_records has only records that can be split, each after its ordinal.
    """

    table: Table
    path: Path
    width: int
    texts: Mapping[str, str]
    zone: str | None
    is_rewritten: bool


class Rows(Protocol):
    """How an engine splits and types the records of a file, and keeps the usable rows."""

    def of_csv(self, connection: duckdb.DuckDBPyConnection, name: str, csv: CsvFile) -> str:
        """Makes the table `name` of checked rows. Returns the SQL expression of a record's ordinal in it.

        Raises NeedsRewrite.
        """

    def of_parquet(self, connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """Makes the table `name` of checked rows from a query that reads the file; the query has `ordinal`."""

    def drop(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Removes such a table, if it exists."""

    def keep(self, connection: duckdb.DuckDBPyConnection, extract_id: str, file: CheckedFile, rows_before: int) -> int:
        """Keeps the usable rows of a file, within the open transaction. Returns their number.

        If the transaction rolls back, none of these rows may remain visible.
        """


class DuckDBRows:
    """DuckDB reads the records, and the raw tables of the warehouse keep the rows."""

    def of_csv(self, connection: duckdb.DuckDBPyConnection, name: str, csv: CsvFile) -> str:
        """Makes the table with DuckDB's own CSV reader."""
        source = typing_sql.csv_source(str(csv.path), csv.width, has_ordinal=csv.is_rewritten)
        if csv.is_rewritten:
            texts = {"ordinal": "ordinal", **csv.texts}
            _create(connection, name, typing_sql.checked_rows(csv.table, source, texts, csv.zone))
            return "ordinal"
        try:
            _create(connection, name, typing_sql.checked_rows(csv.table, source, csv.texts, csv.zone))
        except duckdb.InvalidInputException as error:
            # DuckDB stops at the first broken record.
            raise NeedsRewrite from error
        return "rowid + 1"

    def of_parquet(self, connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """Makes the table of the query."""
        _create(connection, name, query)

    def drop(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Drops the table."""
        connection.execute(f"DROP TABLE IF EXISTS {name}")

    def keep(self, connection: duckdb.DuckDBPyConnection, extract_id: str, file: CheckedFile, rows_before: int) -> int:
        """Inserts the usable rows into the raw table."""
        columns = typing_sql.stored_columns(file.source.table)
        inserted = duck.one_value(
            connection,
            f"INSERT INTO raw.{file.source.table.name} ({columns}, extract_id, row_number) "
            f"SELECT {columns}, ?, {file.ordinal} + ? FROM {file.rows_table} WHERE problem IS NULL",
            [extract_id, rows_before],
        )
        return int(inserted)


def read_file(
    connection: duckdb.DuckDBPyConnection,
    file: TableFile,
    sha256: str,
    zone: str | None,
    scratch: Path,
    table: str,
    rows: Rows,
) -> CheckedFile:
    """Reads a file into the new table `table`, whose name includes the database MEMORY_DATABASE.

    `zone` is the time zone in which an instant is a day. Raises Unusable.
    """
    if file.is_parquet:
        return _read_parquet(connection, file, sha256, zone, table, rows)
    path = file.path
    if file.is_compressed:
        path = scratch / f"{table}_unpacked.csv"
        unpack(file, path)
    try:
        check_text(path, file)
        return _read_csv(connection, file, sha256, zone, path, scratch, table, rows)
    except RecordTooLong as error:
        raise Unusable(
            f"the line is longer than {limits.MAX_RECORD:,} bytes",
            "Check for a quoted value that is not closed.",
            file.name,
            error.line_number,
        ) from None
    except TooManyBad as error:
        raise _too_many_bad(file.name, error.line_number) from None


def _read_csv(
    connection: duckdb.DuckDBPyConnection,
    file: TableFile,
    sha256: str,
    zone: str | None,
    path: Path,
    scratch: Path,
    table: str,
    rows: Rows,
) -> CheckedFile:
    header = csv_records.read_header(path)
    if header is None:
        raise Unusable("it has no readable header row", file_name=file.name, line_number=1)
    texts, dropped = _match_columns(file, header.names, header.line_number)
    width = len(header.names)
    broken: list[BadRecord] = []
    try:
        if not header.is_first_line:
            raise NeedsRewrite("blank lines above the header")
        ordinal = rows.of_csv(connection, table, CsvFile(file.table, path, width, texts, zone, is_rewritten=False))
    except NeedsRewrite:
        # Write the records that can be split to a new file, then read that.
        clean = scratch / f"{table}_rewritten.csv"
        broken = csv_records.rewrite(path, clean, width)
        ordinal = rows.of_csv(connection, table, CsvFile(file.table, clean, width, texts, zone, is_rewritten=True))
        clean.unlink()
    found = _count(connection, table)
    return CheckedFile(file, sha256, table, ordinal, found, broken, dropped, width, path)


def _too_many_bad(name: str, line: int | None) -> Unusable:
    reason = f"more than {limits.MAX_BAD_RECORDS:,} of its rows cannot be used"
    return Unusable(reason, file_name=name, line_number=line)


def _read_parquet(
    connection: duckdb.DuckDBPyConnection, file: TableFile, sha256: str, zone: str | None, table: str, rows: Rows
) -> CheckedFile:
    source = typing_sql.parquet_source(str(file.path))
    try:
        check_parquet(connection, file)
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        types = {str(name): str(sql_type) for name, sql_type, *_ in described if name not in _RESERVED}
        types.update(dict.fromkeys(int96_columns(connection, file), typing_sql.INT96))
        names = list(types)
        positions, dropped = _match_columns(file, names, None)
        texts = {"ordinal": "file_row_number + 1"}
        for column, place in positions.items():
            name = names[int(place[1:])]
            texts[column] = _parquet_text(connection, file, column, name, types[name], zone)
        rows.of_parquet(connection, table, typing_sql.checked_rows(file.table, source, texts, zone))
    except duckdb.InterruptException:
        raise
    except duckdb.OutOfMemoryException:
        # A damaged file may ask for any amount of memory; the next extracts must still land.
        reason = "it needs more memory than there is, or is damaged"
        raise Unusable(reason, "Send the table in several parts.", file.name) from None
    except duckdb.Error as error:
        if system_errors.cause(error):
            raise
        advice = "Send it again: the transfer may have been cut off."
        raise Unusable("it is truncated or damaged, or not a Parquet file", advice, file.name) from None
    found = _count(connection, table)
    return CheckedFile(file, sha256, table, "ordinal", found, [], dropped, len(names), None)


def _parquet_text(
    connection: duckdb.DuckDBPyConnection, file: TableFile, column: str, name: str, sql_type: str, zone: str | None
) -> str:
    """Returns the SQL expression of a column's text. Raises Unusable for instants in a column of days without a zone."""
    contracted = file.table.column(column)
    if contracted is None or contracted.kind is not Kind.DATE or sql_type not in typing_sql.INSTANTS:
        return typing_sql.parquet_text(name, _plain_type(file, column, sql_type))
    source = typing_sql.parquet_source(str(file.path))
    if not zone and duck.one_value(connection, f"SELECT count({quoting.identifier(name)}) FROM {source}"):
        advice = 'State the zone in extract.json ("time_zone": "Europe/London"), or write plain dates.'
        reason = "the column holds timestamps with a time zone, whose day depends on the zone"
        raise Unusable(reason, advice, file.name, column_name=column)
    return typing_sql.parquet_text(name, sql_type, zone)


def _plain_type(file: TableFile, column: str, sql_type: str) -> str:
    if sql_type == "BLOB" or (any(sign in sql_type for sign in "[(") and not sql_type.startswith("DECIMAL")):
        advice = "Write it as text, a number, a date or a timestamp."
        raise Unusable(f"the column is of type {sql_type[:50]}", advice, file.name, column_name=column)
    return sql_type


def _match_columns(file: TableFile, names: list[str], line: int | None) -> tuple[dict[str, str], dict[int, str]]:
    """Returns the place of each column of the contract (`c<position>`), and the other columns by position.

    Names match in upper and lower case. Raises Unusable for a missing, repeated or too many columns.
    """
    if len(names) > limits.MAX_COLUMNS:
        reason = f"the header has {len(names):,} columns, more than the {limits.MAX_COLUMNS} allowed"
        raise Unusable(reason, file_name=file.name, line_number=line)
    places: dict[str, str] = {}
    dropped: dict[int, str] = {}
    for position, name in enumerate(names):
        known = file.table.column(name.strip().lower())
        if known is None:
            dropped[position] = printable_name(name.strip()) or f"column {position + 1}"
        elif known.name in places:
            reason = f"the header names {known.name} twice"
            raise Unusable(reason, file_name=file.name, line_number=line, column_name=known.name)
        else:
            places[known.name] = f"c{position}"
    missing = [column.name for column in file.table.required if column.name not in places]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        reason = f"the header lacks the required {noun} {', '.join(missing)}"
        if len(names) == 1 and any(sign in names[0] for sign in ";\t|"):
            reason += "; its values do not seem to be separated by commas"
        raise Unusable(reason, file_name=file.name, line_number=line, column_name=missing[0])
    return places, dropped


def _create(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")


def _count(connection: duckdb.DuckDBPyConnection, checked: str) -> int:
    return int(duck.one_value(connection, f"SELECT count(*) FROM {checked}"))


def refuse_if_mostly_bad(connection: duckdb.DuckDBPyConnection, file: CheckedFile, max_bad_share: float) -> None:
    """Raises Unusable, with the first and the most common reason, if more than this share of the rows is bad.

    The share also holds for small files: of five rows with one bad row, a fifth is bad.
    """
    found = bad_reasons(connection, file)
    reasons = Counter({reason: rows for reason, rows, _ in found})
    if reasons.total() <= max_bad_share * file.rows_read:
        if reasons.total() > limits.MAX_BAD_RECORDS:
            raise _too_many_bad(file.source.name, None)
        return
    ordinal, first_reason = min((first, reason) for reason, _, first in found)
    usual = reasons.most_common(1)[0][0]
    also = "" if usual == first_reason else f"; the most common reason: {usual}"
    raise Unusable(
        f"{first_reason}; {reasons.total():,} of {plural(file.rows_read, 'row')} cannot be used, "
        f"more than the {max_bad_share:.0%} allowed{also}",
        file_name=file.source.name,
        line_number=lines_of(file, {ordinal})[ordinal],
        column_name=_column_of(file.source.table, first_reason),
    )


def bad_reasons(connection: duckdb.DuckDBPyConnection, file: CheckedFile) -> list[tuple[str, int, int]]:
    """Returns each reason why records of the file are bad, how many they are, and the ordinal of the first."""
    query = f"SELECT problem, count(*), min({file.ordinal}) FROM {file.rows_table} WHERE problem IS NOT NULL GROUP BY 1"
    found = {str(reason): (int(rows), int(first)) for reason, rows, first in connection.execute(query).fetchall()}
    for record in file.broken:
        rows, first = found.get(record.reason, (0, record.ordinal))
        found[record.reason] = rows + 1, min(first, record.ordinal)
    return [(reason, rows, first) for reason, (rows, first) in found.items()]


def lines_of(file: CheckedFile, ordinals: set[int]) -> dict[int, int]:
    """Returns the line on which each record starts; in Parquet, the number of its row."""
    if file.text_path is None:
        return {ordinal: ordinal for ordinal in ordinals}
    lines = {record.ordinal: record.line_number for record in file.broken if record.ordinal in ordinals}
    if others := ordinals - set(lines):
        found = csv_records.locate(file.text_path, others)
        lines.update({ordinal: found[ordinal].line_number for ordinal in others})
    return lines


def bad_records(
    connection: duckdb.DuckDBPyConnection, file: CheckedFile, other_ordinals: set[int]
) -> tuple[list[BadRecord], dict[int, int]]:
    """Returns the records of the file that go to quarantine, in file order, and the lines of other records by ordinal.

    One function does both because finding lines means reading the whole file.
    """
    query = (
        f"SELECT {file.ordinal}, problem, {typing_sql.record_key(file.source.table)} "
        f"FROM {file.rows_table} WHERE problem IS NOT NULL ORDER BY 1"
    )
    unusable = {int(ordinal): (str(problem), key) for ordinal, problem, key in connection.execute(query).fetchall()}
    if file.text_path is None:
        texts = _parquet_texts(connection, file) if unusable else {}
        records = [
            BadRecord(ordinal, ordinal, reason, texts[ordinal], key) for ordinal, (reason, key) in unusable.items()
        ]
        return records, {ordinal: ordinal for ordinal in other_ordinals}
    ordinals = set(unusable) | other_ordinals
    found = csv_records.locate(file.text_path, ordinals) if ordinals else {}
    records = list(file.broken)
    for ordinal, (reason, key) in unusable.items():
        record = found[ordinal]
        text = csv_records.without_columns(record, set(file.dropped), file.width)
        records.append(BadRecord(ordinal, record.line_number, reason, raw_text(text), key))
    lines = {ordinal: found[ordinal].line_number for ordinal in other_ordinals}
    return sorted(records, key=lambda record: record.ordinal), lines


def _parquet_texts(connection: duckdb.DuckDBPyConnection, file: CheckedFile) -> dict[int, str]:
    """Returns the bad rows of a Parquet file as JSON, with columns of the contract only."""
    source = typing_sql.parquet_source(str(file.source.path))
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    known = [str(name) for name, *_ in described if file.source.table.column(str(name).strip().lower())]
    packed = ", ".join(f"{quoting.identifier(name)} := {quoting.identifier(name)}" for name in known)
    query = (
        f"SELECT file_row_number + 1, to_json(struct_pack({packed}))::VARCHAR FROM {source} "
        f"WHERE file_row_number + 1 IN (SELECT ordinal FROM {file.rows_table} WHERE problem IS NOT NULL)"
    )
    return {int(ordinal): raw_text(str(text)) for ordinal, text in connection.execute(query).fetchall()}


def _column_of(table: Table, reason: str) -> str | None:
    """Returns the column that a reason is about: its first word, if that is a column."""
    word = reason.split(" ", 1)[0]
    return word if table.column(word) else None
