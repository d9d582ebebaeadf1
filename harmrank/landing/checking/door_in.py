"""Checks an extract at the door in: after its files are read, before any of its rows land."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from harmrank.building.macro_sql import normalise_offence_code
from harmrank.building.project import project_root
from harmrank.contract import CRIMES, PEOPLE, TABLES, Kind, Table
from harmrank.expectations import checks, suites
from harmrank.landing.checking import column_values, composition, known_keys, known_records
from harmrank.landing.files import typing_sql
from harmrank.landing.files.extract_folder import MANIFEST, Extract, extract_date
from harmrank.landing.files.manifest import Manifest
from harmrank.landing.files.row_reader import CheckedFile
from harmrank.landing.outcome import Unusable
from harmrank.machine import duck
from harmrank.text import quoting
from harmrank.text.printable import printable_name

PLACES_SHOWN = 3
"""How many places are shown for each defect."""

PREPARED = (CRIMES, PEOPLE)
"""The tables with digests, which are made once for the checks and for what is kept."""

_EARLIER_EXTRACTS = 12
# Two months: a monthly extract that comes late has crimes of the month before.
_RECENT_DAYS = 62
# So many suspects without one who is cleared are no coincidence.
_MANY_SUSPECTS = 150
# More than any file has: file number times this, plus the row in the file, orders all rows of a table.
_MOST_ROWS = 10**12
# Recorded-crime codes that 00802 and 00814 become without their zeros. No other two codes of the seed do.
_TWO_WAYS = ("802", "814")
# What follows date and time in an id names the feed, if there are several.
_FEED = "regexp_replace({}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(T[0-9]{{4,6}})?', '')"
EARLIER = f"""
    earlier AS (
        SELECT extract_id FROM raw.extracts
        WHERE {_FEED.format("extract_id")} = {_FEED.format("$extract_id::VARCHAR")} AND extract_id < $extract_id
        ORDER BY extract_id DESC LIMIT {_EARLIER_EXTRACTS}
    )
"""
"""A common table expression: the newest extracts of the same feed before `$extract_id`."""


@dataclass(frozen=True)
class DoorFinding:
    """The result of one expectation, and the first places of unexpected rows: file name and ordinal in it.

    `check_name` is the same in every extract. A fatal one that `is_accepted` by extract.json is no longer fatal.
    """

    finding: checks.Finding
    places: tuple[tuple[str, int], ...]
    check_name: str
    is_accepted: bool = False

    def unless_accepted(self, accept: tuple[str, ...]) -> DoorFinding:
        """Returns the finding, not fatal if its check is among those accepted."""
        expectation = self.finding.expectation
        if not self.finding.is_fatal or not {self.check_name, expectation.name} & set(accept):
            return self
        meant = replace(expectation, is_fatal=False, mend=f"{MANIFEST} accepts this.")
        return DoorFinding(replace(self.finding, expectation=meant), self.places, self.check_name, is_accepted=True)


@dataclass(frozen=True)
class IncomingExtract:
    """An extract whose files were read, and the moment it was taken, in UTC or local time.

    `prepared` begins the names of the tables that `prepare` makes for the checks.
    """

    extract: Extract
    manifest: Manifest
    extract_at: datetime
    content_sha256: str
    files: list[CheckedFile]
    prepared: str

    @property
    def extract_on(self) -> date:
        """The day in its id."""
        return extract_date(self.extract.extract_id)

    @property
    def is_updated(self) -> str:
        """An SQL expression: whether a row was last changed before the extract was taken, with two days of tolerance."""
        # Local time and UTC differ, and an id without a time may mean any hour of its day.
        named = datetime(self.extract_on.year, self.extract_on.month, self.extract_on.day)
        latest = max(self.extract_at, named) + timedelta(days=2)
        return f"updated_at <= {quoting.text(latest.isoformat())}::TIMESTAMP AS is_updated_by_extract"

    def day_is_past(self, column: str, what: str) -> str:
        """An SQL expression: whether the day in a column is not after the day of the extract."""
        return f"{column} <= {quoting.text(self.extract_on.isoformat())}::DATE AS {what}_by_extract"

    def files_of(self, table: Table) -> list[CheckedFile]:
        """Returns the files of one table."""
        return [file for file in self.files if file.source.table is table]

    def prepared_name(self, table: Table) -> str:
        """Returns the name of the prepared table of crimes or people."""
        return f"{self.prepared}_{table.name}"

    @property
    def column_counts(self) -> str:
        """The name of the prepared table of counts."""
        return f"{self.prepared}_column_counts"


def prepare(connection: duckdb.DuckDBPyConnection, incoming: IncomingExtract) -> None:
    """Makes the tables to check that need nothing that landed before, so reading ahead can make them."""
    for table, query in zip(PREPARED, (_crimes(incoming), _people(incoming)), strict=True):
        connection.execute(f"CREATE OR REPLACE TABLE {incoming.prepared_name(table)} AS {query}")
    column_values.count(connection, incoming.files, incoming.column_counts)


class DoorIn:
    """The checks of the door in, on the connection that lands the extracts."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._checker = checks.Checker(connection)
        self._suites = suites.load("door_in")
        self._parameters = _suite_parameters()

    def check(self, incoming: IncomingExtract) -> list[DoorFinding]:
        """Returns the finding of every expectation about a table of this extract.

        Raises Unusable if extract.json accepts a check that does not exist.
        """
        accept = incoming.manifest.accept
        names = {expectation.name for suite in self._suites for expectation in suite.expectations}
        if unknown := [name for name in accept if name.split(":")[0] not in names]:
            reason = f"accept names {printable_name(unknown[0])}, which is not a check"
            raise Unusable(reason, "Use the name that the refusal gives.", MANIFEST)
        relations = self._create_relations(incoming)
        found: list[DoorFinding] = []
        for suite in self._suites:
            if suite.relation == composition.RELATION:
                found += [
                    DoorFinding(finding, (), composition.check_name(finding)).unless_accepted(accept)
                    for finding in composition.findings(self._connection, self._checker, suite)
                ]
            elif suite.relation == column_values.RELATION:
                of_columns = column_values.findings(
                    self._connection, self._checker, suite, incoming.files, PLACES_SHOWN
                )
                found += [
                    DoorFinding(one.finding, one.places, one.check_name).unless_accepted(accept) for one in of_columns
                ]
            elif suite.relation in relations:
                for finding in self._checker.check(suite, self._parameters):
                    places = self._places(suite, finding)
                    name = finding.expectation.name
                    found.append(DoorFinding(self._with_volume(suite, finding), places, name).unless_accepted(accept))
        return found

    def _with_volume(self, suite: suites.Suite, finding: checks.Finding) -> checks.Finding:
        """Returns a finding about a volume with the volume instead of the count of its one row."""
        if suite.relation != "door_volumes":
            return finding
        table = quoting.identifier(finding.expectation.table)
        multiple = duck.one_value(self._connection, f"SELECT {table} FROM door_volumes")
        observed = None if multiple is None else f"{multiple:.2f} times the usual number"
        passed = finding.passed if observed else None
        return replace(finding, passed=passed, rows_checked=None, rows_unexpected=None, observed=observed)

    def _places(self, suite: suites.Suite, finding: checks.Finding) -> tuple[tuple[str, int], ...]:
        if not finding.rows_unexpected or suite.relation == "door_volumes":
            return ()
        rows = self._checker.places(suite, finding, ["file_name", "file_row"], PLACES_SHOWN, self._parameters)
        return tuple((str(name), int(row)) for name, row in rows)

    def _create_relations(self, incoming: IncomingExtract) -> set[str]:
        """Creates the relations that the suites check, from the files that were read. Returns their names."""
        by_table = {name: incoming.files_of(table) for name, table in TABLES.items()}
        for name, files in by_table.items():
            self._view(f"landed_{name}", _landed(TABLES[name], files))
        for table in PREPARED:
            self._view(f"door_{table.name}", f"SELECT * FROM {incoming.prepared_name(table)}")
        self._view("door_custody", "SELECT * FROM landed_custody")
        involved = "SELECT {} FROM landed_involvements WHERE NOT is_deleted"
        merged = "SELECT {} FROM landed_person_merges WHERE NOT is_deleted"
        into = known_keys.digest("merged_into_ref")
        self._table(
            "known_crimes", known_records.known("crime", ["SELECT crime FROM door_crimes", involved.format(_CRIME)])
        )
        named = [
            "SELECT person FROM door_people",
            *map(involved.format, [_PERSON]),
            *map(merged.format, [_PERSON, into]),
        ]
        self._table("known_people", known_records.known("person", named))
        if by_table["involvements"]:
            self._table("door_involvements", _involvements(incoming))
        is_correction = bool(incoming.manifest.corrects)
        if by_table["crimes"]:
            self._table("door_known_crimes", known_records.crimes(is_correction))
        if by_table["people"]:
            self._table("door_known_people", known_records.people(is_correction))
        self._table(
            "door_volumes", _volumes(by_table, self._sends_again(by_table)), {"extract_id": incoming.extract.extract_id}
        )
        column_values.create(self._connection, incoming.column_counts, incoming.extract.extract_id, EARLIER)
        sent = {name for name, files in by_table.items() if files}
        if by_table["person_merges"]:
            self._table("door_person_merges", known_records.merges())
        composition.create(self._connection, sent, incoming.extract.extract_id, EARLIER, is_correction)
        return {"door_volumes"} | {f"door_{name}" for name in sent} | {f"door_known_{name}" for name in sent}

    def _sends_again(self, by_table: dict[str, list[CheckedFile]]) -> bool:
        """Returns whether more than half of the crimes of the extract had landed before, as in a full export."""
        if not by_table["crimes"]:
            return False
        known = "SELECT avg((crime IN (SELECT crime FROM known_crimes))::INTEGER) > 0.5 FROM door_crimes"
        return bool(duck.one_value(self._connection, known))

    def _view(self, name: str, query: str) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")

    def _table(self, name: str, query: str, values: dict[str, Any] | None = None) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}", values or {})


def _suite_parameters() -> dict[str, Any]:
    """Returns the parameters of the suites. They are the same for every extract, so an expectation is prepared only once."""
    return {
        f"{table.name}_{column.name}": list(column.choices)
        for table in TABLES.values()
        for column in table.columns
        if column.kind is Kind.CHOICE
    }


def _landed(table: Table, files: list[CheckedFile]) -> str:
    """Returns a query for the usable rows of all files of a table, with file and ordinal."""
    columns = typing_sql.stored_columns(table)
    parts = [
        f"SELECT {columns}, {quoting.text(file.source.name)} AS file_name, {file.ordinal} AS file_row, "
        f"{number} * {_MOST_ROWS} + {file.ordinal} AS place FROM {file.rows_table} WHERE problem IS NULL"
        for number, file in enumerate(files)
    ]
    empty = f"SELECT {columns}, ''::VARCHAR AS file_name, 0::BIGINT AS file_row, 0::BIGINT AS place FROM raw.{table.name} WHERE false"
    return " UNION ALL ".join(parts or [empty])


def _crimes(incoming: IncomingExtract) -> str:
    kept = "regexp_full_match(offence_code, '0[0-9]{4}')"
    lost = "(regexp_full_match(offence_code, '[0-9]{3,4}') AND contains(code, '/'))"
    seed = quoting.text(str(project_root() / "seeds" / "offences.csv"))
    day = f"{quoting.text(incoming.extract_on.isoformat())}::DATE"
    is_usual = not incoming.manifest.corrects
    # Repeated versions are found by a digest: among ten million rows, two share one by chance in one of a million extracts.
    return f"""
        WITH landed AS ({_landed(CRIMES, incoming.files_of(CRIMES))}),
        known_codes AS (
            SELECT offence_code FROM read_csv({seed}, header = true, all_varchar = true)
        ),
        -- Each code is read once: a month has a few hundred.
        normalised AS (
            SELECT offence_code, {normalise_offence_code("offence_code")} AS code
            FROM (SELECT DISTINCT offence_code FROM landed)
        ),
        codes AS MATERIALIZED (
            SELECT
                offence_code AS code_as_sent,
                code,
                {known_keys.offence_class("code")} AS offence_class,
                code IN (SELECT offence_code FROM known_codes) AS is_known,
                {kept} AS is_kept,
                {lost} AS is_lost
            FROM normalised
        ),
        crimes AS (SELECT * FROM landed LEFT JOIN codes ON landed.offence_code = codes.code_as_sent),
        zeros_lost AS (
            SELECT force FROM crimes GROUP BY force HAVING count(*) FILTER (is_lost) > count(*) FILTER (is_kept)
        ),
        repeated AS (
            SELECT hash(force, crime_ref, updated_at) AS version, min(place) AS first_place
            FROM landed GROUP BY version HAVING count(*) > 1
        )
        SELECT
            {known_keys.digests("crimes", offence_class="offence_class")},
            {known_records.is_exact_reference("crime_ref")},
            crime_ref,
            is_deleted,
            {incoming.day_is_past("reported_on", "is_reported")},
            reported_by,
            CASE WHEN NOT is_deleted THEN committed_from END AS committed_from,
            hash(reported_on, offence_code, committed_from, committed_to) AS circumstances,
            outcome_on,
            CASE WHEN NOT is_deleted THEN code END AS code,
            CASE
                WHEN is_deleted THEN NULL
                WHEN reported_on < {day} - 400 THEN 'older'
                WHEN reported_on < {day} - {_RECENT_DAYS} THEN 'up to 400 days'
                ELSE 'up to {_RECENT_DAYS} days'
            END AS report_age,
            CASE
                WHEN NOT is_deleted AND {is_usual} AND (SELECT count(*) FROM landed) >= {composition.LEAST_ROWS}
                    THEN reported_on >= {day} - {_RECENT_DAYS}
            END AS is_recent,
            CASE WHEN NOT is_deleted THEN updated_at >= reported_on - INTERVAL 1 DAY END AS is_updated_after_report,
            {incoming.is_updated},
            file_name,
            file_row,
            place,
            CASE WHEN NOT is_deleted THEN is_known END AS is_known_code,
            CASE WHEN is_lost OR is_kept THEN is_kept END AS keeps_zeros,
            CASE WHEN offence_code IN ({", ".join(map(quoting.text, _TWO_WAYS))})
                THEN force NOT IN (SELECT force FROM zeros_lost) END AS is_read_one_way,
            coalesce(repeated.first_place = place, true) AS is_first_of_version
        FROM crimes
        LEFT JOIN repeated ON hash(force, crime_ref, updated_at) = repeated.version
    """


def _people(incoming: IncomingExtract) -> str:
    return f"""
        SELECT
            {known_keys.digests("people")},
            {known_records.is_exact_reference("person_ref")},
            person_ref,
            is_deleted,
            deceased_on,
            {incoming.is_updated},
            {incoming.day_is_past("date_of_birth", "is_born")},
            CASE WHEN NOT is_deleted THEN date_of_birth IS NOT NULL OR birth_year IS NOT NULL END AS has_birth,
            file_name,
            file_row,
            place
        FROM ({_landed(PEOPLE, incoming.files_of(PEOPLE))})
    """


_CRIME, _PERSON = known_keys.digest("crime_ref"), known_keys.digest("person_ref")


# IN needs no distinct keys; a join would.
def _involvements(incoming: IncomingExtract) -> str:
    seed = quoting.text(str(project_root() / "seeds" / "suspect_statuses.csv"))
    return f"""
        WITH cleared AS (
            SELECT status FROM read_csv({seed}, header = true, all_varchar = true) WHERE harm_split = 'none'
        ),
        involvements AS (
            SELECT *, {_CRIME} AS crime, {_PERSON} AS person FROM landed_involvements WHERE NOT is_deleted
        ),
        crimes AS (SELECT crime FROM known_crimes UNION ALL SELECT crime FROM door_crimes),
        versions AS (
            SELECT person, sex, version FROM known_people
            UNION ALL
            SELECT person, sex, {known_keys.version(f"{known_keys.AFTER_ALL} + place")} FROM door_people
        ),
        people AS MATERIALIZED (
            SELECT person, nullif(arg_max(coalesce(sex, ''), version), '') AS sex FROM versions GROUP BY person
        ),
        {known_records.crowds()}
        SELECT
            force,
            crime_ref,
            person_ref,
            role,
            status,
            relationship,
            people.sex,
            CASE WHEN role = 'suspect' AND people.sex IN ('F', 'M') THEN people.sex = 'M' END AS suspect_is_male,
            {incoming.is_updated},
            file_name,
            file_row,
            crime IN (SELECT crime FROM crimes) AS has_crime,
            people.person IS NOT NULL AS has_person,
            CASE
                WHEN role = 'victim' THEN coalesce(people.sex IN ('F', 'M'), false)
            END AS victim_sex_is_known,
            CASE
                WHEN role = 'victim' AND people.person IS NOT NULL
                    THEN coalesce(people.sex IN ('F', 'M'), false)
            END AS known_victim_has_sex,
            crime NOT IN (SELECT crime FROM crowded) AS has_few_people,
            CASE WHEN crime IN (SELECT crime FROM events) THEN crime NOT IN (SELECT crime FROM twice) END AS is_of_one_crime,
            CASE
                WHEN role = 'suspect' AND (SELECT count(*) FROM involvements WHERE role = 'suspect') >= {_MANY_SUSPECTS}
                    THEN coalesce(status IN (SELECT status FROM cleared), false)
            END AS is_cleared,
            CASE WHEN role = 'suspect' THEN involvements.person NOT IN (SELECT person FROM too_many) END AS has_few_crimes,
            CASE WHEN role = 'suspect' THEN crime NOT IN (SELECT crime FROM with_many_suspects) END AS has_few_suspects
        FROM involvements
        LEFT JOIN people ON involvements.person = people.person
    """


def _volumes(by_table: dict[str, list[CheckedFile]], sends_again: bool) -> str:
    """Returns a query for one row: by table, rows as a multiple of the usual number; null before there is a usual number.

    Of an extract that sends everything again, only a multiple below 1 is left: more rows are what it is for.
    """
    most = 1 if sends_again else "NULL"
    # A correction may leave out a table that has nothing new.
    multiples = [
        f"{sum(file.rows_read for file in files)} / max(typical_rows) FILTER (table_name = '{name}') AS {name}"
        if files
        else f"NULL::DOUBLE AS {name}"
        for name, files in by_table.items()
    ]
    kept = [f"CASE WHEN {most} IS NULL OR {name} <= {most} THEN {name} END AS {name}" for name in by_table]
    return f"""
        WITH {EARLIER},
        sizes AS (
            SELECT earlier.extract_id, files.table_name, sum(files.rows_read) AS rows_read
            FROM earlier INNER JOIN raw.extract_files AS files USING (extract_id)
            GROUP BY earlier.extract_id, files.table_name
        ),
        usual AS (
            SELECT table_name, median(rows_read) AS typical_rows
            FROM sizes GROUP BY table_name
            HAVING count(*) >= {composition.LEAST_EXTRACTS} AND median(rows_read) >= {composition.LEAST_ROWS}
        )
        SELECT {", ".join(kept)} FROM (SELECT {", ".join(multiples)} FROM usual)
    """
