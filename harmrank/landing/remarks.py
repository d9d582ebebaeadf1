"""What is remarked about an extract while it lands: values that cannot be used, and what the door's checks found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import duckdb

from harmrank.landing import door_in
from harmrank.landing.acceptance_report import CheckFacts, Facts, FileFacts, Size, Trouble
from harmrank.landing.door_in import PLACES, DoorFinding
from harmrank.landing.files import typing_sql
from harmrank.landing.files.csv_records import BadRecord
from harmrank.landing.files.row_reader import DROPPED, CheckedFile

Place = tuple[str, int]
"""A file and a record in it: its ordinal at first, its line once that has been looked up."""


@dataclass(frozen=True)
class Remark:
    """One thing that is wrong with values of a column, in how many rows, and where the first of them stand."""

    table_name: str
    column_name: str
    reason: str
    rows: int
    places: tuple[Place, ...] = ()


def about_values(connection: duckdb.DuckDBPyConnection, read: list[CheckedFile]) -> list[Remark]:
    """The values that could not be used in optional columns, and the columns that the contract does not name."""
    remarks: dict[tuple[str, str, str], Remark] = {}
    for file in read:
        for remark in [*_unusable_values(connection, file), *_dropped_columns(file)]:
            key = remark.table_name, remark.column_name, remark.reason
            before = remarks.get(key, Remark(*key, rows=0))
            places = (*before.places, *remark.places)[:PLACES]
            remarks[key] = Remark(*key, rows=before.rows + remark.rows, places=places)
    return list(remarks.values())


def _unusable_values(connection: duckdb.DuckDBPyConnection, read: CheckedFile) -> list[Remark]:
    columns = typing_sql.may_be_defective(read.file.table)
    counts = ", ".join(f"count(*) FILTER (defect_{column.name})" for column in columns)
    counted = connection.execute(f"SELECT {counts} FROM {read.checked} WHERE problem IS NULL").fetchone() or ()
    remarks = []
    for column, rows in zip(columns, counted, strict=True):
        if rows:
            query = (
                f"SELECT {read.ordinal} FROM {read.checked} WHERE problem IS NULL AND defect_{column.name} "
                f"ORDER BY 1 LIMIT {PLACES}"
            )
            places = tuple((read.file.name, int(ordinal)) for (ordinal,) in connection.execute(query).fetchall())
            remarks.append(Remark(read.file.table.name, column.name, column.complaint, int(rows), places))
    return remarks


def _dropped_columns(read: CheckedFile) -> list[Remark]:
    # A file of its header alone has the column in no row.
    dropped = read.dropped.values() if read.rows_read else ()
    return [Remark(read.file.table.name, name, DROPPED, read.rows_read) for name in dropped]


def ordinals_in(file_name: str, remarks: list[Remark], findings: list[DoorFinding]) -> set[int]:
    """The records of one file that a remark or a finding points at."""
    places = [place for remark in remarks for place in remark.places]
    places += [place for found in findings for place in found.places]
    return {ordinal for name, ordinal in places if name == file_name}


def about_files(read: list[CheckedFile], bad: list[list[BadRecord]]) -> list[FileFacts]:
    """What became of the rows of each file."""
    return [
        FileFacts(
            file.file.table.name,
            file.file.name,
            file.file.bytes,
            file.rows_read,
            file.rows_read - len(records),
            len(records),
        )
        for file, records in zip(read, bad, strict=True)
    ]


def about_quarantine(read: list[CheckedFile], bad: list[list[BadRecord]]) -> list[Trouble]:
    """The rows that cannot be used, by table and reason, most first."""
    places: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for file, records in zip(read, bad, strict=True):
        for record in records:
            places[file.file.table.name, record.reason].append((file.file.name, record.line_number))
    found = [Trouble(table, "(row)", reason, len(at), at[:PLACES]) for (table, reason), at in places.items()]
    return sorted(found, key=lambda trouble: -trouble.rows)


def trouble(remark: Remark, lines: dict[Place, int]) -> Trouble:
    """A remark with the lines of its places."""
    return Trouble(remark.table_name, remark.column_name, remark.reason, remark.rows, _at(remark.places, lines))


def about_check(found: DoorFinding, lines: dict[Place, int], usual: dict[str, float]) -> CheckFacts:
    """A finding with the lines of its places and what is usual."""
    finding, expectation = found.finding, found.finding.expectation
    return CheckFacts(
        name=expectation.name,
        table_name=expectation.table,
        column_name=expectation.column,
        sentence=expectation.sentence,
        said=finding.said,
        mend=expectation.mend,
        is_fatal=finding.is_fatal,
        passed=finding.passed,
        rows_checked=finding.rows_checked,
        rows_unexpected=finding.rows_unexpected,
        places=_at(found.places, lines),
        usual_share=usual.get(expectation.name),
    )


def _at(places: tuple[Place, ...], lines: dict[Place, int]) -> list[Place]:
    return [(place[0], lines[place]) for place in places]


def usual_shares(connection: duckdb.DuckDBPyConnection, extract_id: str) -> dict[str, float]:
    """By check, the median share (0 to 1) of unexpected rows in the earlier extracts of the same feed."""
    rows = connection.execute(
        f"WITH {door_in.EARLIER} SELECT check_name, median(rows_unexpected / rows_checked) "
        "FROM earlier INNER JOIN raw.extract_checks USING (extract_id) WHERE rows_checked > 0 GROUP BY check_name",
        {"extract_id": extract_id},
    ).fetchall()
    return {str(name): float(share) for name, share in rows}


def sizes(connection: duckdb.DuckDBPyConnection, facts: Facts) -> list[Size]:
    """The rows of each table in the earlier extracts of the same feed, oldest first, and in this one."""
    rows = connection.execute(
        f"WITH {door_in.EARLIER} SELECT extract_id, table_name, sum(rows_read)::BIGINT, sum(rows_quarantined)::BIGINT "
        "FROM earlier INNER JOIN raw.extract_files USING (extract_id) GROUP BY 1, 2 ORDER BY 1, 2",
        {"extract_id": facts.extract_id},
    ).fetchall()
    own: dict[str, tuple[int, int]] = {}
    for file in facts.files:
        read, quarantined = own.get(file.table_name, (0, 0))
        own[file.table_name] = read + (file.rows_read or 0), quarantined + (file.rows_quarantined or 0)
    return [Size(*row) for row in rows] + [Size(facts.extract_id, name, *counts) for name, counts in own.items()]
