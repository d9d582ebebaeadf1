"""Writes a checked extract into the raw tables, within the open transaction."""

from collections import Counter

import duckdb

from harmrank.contract import PERSON_MERGES
from harmrank.landing import acceptance_report, merge_cycles
from harmrank.landing.acceptance_facts import Defect, Facts
from harmrank.landing.checking import composition, known_keys
from harmrank.landing.checking.door_in import PREPARED, IncomingExtract
from harmrank.landing.files import row_reader
from harmrank.landing.files.csv_records import BadRecord
from harmrank.landing.files.extract_folder import TableFile
from harmrank.landing.files.manifest import Manifest
from harmrank.landing.files.row_reader import CheckedFile, Rows
from harmrank.landing.outcome import Unusable
from harmrank.machine import duck
from harmrank.machine.clock import utc_now

# Both reasons are published in data_defects: do not reword them.
NOT_READ = "files of no known table were not read (counted in files)"
CORRECTS_UNKNOWN = "extract.json says it corrects extracts that have never been sent (counted in extracts)"
_QUARANTINE_BATCH = 10_000


def write(
    connection: duckdb.DuckDBPyConnection,
    incoming: IncomingExtract,
    bad: list[list[BadRecord]],
    facts: Facts,
    rows: Rows,
) -> None:
    """Writes an extract, and the facts about it with their verdict. `bad` are the rows for quarantine, by file.

    Raises Unusable if its merges, together with those that landed before, lead in a circle.
    """
    extract_id = incoming.extract.extract_id
    connection.execute(
        "INSERT INTO raw.extracts VALUES (?, ?, ?, ?, ?)",
        [extract_id, incoming.extract_at, incoming.extract_on, utc_now(), incoming.content_sha256],
    )
    rows_before: Counter[str] = Counter()
    first_row: list[int] = []
    for file, records in zip(incoming.files, bad, strict=True):
        table = file.source.table.name
        first_row.append(rows_before[table])
        _write_file(connection, extract_id, file, records, rows_before[table], rows)
        rows_before[table] += file.rows_read
    for prepared in PREPARED:
        known_keys.add(connection, prepared.name, incoming.prepared_name(prepared))
    _refuse_cycle(connection, extract_id, incoming.files, first_row)
    unknown = _write_corrections(connection, extract_id, incoming.manifest)
    if unknown:
        facts.values.append(Defect("(folder)", "corrects", CORRECTS_UNKNOWN, unknown))
    facts.set_verdict(None)
    _write_findings(connection, facts)
    composition.keep(connection, extract_id)
    acceptance_report.keep(connection, facts)


def _write_file(
    connection: duckdb.DuckDBPyConnection,
    extract_id: str,
    read: CheckedFile,
    bad: list[BadRecord],
    rows_before: int,
    rows: Rows,
) -> None:
    landed = rows.keep(connection, extract_id, read, rows_before)
    connection.execute(
        "INSERT INTO raw.extract_forces SELECT ?, ?, force, count(*) "
        f"FROM {read.rows_table} WHERE problem IS NULL GROUP BY force",
        [extract_id, read.source.table.name],
    )
    quarantined = _write_quarantine(connection, extract_id, read.source, bad)
    if read.rows_read != landed + quarantined:
        raise AssertionError(f"{extract_id}/{read.source.name}: {read.rows_read} != {landed} + {quarantined} rows")
    connection.execute(
        "INSERT INTO raw.extract_files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            extract_id,
            read.source.table.name,
            read.source.name,
            read.source.bytes,
            read.source.modified_ns,
            read.sha256,
            read.rows_read,
            landed,
            quarantined,
        ],
    )


def _write_quarantine(
    connection: duckdb.DuckDBPyConnection, extract_id: str, file: TableFile, bad: list[BadRecord]
) -> int:
    written = 0
    for start in range(0, len(bad), _QUARANTINE_BATCH):
        batch = bad[start : start + _QUARANTINE_BATCH]
        written += duck.one_value(
            connection,
            "INSERT INTO raw.quarantine "
            "(extract_id, table_name, file_name, line_number, reason, raw_text, record_key) "
            "SELECT ?, ?, ?, unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
            [
                extract_id,
                file.table.name,
                file.name,
                [record.line_number for record in batch],
                [record.reason for record in batch],
                [record.text for record in batch],
                [record.key for record in batch],
            ],
        )
    return written


def _write_corrections(connection: duckdb.DuckDBPyConnection, extract_id: str, manifest: Manifest) -> int:
    """Writes which extracts this one corrects. Returns how many of them have neither landed nor been refused."""
    corrected = list(manifest.corrects)
    connection.execute("INSERT INTO raw.corrections SELECT ?, unnest(?::VARCHAR[])", [extract_id, corrected])
    known = (
        "SELECT count(*) FROM (SELECT extract_id FROM raw.extracts UNION SELECT extract_id FROM raw.refused_extracts) "
        "WHERE list_contains(?::VARCHAR[], extract_id)"
    )
    found = duck.one_value(connection, known, [corrected])
    return len(corrected) - int(found)


def _write_findings(connection: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    extract_id = facts.extract_id
    rows: list[list[str | int]] = [
        [extract_id, value.table_name, value.column_name, value.reason, value.rows] for value in facts.values
    ]
    if facts.not_read:
        # Counted, not named: this is published, and such a name may be a person's.
        rows.append([extract_id, "(folder)", "(file)", NOT_READ, facts.not_read])
    duck.insert(connection, "raw.value_defects", rows)
    checks = [
        [
            extract_id,
            check.name,
            check.table_name,
            check.column_name,
            check.sentence,
            check.passed,
            check.rows_checked,
            check.rows_unexpected,
        ]
        for check in facts.checks
    ]
    duck.insert(connection, "raw.extract_checks", checks)


def _refuse_cycle(
    connection: duckdb.DuckDBPyConnection, extract_id: str, read: list[CheckedFile], first_row: list[int]
) -> None:
    merges = [pair for pair in zip(read, first_row, strict=True) if pair[0].source.table is PERSON_MERGES]
    if not any(file.rows_checked for file, _ in merges):
        return
    row_number = merge_cycles.row_in_cycle(connection, extract_id)
    if row_number is None:
        return
    file, before = next(pair for pair in reversed(merges) if pair[1] < row_number)
    raise Unusable(
        "merged_into_ref leads from this row back to it, so no record remains for the person",
        "Correct one of these merges and send the extract again.",
        file.source.name,
        row_reader.lines_of(file, {row_number - before})[row_number - before],
        "merged_into_ref",
    )
