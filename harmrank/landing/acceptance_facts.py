"""The facts about one extract that its acceptance report shows: files, rows in quarantine, defects and checks.

They hold counts, files, lines and keys, never a value of a person. The warehouse keeps them as JSON under the names of
the fields below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import duckdb

from harmrank.landing.checking import door_in
from harmrank.landing.checking.door_in import PLACES_SHOWN, DoorFinding
from harmrank.landing.files import typing_sql
from harmrank.landing.files.csv_records import BadRecord
from harmrank.landing.files.row_reader import DROPPED, CheckedFile
from harmrank.machine import duck
from harmrank.machine.clock import utc_text

Place = tuple[str, int]
"""A file and a record in it: by ordinal (from 1, without the header) while the file is read, by line in the facts."""


@dataclass(frozen=True)
class FileFacts:
    """One file: rows read, landed and in quarantine. None if the extract was refused before they were counted."""

    table_name: str
    file_name: str
    bytes: int
    rows_read: int | None = None
    rows_landed: int | None = None
    rows_quarantined: int | None = None


@dataclass(frozen=True)
class Defect:
    """One reason why rows are in quarantine or values of a column are unusable: how many rows, and the first places."""

    table_name: str
    column_name: str
    reason: str
    rows: int
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class CheckFacts:
    """One expectation at the door in. `said` is its sentence with the result.

    `passed` is None if there was nothing to compare. `usual_share` is the median share (0 to 1) of unexpected rows in earlier
    extracts of the feed.
    """

    name: str
    table_name: str
    column_name: str
    sentence: str
    said: str
    mend: str
    is_fatal: bool
    passed: bool | None
    rows_checked: int | None
    rows_unexpected: int | None
    places: tuple[Place, ...]
    usual_share: float | None = None


@dataclass(frozen=True)
class TableSize:
    """The rows of one table in one extract, for the trend."""

    extract_id: str
    table_name: str
    rows_read: int
    rows_quarantined: int


@dataclass
class Facts:
    """Everything that one acceptance report shows.

    `verdict` is `accepted`, `accepted with remarks` or `refused`; `settled_at` is its time (UTC, ISO 8601). `faults` are the
    reasons for a refusal, each with its place and what to do; `refusal` is the first as a message. `resent` is
    why a changed copy of a landed extract was refused. `not_read` counts files that are no table of the contract.
    """

    extract_id: str
    settled_at: str = ""
    verdict: str = "accepted"
    refusal: str | None = None
    faults: list[str] = field(default_factory=list)
    resent: str | None = None
    files: list[FileFacts] = field(default_factory=list)
    not_read: int = 0
    quarantine: list[Defect] = field(default_factory=list)
    values: list[Defect] = field(default_factory=list)
    checks: list[CheckFacts] = field(default_factory=list)
    sizes: list[TableSize] = field(default_factory=list)

    @property
    def failed(self) -> list[CheckFacts]:
        """The checks that failed."""
        return [check for check in self.checks if check.passed is False]

    def set_verdict(self, refusal: str | None) -> None:
        """Sets the verdict and its time, now."""
        self.settled_at = utc_text()
        self.refusal = refusal
        if refusal:
            self.verdict = "refused"
        elif self.quarantine or self.values or self.failed or self.not_read:
            self.verdict = "accepted with remarks"


def value_defects(connection: duckdb.DuckDBPyConnection, files: list[CheckedFile]) -> list[Defect]:
    """Returns the unusable values of optional columns, and the columns that the contract does not name."""
    defects: dict[tuple[str, str, str], Defect] = {}
    for file in files:
        for defect in [*_unusable_values(connection, file), *_dropped_columns(file)]:
            key = defect.table_name, defect.column_name, defect.reason
            before = defects.get(key, Defect(*key, rows=0))
            places = (*before.places, *defect.places)[:PLACES_SHOWN]
            defects[key] = Defect(*key, rows=before.rows + defect.rows, places=places)
    return list(defects.values())


def _unusable_values(connection: duckdb.DuckDBPyConnection, file: CheckedFile) -> list[Defect]:
    faults = typing_sql.value_faults(file.source.table)
    counts = ", ".join(f"count(*) FILTER ({fault.flag})" for fault in faults)
    counted = duck.one_row(connection, f"SELECT {counts} FROM {file.rows_table} WHERE problem IS NULL")
    defects = []
    for fault, rows in zip(faults, counted, strict=True):
        if rows:
            query = (
                f"SELECT {file.ordinal} FROM {file.rows_table} WHERE problem IS NULL AND {fault.flag} "
                f"ORDER BY 1 LIMIT {PLACES_SHOWN}"
            )
            places = tuple((file.source.name, int(ordinal)) for (ordinal,) in connection.execute(query).fetchall())
            defects.append(Defect(file.source.table.name, fault.column.name, fault.reason, int(rows), places))
    return defects


def _dropped_columns(file: CheckedFile) -> list[Defect]:
    # In a file without rows, the column has no values.
    dropped = file.dropped.values() if file.rows_read else ()
    return [Defect(file.source.table.name, name, DROPPED, file.rows_read) for name in dropped]


def ordinals_in(file_name: str, defects: list[Defect], findings: list[DoorFinding]) -> set[int]:
    """Returns the ordinals of the records of one file that a defect or a finding names as a place."""
    places = [place for defect in defects for place in defect.places]
    places += [place for found in findings for place in found.places]
    return {ordinal for name, ordinal in places if name == file_name}


def file_facts(facts: list[FileFacts], files: list[CheckedFile], bad: Mapping[str, int]) -> list[FileFacts]:
    """Returns the facts with the rows of those files that were read; `bad` counts unusable rows by file name."""
    read = {file.source.name: file.rows_read for file in files}
    return [
        replace(file, rows_read=rows, rows_landed=rows - bad[file.file_name], rows_quarantined=bad[file.file_name])
        if (rows := read.get(file.file_name)) is not None
        else file
        for file in facts
    ]


def quarantine_defects(files: list[CheckedFile], bad: list[list[BadRecord]]) -> list[Defect]:
    """Returns the rows in quarantine, counted by table and reason."""
    places: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for file, records in zip(files, bad, strict=True):
        for record in records:
            places[file.source.table.name, record.reason].append((file.source.name, record.line_number))
    return [Defect(table, "(row)", reason, len(at), tuple(at[:PLACES_SHOWN])) for (table, reason), at in places.items()]


def counted_defects(file: CheckedFile, reasons: list[tuple[str, int, int]], lines: Mapping[int, int]) -> list[Defect]:
    """Returns the rows of one file that cannot be used, from each reason, its rows and its first ordinal."""
    return [
        Defect(file.source.table.name, "(row)", reason, rows, ((file.source.name, lines[first]),))
        for reason, rows, first in reasons
    ]


def with_lines(defect: Defect, lines: Mapping[Place, int]) -> Defect:
    """Returns the defect with lines instead of ordinals in its places."""
    return replace(defect, places=_at_lines(defect.places, lines))


def check_facts(found: DoorFinding, lines: Mapping[Place, int], usual: Mapping[str, float]) -> CheckFacts:
    """Returns a finding with the lines of its places and the usual share of its check."""
    finding, expectation = found.finding, found.finding.expectation
    return CheckFacts(
        name=found.check_name,
        table_name=expectation.table,
        column_name=expectation.column,
        sentence=expectation.sentence,
        said=finding.message,
        mend=expectation.mend,
        is_fatal=finding.is_fatal,
        passed=finding.passed,
        rows_checked=finding.rows_checked,
        rows_unexpected=finding.rows_unexpected,
        places=_at_lines(found.places, lines),
        usual_share=usual.get(found.check_name),
    )


def _at_lines(places: tuple[Place, ...], lines: Mapping[Place, int]) -> tuple[Place, ...]:
    return tuple((place[0], lines[place]) for place in places)


def usual_shares(connection: duckdb.DuckDBPyConnection, extract_id: str) -> dict[str, float]:
    """Returns, by check, the median share (0 to 1) of unexpected rows in the earlier extracts of the same feed."""
    rows = connection.execute(
        f"WITH {door_in.EARLIER} SELECT check_name, median(rows_unexpected / rows_checked) "
        "FROM earlier INNER JOIN raw.extract_checks USING (extract_id) WHERE rows_checked > 0 GROUP BY check_name",
        {"extract_id": extract_id},
    ).fetchall()
    return {str(name): float(share) for name, share in rows}


def table_sizes(connection: duckdb.DuckDBPyConnection, facts: Facts) -> list[TableSize]:
    """Returns the rows of each table in the earlier extracts of the same feed, oldest first, and in this one."""
    rows = connection.execute(
        f"WITH {door_in.EARLIER} SELECT extract_id, table_name, sum(rows_read)::BIGINT, sum(rows_quarantined)::BIGINT "
        "FROM earlier INNER JOIN raw.extract_files USING (extract_id) GROUP BY 1, 2 ORDER BY 1, 2",
        {"extract_id": facts.extract_id},
    ).fetchall()
    own: dict[str, tuple[int, int]] = {}
    for file in facts.files:
        read, quarantined = own.get(file.table_name, (0, 0))
        own[file.table_name] = read + (file.rows_read or 0), quarantined + (file.rows_quarantined or 0)
    return [TableSize(*row) for row in rows] + [
        TableSize(facts.extract_id, name, *counts) for name, counts in own.items()
    ]
