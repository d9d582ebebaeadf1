"""Lands extracts: what the door lets in goes, typed, into the raw tables; what it does not goes where it is
seen.

An extract lands in one transaction, or not at all. Rows that cannot be used are kept in quarantine with file,
line and reason; values that cannot be used in an optional column become missing and are counted. An extract
that cannot be read as one is refused and leaves nothing behind but the refusal; the others go on.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from harmrank import landing_files, landing_merges, landing_rows, landing_sql
from harmrank.contract import MAX_BAD_SHARE, PERSON_MERGES, TABLES
from harmrank.errors import UsageError
from harmrank.home import Home
from harmrank.landing_csv import BadRecord, count
from harmrank.landing_files import Extract, Manifest, TableFile, Unusable
from harmrank.landing_rows import DROPPED, CheckedFile
from harmrank.printable import printable_name
from harmrank.warehouse import connect

NOT_READ = "files of no known table were not read (counted in files)"
_QUARANTINE_BATCH = 10_000


@dataclass(frozen=True)
class Refusal:
    """Why an extract was refused. `message` is one sentence for its sender, with what to do about it."""

    extract_id: str
    message: str
    file_name: str | None = None
    line_number: int | None = None
    column_name: str | None = None


@dataclass
class LandingResult:
    """What became of every extract, by id, in id order."""

    landed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True)
class _Landed:
    """What the warehouse remembers of an extract: its content, and size and time of change by file."""

    content_sha256: str
    files: dict[str, tuple[int, int]]


def land(
    extracts: Path, home: Home, report: Callable[[str], None], max_bad_share: float = MAX_BAD_SHARE
) -> LandingResult:
    """Land every extract under `extracts` that is new. The caller holds the lock of the home.

    `report` gets one line per extract that was landed or refused. An extract of which more than
    `max_bad_share` (0 to 1) of one file is bad is refused. Raises UsageError if `extracts` is not a folder of
    extracts.
    """
    folders = extract_folders(extracts, home)
    home.create()
    result = LandingResult()
    connection = connect(home)
    try:
        known = _remembered(connection)
        for folder in folders:
            lander = _Lander(connection, home, folder, max_bad_share)
            _settle(lander, known.get(folder.name), result, report)
    finally:
        connection.close()
    return result


def extract_folders(extracts: Path, home: Home) -> list[Path]:
    """The extract folders under `extracts`, in order of their ids; a home that lies among them is none.

    Raises UsageError if `extracts` is not a folder of extracts. Makes nothing on disk.
    """
    if not extracts.is_dir():
        raise UsageError(f"{extracts} is not a folder: name the folder that holds the extract folders.")
    folders = landing_files.extract_folders(extracts)
    if not folders and any(next(extracts.glob(f"{table}*"), None) for table in TABLES):
        raise UsageError(f"{extracts} looks like one extract: name the folder that holds the extract folders.")
    return [folder for folder in folders if folder.resolve() != home.root.resolve()]


def _remembered(connection: duckdb.DuckDBPyConnection) -> dict[str, _Landed]:
    known = {
        str(extract_id): _Landed(str(digest), {})
        for extract_id, digest in connection.execute("SELECT extract_id, content_sha256 FROM raw.extracts").fetchall()
    }
    query = "SELECT extract_id, file_name, bytes, modified_ns FROM raw.extract_files"
    for extract_id, name, size, modified_ns in connection.execute(query).fetchall():
        known[extract_id].files[name] = (size, modified_ns)
    return known


def _settle(lander: "_Lander", landed: _Landed | None, result: LandingResult, report: Callable[[str], None]) -> None:
    extract_id = lander.folder.name
    try:
        if landed is not None and lander.is_unchanged(landed):
            result.unchanged.append(extract_id)
            return
        summary = lander.land()
    except (Unusable, OSError) as error:
        if isinstance(error, OSError):
            error = _as_unusable(error, lander.folder)
        refusal = _refusal(extract_id, error)
        lander.remember_refusal(refusal)
        result.refused.append(refusal)
        report(refusal.message)
    else:
        result.landed.append(extract_id)
        report(summary)
    finally:
        lander.clear()


def _as_unusable(error: OSError, folder: Path) -> Unusable:
    """Turn a failure to read the extract into a refusal; a failure of the home itself is nobody's extract's
    fault.
    """
    if error.filename is None or not Path(error.filename).is_relative_to(folder):
        raise error
    name = Path(error.filename).name if Path(error.filename) != folder else None
    return Unusable(f"it cannot be read ({error.strerror})", "Mend its permissions or send it again.", name)


def _refusal(extract_id: str, error: Unusable) -> Refusal:
    place = error.file_name or ""
    if error.line_number is not None:
        place += f" line {error.line_number}"
    if error.column_name is not None:
        place += f", column {error.column_name}"
    where = f"{place}: " if place else ""
    extract_id = printable_name(extract_id)
    message = f"Extract {extract_id} was refused: {where}{error.reason}. {error.advice}"
    return Refusal(extract_id, message, error.file_name, error.line_number, error.column_name)


class _Lander:
    """Lands one extract."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, home: Home, folder: Path, max_bad_share: float) -> None:
        self.folder = folder
        self._connection = connection
        self._scratch = home.scratch / "landing"
        self._max_bad_share = max_bad_share
        self._content_sha256: str | None = None
        self._tables: list[str] = []

    def is_unchanged(self, landed: _Landed) -> bool:
        """Whether a landed extract is the same still. Raises Unusable if it is not: raw is append-only."""
        extract = landing_files.read_folder(self.folder)
        if {file.name: (file.bytes, file.modified_ns) for file in extract.files} == landed.files:
            return True
        self._content_sha256 = landing_files.content_sha256(_digests(extract))
        if self._content_sha256 != landed.content_sha256:
            raise Unusable(
                "it was landed before with other content",
                "Put the folder back as it was and send the correction as a new extract with a later id.",
            )
        self._connection.executemany(
            "UPDATE raw.extract_files SET modified_ns = ? WHERE extract_id = ? AND file_name = ?",
            [(file.modified_ns, extract.extract_id, file.name) for file in extract.files],
        )
        return True

    def land(self) -> str:
        """Land the extract; gives a line that says what became of its rows. Raises Unusable."""
        landing_files.extract_date(self.folder.name)
        extract = landing_files.read_folder(self.folder)
        digests = _digests(extract)
        self._content_sha256 = landing_files.content_sha256(digests)
        manifest = landing_files.read_manifest(extract)
        self._check_digests(manifest, digests)
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        self._tables = [f"landing_{number}" for number in range(len(extract.files))]
        read = [
            landing_rows.read_file(self._connection, file, digests[file.name], self._scratch, number)
            for number, file in enumerate(extract.files)
        ]
        self._check_rows(manifest, read)
        bad = [self._bad_records(file) for file in read]
        if landing_files.read_folder(self.folder).files != extract.files:
            raise Unusable("it changed while it was being read", "Run this again when the transfer is complete.")
        self._connection.execute("BEGIN")
        try:
            self._write(extract, manifest, read, bad)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        quarantined = sum(map(len, bad))
        landed = sum(file.rows_read for file in read) - quarantined
        more = ", ..." if len(extract.strangers) > 10 else ""
        ignored = f", not read: {', '.join(extract.strangers[:10])}{more}" if extract.strangers else ""
        return (
            f"Extract {extract.extract_id}: {count(len(read), 'file')}, {count(landed, 'row')} landed, "
            f"{quarantined:,} in quarantine{ignored}"
        )

    def remember_refusal(self, refusal: Refusal) -> None:
        """Keep the refusal in the warehouse, once for the same content of the same extract."""
        self._connection.execute("BEGIN")
        self._connection.execute(
            "DELETE FROM raw.refused_extracts WHERE extract_id = ? AND content_sha256 IS NOT DISTINCT FROM ?",
            [refusal.extract_id, self._content_sha256],
        )
        self._connection.execute(
            "INSERT INTO raw.refused_extracts VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                refusal.extract_id,
                self._content_sha256,
                _now(),
                refusal.file_name,
                refusal.line_number,
                refusal.column_name,
                refusal.message,
            ],
        )
        self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Remove what was kept for the time of landing: it is personal data."""
        for table in self._tables:
            self._connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _check_digests(self, manifest: Manifest, digests: dict[str, str]) -> None:
        for name, expected in manifest.sha256.items():
            if digests[name] != expected:
                advice = "Send it again: the transfer may have been cut off."
                raise Unusable("its SHA-256 is not the one in extract.json", advice, name)

    def _check_rows(self, manifest: Manifest, read: list[CheckedFile]) -> None:
        for file in read:
            expected = manifest.rows.get(file.file.name, file.rows_read)
            if file.rows_read != expected:
                reason = f"it has {count(file.rows_read, 'row')} where extract.json says {expected:,}"
                raise Unusable(reason, "Send it again: the transfer may have been cut off.", file.file.name)

    def _bad_records(self, read: CheckedFile) -> list[BadRecord]:
        landing_rows.refuse_if_mostly_bad(self._connection, read, self._max_bad_share)
        return landing_rows.bad_records(self._connection, read)

    def _write(self, extract: Extract, manifest: Manifest, read: list[CheckedFile], bad: list[list[BadRecord]]) -> None:
        extract_id = extract.extract_id
        moment = landing_files.extract_moment(extract_id, manifest)
        self._connection.execute(
            "INSERT INTO raw.extracts VALUES (?, ?, ?, ?, ?)",
            [extract_id, moment, landing_files.extract_date(extract_id), _now(), self._content_sha256],
        )
        defects: Counter[tuple[str, str, str]] = Counter()
        rows_before: Counter[str] = Counter()
        first_row: list[int] = []
        for file, records in zip(read, bad, strict=True):
            table = file.file.table.name
            first_row.append(rows_before[table])
            self._write_file(extract_id, file, records, rows_before[table])
            defects.update(self._value_defects(file))
            rows_before[table] += file.rows_read
        self._write_defects(extract, defects)
        self._refuse_cycle(extract_id, read, first_row)

    def _write_file(self, extract_id: str, read: CheckedFile, bad: list[BadRecord], rows_before: int) -> None:
        columns = landing_sql.stored_columns(read.file.table)
        inserted = self._connection.execute(
            f"INSERT INTO raw.{read.file.table.name} ({columns}, extract_id, row_number) "
            f"SELECT {columns}, ?, {read.ordinal} + ? FROM {read.checked} WHERE problem IS NULL",
            [extract_id, rows_before],
        ).fetchone()
        landed = int(inserted[0]) if inserted else 0
        quarantined = self._write_quarantine(extract_id, read.file, bad)
        if read.rows_read != landed + quarantined:
            raise AssertionError(f"{extract_id}/{read.file.name}: {read.rows_read} != {landed} + {quarantined} rows")
        self._connection.execute(
            "INSERT INTO raw.extract_files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                extract_id,
                read.file.table.name,
                read.file.name,
                read.file.bytes,
                read.file.modified_ns,
                read.sha256,
                read.rows_read,
                landed,
                quarantined,
            ],
        )

    def _write_quarantine(self, extract_id: str, file: TableFile, bad: list[BadRecord]) -> int:
        written = 0
        for start in range(0, len(bad), _QUARANTINE_BATCH):
            batch = bad[start : start + _QUARANTINE_BATCH]
            row = self._connection.execute(
                "INSERT INTO raw.quarantine "
                "SELECT ?, ?, ?, unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
                [
                    extract_id,
                    file.table.name,
                    file.name,
                    [record.line_number for record in batch],
                    [record.reason for record in batch],
                    [record.text for record in batch],
                ],
            ).fetchone()
            written += int(row[0]) if row else 0
        return written

    def _value_defects(self, read: CheckedFile) -> Counter[tuple[str, str, str]]:
        table = read.file.table
        columns = landing_sql.may_be_defective(table)
        counts = ", ".join(f"count(*) FILTER (defect_{column.name})" for column in columns)
        row = self._connection.execute(f"SELECT {counts} FROM {read.checked} WHERE problem IS NULL").fetchone()
        found: Counter[tuple[str, str, str]] = Counter()
        for column, number in zip(columns, row or (), strict=True):
            if number:
                found[table.name, column.name, column.complaint] += int(number)
        for name in read.dropped.values():
            found[table.name, name, DROPPED] += read.rows_read
        return found

    def _write_defects(self, extract: Extract, defects: Counter[tuple[str, str, str]]) -> None:
        rows: list[list[str | int]] = [[extract.extract_id, *key, number] for key, number in defects.items()]
        if extract.strangers:
            # Counted, not named: this is published, and such a name may be anything.
            rows.append([extract.extract_id, "(folder)", "(file)", NOT_READ, len(extract.strangers)])
        if rows:
            self._connection.executemany("INSERT INTO raw.value_defects VALUES (?, ?, ?, ?, ?)", rows)

    def _refuse_cycle(self, extract_id: str, read: list[CheckedFile], first_row: list[int]) -> None:
        merges = [pair for pair in zip(read, first_row, strict=True) if pair[0].file.table is PERSON_MERGES]
        if not any(file.rows_checked for file, _ in merges):
            return
        row_number = landing_merges.row_in_cycle(self._connection, extract_id)
        if row_number is None:
            return
        file, before = next(pair for pair in reversed(merges) if pair[1] < row_number)
        raise Unusable(
            "following merged_into_ref from this row leads back to it, so nobody is left to stand for them",
            "Correct one of the merges and send the extract again.",
            file.file.name,
            landing_rows.line_of(file, row_number - before),
            "merged_into_ref",
        )


def _digests(extract: Extract) -> dict[str, str]:
    return {file.name: landing_files.sha256_of(file.path) for file in extract.files}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
