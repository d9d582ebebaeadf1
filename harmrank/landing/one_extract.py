"""Lands one extract: reads its files, checks it, writes it; or records why it was refused."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from harmrank.home.folder import Home
from harmrank.landing import acceptance_facts, acceptance_report, writing
from harmrank.landing.checking import door_in
from harmrank.landing.files import extract_folder, row_reader
from harmrank.landing.files.csv_records import BadRecord
from harmrank.landing.files.extract_folder import MANIFEST, Extract
from harmrank.landing.files.manifest import Manifest, extract_moment, read_manifest
from harmrank.landing.files.row_reader import CheckedFile, Rows
from harmrank.landing.outcome import Arrival, Refusal, Unusable
from harmrank.machine.clock import utc_now
from harmrank.text.printable import printable_name
from harmrank.text.wording import plural

# Published in data_defects: do not reword it.
ACCEPTED = "extract.json accepts checks that would refuse the extract (counted in checks)"


@dataclass(frozen=True)
class LandedExtract:
    """What the warehouse records of a landed extract: a digest of its content; size and time of change by file."""

    content_sha256: str
    files: dict[str, tuple[int, int]]


class ExtractLander:
    """Lands one extract. `number` distinguishes it from the other extracts of this landing."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        home: Home,
        folder: Path,
        number: int,
        max_bad_share: float,
        door: Callable[[], door_in.DoorIn],
        rows: Rows,
    ) -> None:
        self.folder = folder
        self._rows = rows
        self._facts = acceptance_facts.Facts(printable_name(folder.name))
        self._door = door
        self._connection = connection
        self._number = number
        self._scratch = home.scratch / f"landing_{number}"
        self._max_bad_share = max_bad_share
        self._content_sha256: str | None = None
        self._tables: list[str] = []
        self._prepared: list[str] = []
        self._are_all_read = False
        self._incoming: door_in.IncomingExtract | None = None
        # Each is reason enough to refuse the extract; all are found before it is refused.
        self._faults: list[Unusable] = []

    def refuse_if_changed(self, landed: LandedExtract) -> None:
        """Raises Unusable if the folder differs from the extract that landed: raw tables are append-only."""
        extract = extract_folder.read_folder(self.folder)
        if {file.name: (file.bytes, file.modified_ns) for file in extract.files} == landed.files:
            return
        self._content_sha256 = extract_folder.content_sha256(_digests(extract))
        if self._content_sha256 != landed.content_sha256:
            raise Unusable(
                "an extract of this id has landed with other content",
                "Restore the folder and send the correction as a new extract with a later id.",
            )
        self._connection.executemany(
            "UPDATE raw.extract_files SET modified_ns = ? WHERE extract_id = ? AND file_name = ?",
            [(file.modified_ns, extract.extract_id, file.name) for file in extract.files],
        )

    def read(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Reads the files into tables. Nothing else may use the connection meanwhile. Raises Unusable."""
        extract_folder.extract_date(self.folder.name)  # Raises for a folder name that is not an id.
        extract = extract_folder.read_folder(self.folder)
        self._facts.not_read = len(extract.unknown_files)
        self._facts.files = [
            acceptance_facts.FileFacts(file.table.name, file.name, file.bytes) for file in extract.files
        ]
        digests = _digests(extract)
        self._content_sha256 = content_sha256 = extract_folder.content_sha256(digests)
        manifest = read_manifest(extract)
        self._check_digests(manifest, digests)
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        prefix = f"{row_reader.MEMORY_DATABASE}.extract_{self._number}"
        tables = [f"{prefix}_file_{number}" for number in range(len(extract.files))]
        self._tables = tables
        files: list[CheckedFile] = []
        for file, table in zip(extract.files, tables, strict=True):
            with self._noting_faults():
                files.append(
                    row_reader.read_file(
                        connection, file, digests[file.name], manifest.time_zone, self._scratch, table, self._rows
                    )
                )
        self._are_all_read = not self._faults
        for file_read in files:
            with self._noting_faults():
                self._check_row_count(manifest, file_read)
                row_reader.refuse_if_mostly_bad(connection, file_read, self._max_bad_share)
        extract_at = extract_moment(extract.extract_id, manifest)
        incoming = door_in.IncomingExtract(extract, manifest, extract_at, content_sha256, files, prefix)
        self._prepared = [*map(incoming.prepared_name, door_in.PREPARED), incoming.column_counts]
        door_in.prepare(connection, incoming)
        self._incoming = incoming

    def land(self) -> Arrival:
        """Checks and writes what `read` has read. Returns what became of its rows. Raises Unusable."""
        incoming = self._incoming
        if incoming is None:
            raise AssertionError("an extract is read before it lands")
        # Without one of its files, the checks would find faults that the extract does not have.
        findings = self._door().check(incoming) if self._are_all_read else []
        bad = self._collect_facts(incoming.files, findings)
        self._note_fatal(findings)
        if self._faults:
            raise self._first_fault()
        if extract_folder.read_folder(self.folder).files != incoming.extract.files:
            raise Unusable("it changed while it was being read", "Run this again when the transfer is complete.")
        self._connection.execute("BEGIN")
        try:
            writing.write(self._connection, incoming, bad, self._facts, self._rows)
            self._connection.execute("COMMIT")
        except BaseException:
            # DuckDB has already rolled back a commit that failed on a full disk.
            with suppress(duckdb.Error):
                self._connection.execute("ROLLBACK")
            raise
        return _arrival(incoming, rows_quarantined=sum(map(len, bad)))

    @property
    def warnings(self) -> list[str]:
        """One sentence for each check that failed without stopping the extract."""
        return [
            f"extract {self._facts.extract_id}, {check.table_name}: {check.said}. {check.mend}"
            for check in self._facts.failed
        ]

    def record_refusal(self, refusal: Refusal) -> None:
        """Records the refusal in the warehouse, once for the same content of the same extract."""
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
                utc_now(),
                refusal.file_name,
                refusal.line_number,
                refusal.column_name,
                refusal.message,
            ],
        )
        if refusal.has_landed_before:
            acceptance_report.keep_resent(self._connection, refusal.extract_id, refusal.message)
        else:
            self._facts.set_verdict(refusal.message)
            acceptance_report.keep(self._connection, self._facts)
        self._connection.execute("COMMIT")

    def forget_refusals(self) -> None:
        """Removes the refusals of changed copies: the folder again holds what landed."""
        acceptance_report.keep_resent(self._connection, self.folder.name, None)
        query = (
            "DELETE FROM raw.refused_extracts WHERE extract_id = $extract_id "
            "AND refused_at > (SELECT landed_at FROM raw.extracts WHERE extract_id = $extract_id)"
        )
        self._connection.execute(query, {"extract_id": self.folder.name})

    def clear(self) -> None:
        """Removes the tables and files made while landing: they hold personal data."""
        # DuckDB may refuse all work after a full disk; its tables in memory then go with the connection.
        with suppress(duckdb.Error):
            for table in self._tables:
                self._rows.drop(self._connection, table)
            for table in self._prepared:
                self._connection.execute(f"DROP TABLE IF EXISTS {table}")
        self._incoming = None
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _check_digests(self, manifest: Manifest, digests: dict[str, str]) -> None:
        for name, expected in manifest.sha256.items():
            if digests[name] != expected:
                advice = "Send it again: the transfer may have been cut off."
                raise Unusable("its SHA-256 is not the one in extract.json", advice, name)

    def _check_row_count(self, manifest: Manifest, file: CheckedFile) -> None:
        expected = manifest.rows.get(file.source.name, file.rows_read)
        if file.rows_read != expected:
            reason = f"it has {plural(file.rows_read, 'row')} where extract.json says {expected:,}"
            raise Unusable(reason, "Send it again: the transfer may have been cut off.", file.source.name)

    def _collect_facts(self, files: list[CheckedFile], findings: list[door_in.DoorFinding]) -> list[list[BadRecord]]:
        """Collects the facts for the acceptance report. Returns the rows for quarantine, by file.

        Of an extract that is sure to be refused, bad rows are only counted: there may be more than fit into memory.
        """
        connection, is_refused = self._connection, bool(self._faults)
        defects = acceptance_facts.value_defects(connection, files)
        quarantine: list[acceptance_facts.Defect] = []
        bad: list[list[BadRecord]] = []
        lines: dict[acceptance_facts.Place, int] = {}
        unusable: dict[str, int] = {}
        for file in files:
            ordinals = acceptance_facts.ordinals_in(file.source.name, defects, findings)
            if is_refused:
                reasons = row_reader.bad_reasons(connection, file)
                found = row_reader.lines_of(file, ordinals | {first for _, _, first in reasons})
                quarantine += acceptance_facts.counted_defects(file, reasons, found)
                unusable[file.source.name] = sum(rows for _, rows, _ in reasons)
            else:
                records, found = row_reader.bad_records(connection, file, ordinals)
                bad.append(records)
                unusable[file.source.name] = len(records)
            lines.update({(file.source.name, ordinal): line for ordinal, line in found.items()})
        usual = acceptance_facts.usual_shares(connection, self._facts.extract_id)
        if not is_refused:
            quarantine = acceptance_facts.quarantine_defects(files, bad)
        self._facts.quarantine = sorted(quarantine, key=lambda defect: -defect.rows)
        self._facts.files = acceptance_facts.file_facts(self._facts.files, files, unusable)
        self._facts.values = [acceptance_facts.with_lines(defect, lines) for defect in defects]
        if accepted := sum(found.is_accepted for found in findings):
            self._facts.values.append(acceptance_facts.Defect("(folder)", "accept", ACCEPTED, accepted))
        self._facts.checks = [acceptance_facts.check_facts(found, lines, usual) for found in findings]
        self._facts.sizes = acceptance_facts.table_sizes(connection, self._facts)
        return bad

    def _note_fatal(self, findings: list[door_in.DoorFinding]) -> None:
        for found, check in zip(findings, self._facts.checks, strict=True):
            if found.finding.is_fatal:
                advice = f'{check.mend} If it is meant, add "accept": ["{check.name}"] to {MANIFEST}.'
                file_name, line = check.places[0] if check.places else (None, None)
                column = check.column_name if check.places else None
                self._faults.append(Unusable(found.finding.message, advice, file_name, line, column))

    @contextmanager
    def _noting_faults(self) -> Iterator[None]:
        """Keeps a fault, so that the others are found, too."""
        try:
            yield
        except Unusable as fault:
            self._faults.append(fault)

    def _first_fault(self) -> Unusable:
        """Returns the first fault, which says how many more there are. All go into the facts of the report."""
        first, *others = self._faults
        self._facts.faults = [fault.placed for fault in self._faults]
        if others:
            first.advice += f" Its report shows {plural(len(others), 'more fault')}."
        return first


def _arrival(incoming: door_in.IncomingExtract, rows_quarantined: int) -> Arrival:
    extract_id, unknown = incoming.extract.extract_id, len(incoming.extract.unknown_files)
    landed = sum(file.rows_read for file in incoming.files) - rows_quarantined
    # Counted, not named: such a name may be a person's.
    ignored = f", {plural(unknown, 'file')} ignored: not a table of the contract" if unknown else ""
    return Arrival(
        extract_id,
        landed,
        rows_quarantined,
        f"Extract {extract_id}: {plural(len(incoming.files), 'file')}, {plural(landed, 'row')} landed, "
        f"{rows_quarantined:,} in quarantine{ignored}",
    )


def _digests(extract: Extract) -> dict[str, str]:
    return {file.name: extract_folder.sha256_of(file.path) for file in extract.files}
