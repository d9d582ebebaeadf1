"""Lands extracts: what the door lets in goes, typed, into the raw tables; what it does not goes where it is
seen.

An extract lands in one transaction, or not at all. Rows that cannot be used are kept in quarantine with file,
line and reason; values that cannot be used in an optional column become missing and are counted. An extract
that cannot be read as one is refused and leaves nothing behind but the refusal; the others go on.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import duckdb

from harmrank.contract import CRIMES, MAX_BAD_SHARE, TABLES
from harmrank.errors import ExtractRefused, UsageError
from harmrank.expectations import checks
from harmrank.home.folder import Home
from harmrank.home.warehouse import connect
from harmrank.landing import acceptance_report, door_in, known_keys, remarks, writing
from harmrank.landing.files import extract_folder, row_reader
from harmrank.landing.files.csv_records import BadRecord, count
from harmrank.landing.files.extract_folder import Extract, Manifest, Unusable
from harmrank.landing.files.row_reader import CheckedFile, DuckDBRows, Rows
from harmrank.landing.read_ahead import Ahead, reading_ahead
from harmrank.text.printable import printable_name

_WRITTEN_AT_ONCE = "256MB"
"""How much may be landed before it is packed into the warehouse file: with each extract, so much is packed again."""

_MANY = 3
"""From so many extracts on, one is checked nearly all the time while the next one is read: checking has a core of its own
then. With a thread for each core besides, each got in the other's way, and landing took an eighth longer."""


@dataclass(frozen=True)
class Refusal:
    """Why an extract was refused.

    `message` is one sentence for its sender, with what to do about it. `is_of_landed` says that an extract of the same
    id has landed before, which goes on to count.
    """

    extract_id: str
    message: str
    file_name: str | None = None
    line_number: int | None = None
    column_name: str | None = None
    is_of_landed: bool = False


@dataclass(frozen=True)
class Arrival:
    """What became of the rows of an extract that landed. `said` is one line for a person."""

    extract_id: str
    rows_landed: int
    rows_quarantined: int
    said: str


@dataclass
class LandingResult:
    """What became of every extract, by id, in id order; of those that landed, by row too."""

    landed: list[str] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Landed:
    """What the warehouse remembers of an extract: its content, and size and time of change by file."""

    content_sha256: str
    files: dict[str, tuple[int, int]]


def land(
    extracts: Path,
    home: Home,
    report: Callable[[str], None],
    max_bad_share: float = MAX_BAD_SHARE,
    until: date | None = None,
    settled: Callable[[Arrival | Refusal], None] = lambda _: None,
    rows: Rows | None = None,
) -> LandingResult:
    """Land every extract under `extracts` that is new. The caller holds the lock of the home.

    `report` gets one line per extract that was landed or refused, `settled` the same as facts. An extract of which
    more than `max_bad_share` (0 to 1) of one file is bad is refused. With `until` only those taken up to that day are
    looked at. `rows` reads the files and keeps their rows; DuckDB does unless another is given. Raises UsageError if
    `extracts` is not a folder of extracts.
    """

    def tell(outcome: Arrival | Refusal) -> None:
        report(outcome.said if isinstance(outcome, Arrival) else outcome.message)
        settled(outcome)

    folders = [folder for folder in extract_folders(extracts, home) if until is None or _is_taken_by(until, folder)]
    home.create()
    result = LandingResult()
    connection = connect(home)
    try:
        _land_all(connection, home, folders, max_bad_share, result, tell, rows or DuckDBRows())
        acceptance_report.draw(connection, home)
    finally:
        connection.close()
    return result


def _land_all(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    folders: list[Path],
    max_bad_share: float,
    result: LandingResult,
    tell: Callable[[Arrival | Refusal], None],
    rows: Rows,
) -> None:
    known, resent = _remembered(connection), acceptance_report.resent(connection)
    door = _Door(connection)
    landers = [
        _Lander(connection, home, folder, number, max_bad_share, door, rows) for number, folder in enumerate(folders)
    ]
    new = [lander for lander in landers if lander.folder.name not in known]
    if new:
        _make_ready(connection, len(new))
    with reading_ahead(connection, new, lambda own, lander: lander.read(own), _Lander.clear) as ahead:
        for lander in landers:
            _settle(lander, known.get(lander.folder.name), ahead, result, tell)
            if lander.folder.name in resent and lander.folder.name in result.unchanged:
                lander.forget_refusals()


def _make_ready(connection: duckdb.DuckDBPyConnection, extracts: int) -> None:
    """What landing so many extracts needs of the connection beyond a warehouse."""
    # Seen by the connection that reads and by the one that checks, as temporary tables would not be.
    connection.execute(f"ATTACH ':memory:' AS {row_reader.READ}")
    connection.execute(f"SET checkpoint_threshold = '{_WRITTEN_AT_ONCE}'")
    if extracts >= _MANY:
        (cores,) = connection.execute("SELECT current_setting('threads')").fetchone() or (1,)
        connection.execute(f"SET threads = {max(1, cores - 1)}")
    known_keys.make_sure(connection)


def refusal_error(home: Home, refused: list[Refusal]) -> ExtractRefused | None:
    """What the command raises at its end, where an extract was refused."""
    if not refused:
        return None
    ids = ", ".join(refusal.extract_id for refusal in refused)
    return ExtractRefused(
        f"refused, as said above: {ids}. Whatever else there was has been processed. "
        f"For their suppliers: {home.reports / 'index.html'}"
    )


def extract_folders(extracts: Path, home: Home) -> list[Path]:
    """The extract folders under `extracts`, in order of their ids; a home that lies among them is none.

    Raises UsageError if `extracts` is not a folder of extracts. Makes nothing on disk.
    """
    if not extracts.is_dir():
        raise UsageError(f"{extracts} is not a folder: name the folder that holds the extract folders.")
    folders = extract_folder.extract_folders(extracts)
    if not folders and any(next(extracts.glob(f"{table}*"), None) for table in TABLES):
        raise UsageError(f"{extracts} looks like one extract: name the folder that holds the extract folders.")
    return [folder for folder in folders if folder.resolve() != home.root.resolve()]


def _is_taken_by(until: date, folder: Path) -> bool:
    """Whether an extract was taken up to a day. A folder whose name does not say when is left to a refresh without one."""
    try:
        return extract_folder.extract_date(folder.name) <= until
    except Unusable:
        return False


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


def _settle(
    lander: "_Lander",
    landed: _Landed | None,
    ahead: "Ahead[_Lander]",
    result: LandingResult,
    tell: Callable[[Arrival | Refusal], None],
) -> None:
    extract_id = lander.folder.name
    try:
        if landed is not None:
            lander.refuse_if_changed(landed)
            result.unchanged.append(extract_id)
            return
        ahead.wait_for(lander)
        arrival = lander.land()
    except (Unusable, OSError) as error:
        if isinstance(error, OSError):
            error = _as_unusable(error, lander.folder)
        refusal = _refusal(extract_id, error, is_of_landed=landed is not None)
        lander.remember_refusal(refusal)
        result.refused.append(refusal)
        tell(refusal)
    else:
        result.landed.append(extract_id)
        result.arrivals.append(arrival)
        result.warnings += lander.warnings
        tell(arrival)
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


def _refusal(extract_id: str, error: Unusable, is_of_landed: bool) -> Refusal:
    place = error.file_name or ""
    if error.line_number is not None:
        place += f" line {error.line_number}"
    if error.column_name is not None:
        place += f", column {error.column_name}"
    where = f"{place}: " if place else ""
    extract_id = printable_name(extract_id)
    message = f"Extract {extract_id} was refused: {where}{error.reason}. {error.advice}"
    return Refusal(extract_id, message, error.file_name, error.line_number, error.column_name, is_of_landed)


@dataclass(frozen=True)
class _Read:
    """An extract whose files were read; `moment` is when it was taken."""

    extract: Extract
    moment: datetime
    manifest: Manifest
    content_sha256: str
    files: list[CheckedFile]
    brought: door_in.Brought


class _Lander:
    """Lands one extract."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        home: Home,
        folder: Path,
        number: int,
        max_bad_share: float,
        door: _Door,
        rows: Rows,
    ) -> None:
        self.folder = folder
        self._rows = rows
        self._facts = acceptance_report.Facts(printable_name(folder.name))
        self._door = door
        self._connection = connection
        self._number = number
        self._scratch = home.scratch / f"landing_{number}"
        self._max_bad_share = max_bad_share
        self._content_sha256: str | None = None
        self._tables: list[str] = []
        self._crimes: str | None = None
        self._read: _Read | None = None

    def refuse_if_changed(self, landed: _Landed) -> None:
        """Raise Unusable if a landed extract is no longer the same: raw is append-only."""
        extract = extract_folder.read_folder(self.folder)
        if {file.name: (file.bytes, file.modified_ns) for file in extract.files} == landed.files:
            return
        self._content_sha256 = extract_folder.content_sha256(_digests(extract))
        if self._content_sha256 != landed.content_sha256:
            raise Unusable(
                "it was landed before with other content",
                "Put the folder back as it was and send the correction as a new extract with a later id.",
            )
        self._connection.executemany(
            "UPDATE raw.extract_files SET modified_ns = ? WHERE extract_id = ? AND file_name = ?",
            [(file.modified_ns, extract.extract_id, file.name) for file in extract.files],
        )

    def read(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read the files into tables, on a connection that nobody else uses meanwhile. Raises Unusable."""
        extract_on = extract_folder.extract_date(self.folder.name)
        extract = extract_folder.read_folder(self.folder)
        checks.preload()
        self._facts.not_read = len(extract.strangers)
        self._facts.files = [
            acceptance_report.FileFacts(file.table.name, file.name, file.bytes) for file in extract.files
        ]
        digests = _digests(extract)
        self._content_sha256 = digest = extract_folder.content_sha256(digests)
        manifest = extract_folder.read_manifest(extract)
        self._check_digests(manifest, digests)
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        prefix = f"{row_reader.READ}.extract_{self._number}"
        tables = [f"{prefix}_file_{number}" for number in range(len(extract.files))]
        self._tables, self._crimes = tables, f"{prefix}_crimes"
        read = [
            row_reader.read_file(connection, file, digests[file.name], self._scratch, table, self._rows)
            for file, table in zip(extract.files, tables, strict=True)
        ]
        self._check_rows(manifest, read)
        for file in read:
            row_reader.refuse_if_mostly_bad(connection, file, self._max_bad_share)
        moment = extract_folder.extract_moment(extract.extract_id, manifest)
        brought = door_in.Brought(extract.extract_id, extract_on, moment, read, self._crimes)
        if brought.files(CRIMES):
            door_in.offer_crimes(connection, brought)
        self._read = _Read(extract, moment, manifest, digest, read, brought)

    def land(self) -> Arrival:
        """Check and write what was read; gives what became of its rows. Raises Unusable."""
        if self._read is None:
            raise AssertionError("an extract is read before it lands")
        extract, read = self._read.extract, self._read.files
        moment = self._read.moment
        findings = self._door.opened.check(self._read.brought)
        bad = self._remark(read, remarks.about_values(self._connection, read), findings)
        if extract_folder.read_folder(self.folder).files != extract.files:
            raise Unusable("it changed while it was being read", "Run this again when the transfer is complete.")
        self._connection.execute("BEGIN")
        try:
            writing.write(
                self._connection,
                writing.Checked(extract, self._read.manifest, moment, self._read.content_sha256, read, bad),
                self._facts,
                self._rows,
            )
            self._connection.execute("COMMIT")
        except BaseException:
            # A commit that the disk refused has rolled back by itself.
            with suppress(duckdb.Error):
                self._connection.execute("ROLLBACK")
            raise
        quarantined = sum(map(len, bad))
        landed = sum(file.rows_read for file in read) - quarantined
        # Counted, not named: such a name may be anybody's.
        ignored = f", {count(len(extract.strangers), 'file')} of no known table not read" if extract.strangers else ""
        return Arrival(
            extract.extract_id,
            landed,
            quarantined,
            f"Extract {extract.extract_id}: {count(len(read), 'file')}, {count(landed, 'row')} landed, "
            f"{quarantined:,} in quarantine{ignored}",
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
        if refusal.is_of_landed:
            acceptance_report.keep_resent(self._connection, refusal.extract_id, refusal.message)
        else:
            self._facts.settle(refusal.message)
            acceptance_report.keep(self._connection, self._facts)
        self._connection.execute("COMMIT")

    def forget_refusals(self) -> None:
        """The extract had come again with other content and lies there as it was once more."""
        acceptance_report.keep_resent(self._connection, self.folder.name, None)
        query = (
            "DELETE FROM raw.refused_extracts WHERE extract_id = $extract_id "
            "AND refused_at > (SELECT landed_at FROM raw.extracts WHERE extract_id = $extract_id)"
        )
        self._connection.execute(query, {"extract_id": self.folder.name})

    def clear(self) -> None:
        """Remove what was kept for the time of landing: it is personal data."""
        self._read = None
        # After a full disk DuckDB may do nothing more; what is in memory goes with the connection then.
        with suppress(duckdb.Error):
            for table in self._tables:
                self._rows.drop(self._connection, table)
            if self._crimes:
                self._connection.execute(f"DROP TABLE IF EXISTS {self._crimes}")
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
            records, found = row_reader.bad_records(self._connection, file, remarks.ordinals_in(name, values, findings))
            bad.append(records)
            lines.update({(name, ordinal): line for ordinal, line in found.items()})
        usual = remarks.usual_shares(self._connection, self._facts.extract_id)
        self._facts.files = remarks.about_files(read, bad)
        self._facts.quarantine = remarks.about_quarantine(read, bad)
        self._facts.values = [remarks.trouble(remark, lines) for remark in values]
        self._facts.checks = [remarks.about_check(found, lines, usual) for found in findings]
        self._facts.sizes = remarks.sizes(self._connection, self._facts)
        self._refuse_what_is_fatal(findings)
        return bad

    def _refuse_what_is_fatal(self, findings: list[door_in.DoorFinding]) -> None:
        for found, told in zip(findings, self._facts.checks, strict=True):
            if found.finding.is_fatal:
                file_name, line = told.places[0] if told.places else (None, None)
                column = told.column_name if told.places else None
                raise Unusable(found.finding.said, told.mend, file_name, line, column)


def _digests(extract: Extract) -> dict[str, str]:
    return {file.name: extract_folder.sha256_of(file.path) for file in extract.files}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
