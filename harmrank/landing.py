"""Lands extracts: what the door lets in goes, typed, into the raw tables; what it does not goes where it is
seen.

An extract lands in one transaction, or not at all. Rows that cannot be used are kept in quarantine with file,
line and reason; values that cannot be used in an optional column become missing and are counted. An extract
that cannot be read as one is refused and leaves nothing behind but the refusal; the others go on.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import duckdb

from harmrank import acceptance, checks, door_in, landing_files, landing_merges, landing_rows, landing_sql, remarks
from harmrank.contract import MAX_BAD_SHARE, PERSON_MERGES, TABLES
from harmrank.errors import UsageError
from harmrank.home import Home
from harmrank.landing_csv import BadRecord, count
from harmrank.landing_files import Extract, Manifest, TableFile, Unusable
from harmrank.landing_rows import CheckedFile
from harmrank.printable import printable_name
from harmrank.warehouse import connect

NOT_READ = "files of no known table were not read (counted in files)"
CORRECTS_UNKNOWN = "extract.json says it corrects extracts that have never been sent (counted in extracts)"
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
    warnings: list[str] = field(default_factory=list)


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
        door = _Door(connection)
        for folder in folders:
            lander = _Lander(connection, home, folder, max_bad_share, door)
            _settle(lander, known.get(folder.name), result, report)
        changed = {*result.landed, *(refusal.extract_id for refusal in result.refused)}
        acceptance.draw(connection, home, changed)
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


class _Door:
    """The checks at the door, loaded when the first extract comes."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    @cached_property
    def opened(self) -> door_in.DoorIn:
        """The checks themselves."""
        return door_in.DoorIn(self._connection)


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
        result.warnings += lander.warnings
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

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, home: Home, folder: Path, max_bad_share: float, door: _Door
    ) -> None:
        self.folder = folder
        self._facts = acceptance.Facts(folder.name, settled_at=_now().isoformat(timespec="seconds") + "Z")
        self._door = door
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
        extract_on = landing_files.extract_date(self.folder.name)
        extract = landing_files.read_folder(self.folder)
        checks.preload()
        self._facts.not_read = len(extract.strangers)
        self._facts.files = [acceptance.FileFacts(file.table.name, file.name, file.bytes) for file in extract.files]
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
        for file in read:
            landing_rows.refuse_if_mostly_bad(self._connection, file, self._max_bad_share)
        moment = landing_files.extract_moment(extract.extract_id, manifest)
        findings = self._door.opened.check(extract.extract_id, extract_on, moment, read)
        bad = self._remark(read, remarks.about_values(self._connection, read), findings)
        if landing_files.read_folder(self.folder).files != extract.files:
            raise Unusable("it changed while it was being read", "Run this again when the transfer is complete.")
        self._connection.execute("BEGIN")
        try:
            self._write(extract, manifest, moment, read, bad)
            self._connection.execute("COMMIT")
        except BaseException:
            # A commit that the disk refused has rolled back by itself.
            with suppress(duckdb.Error):
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

    @property
    def warnings(self) -> list[str]:
        """What the checks at the door found, in one sentence each; nothing of it stopped the extract."""
        return [
            f"extract {self._facts.extract_id}, {check.table_name}: {check.said}. {check.mend}"
            for check in self._facts.failed
        ]

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
        self._facts.settle(refusal.message)
        acceptance.keep(self._connection, self._facts)
        self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Remove what was kept for the time of landing: it is personal data."""
        # After a full disk DuckDB may do nothing more; what is temporary goes with the connection then.
        with suppress(duckdb.Error):
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

    def _remark(
        self, read: list[CheckedFile], values: list[remarks.Remark], findings: list[door_in.DoorFinding]
    ) -> list[list[BadRecord]]:
        """Note for the report what is wrong, and where; give the rows for quarantine, by file.

        Raises Unusable where a check found what is fatal.
        """
        bad: list[list[BadRecord]] = []
        lines: dict[remarks.Place, int] = {}
        for file in read:
            name = file.file.name
            records, found = landing_rows.bad_records(
                self._connection, file, remarks.ordinals_in(name, values, findings)
            )
            bad.append(records)
            lines.update({(name, ordinal): line for ordinal, line in found.items()})
        usual = remarks.usual_shares(self._connection, self._facts.extract_id)
        self._facts.files = remarks.about_files(read, bad)
        self._facts.quarantine = remarks.about_quarantine(read, bad)
        self._facts.values = [remarks.trouble(remark, lines) for remark in values]
        self._facts.checks = [remarks.about_check(found, lines, usual) for found in findings]
        self._facts.sizes = remarks.sizes(self._connection, self._facts)
        self._refuse_what_is_fatal(findings)
        self._facts.settle(None)
        return bad

    def _refuse_what_is_fatal(self, findings: list[door_in.DoorFinding]) -> None:
        for found, told in zip(findings, self._facts.checks, strict=True):
            if found.finding.is_fatal:
                file_name, line = told.places[0] if told.places else (None, None)
                column = told.column_name if told.places else None
                raise Unusable(found.finding.said, told.mend, file_name, line, column)

    def _write(
        self,
        extract: Extract,
        manifest: Manifest,
        moment: datetime,
        read: list[CheckedFile],
        bad: list[list[BadRecord]],
    ) -> None:
        extract_id = extract.extract_id
        self._connection.execute(
            "INSERT INTO raw.extracts VALUES (?, ?, ?, ?, ?)",
            [extract_id, moment, landing_files.extract_date(extract_id), _now(), self._content_sha256],
        )
        rows_before: Counter[str] = Counter()
        first_row: list[int] = []
        for file, records in zip(read, bad, strict=True):
            table = file.file.table.name
            first_row.append(rows_before[table])
            self._write_file(extract_id, file, records, rows_before[table])
            rows_before[table] += file.rows_read
        unknown = self._write_corrections(extract_id, manifest)
        if unknown:
            self._facts.values.append(acceptance.Trouble("(folder)", "corrects", CORRECTS_UNKNOWN, unknown, []))
        self._write_remarks(extract_id)
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
            ).fetchone()
            written += int(row[0]) if row else 0
        return written

    def _write_corrections(self, extract_id: str, manifest: Manifest) -> int:
        """Keep which extracts this one corrects; give the number of those that are neither landed nor refused."""
        corrected = list(manifest.corrects)
        self._connection.execute("INSERT INTO raw.corrections SELECT ?, unnest(?::VARCHAR[])", [extract_id, corrected])
        known = (
            "SELECT count(*) FROM (SELECT extract_id FROM raw.extracts UNION SELECT extract_id FROM raw.refused_extracts) "
            "WHERE list_contains(?::VARCHAR[], extract_id)"
        )
        (found,) = self._connection.execute(known, [corrected]).fetchone() or (0,)
        return len(corrected) - int(found)

    def _write_remarks(self, extract_id: str) -> None:
        facts = self._facts
        rows: list[list[str | int]] = [
            [extract_id, value.table_name, value.column_name, value.reason, value.rows] for value in facts.values
        ]
        if facts.not_read:
            # Counted, not named: this is published, and such a name may be anything.
            rows.append([extract_id, "(folder)", "(file)", NOT_READ, facts.not_read])
        if rows:
            self._connection.executemany("INSERT INTO raw.value_defects VALUES (?, ?, ?, ?, ?)", rows)
        self._connection.executemany(
            "INSERT INTO raw.extract_checks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                [
                    extract_id,
                    check.name,
                    check.table_name,
                    check.column_name,
                    check.sentence,
                    check.is_fatal,
                    check.passed,
                    check.rows_checked,
                    check.rows_unexpected,
                ]
                for check in facts.checks
            ],
        )
        acceptance.keep(self._connection, facts)

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
