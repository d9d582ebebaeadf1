"""Compares the crimes and people of an extract with what has landed, and with each other.

Numbering that starts again, references in another form and a force under another name all make a wrong list of rows that
are each readable. Everything is compared by digests (known_keys), reduced first to those that the extract names.
"""

from collections.abc import Sequence

from harmrank.landing.checking import known_keys

SAME_REPORT_DAYS = 31
"""Days that a report date may move: a force corrects typing errors of days, and a wrong month. Another crime of the same
number is a year away when numbering starts again each year."""

MOST_VICTIMS = 20
"""Victims of one crime. The counting rules allow one; a feed that counts otherwise has up to 15 (the Old Bailey)."""
MOST_SUSPECTS = 50
"""Suspects of one crime. The Old Bailey tried up to 23 people together; a riot has more, but is a small share of a feed."""
MANY_SUSPECTS = 3
"""Suspects of one crime in an ordinary feed: a hundredth of the Old Bailey's crimes have more."""
MOST_CRIMES = 100
"""Crimes of one extract with the same suspect. One reference for all unknown suspects has more."""

_CRIME_IS_SAME = f"""
            abs(own.reported_on - known.reported_on) <= {SAME_REPORT_DAYS} AS is_same_report,
            own.offence_class = known.offence_class AS is_same_class"""

# One of two dates of birth is often a typing error: the year of another person is seldom the next one, and half are of the
# other sex.
_PERSON_IS_SAME = """
            CASE
                WHEN own.date_of_birth = known.date_of_birth THEN true
                WHEN own.sex <> known.sex AND own.sex IN ('F', 'M') AND known.sex IN ('F', 'M') THEN false
                ELSE abs(year(own.date_of_birth) - year(known.date_of_birth)) <= 1
            END AS is_same_person,
            CASE
                WHEN own.person NOT IN (SELECT person FROM versions)
                    AND (SELECT count(*) > 0 FROM landed_involvements WHERE NOT is_deleted)
                    THEN own.person IN (SELECT hash(force, person_ref) FROM landed_involvements)
            END AS is_in_a_crime"""


def is_exact_reference(reference: str) -> str:
    """Returns an SQL expression: whether a spreadsheet may have kept a long number; null for any other reference."""
    return (
        f"CASE WHEN length({reference}) > 15 AND regexp_full_match({reference}, '[0-9]+') "
        f"THEN NOT regexp_full_match({reference}, '[0-9]{{15}}0+') END AS is_exact_reference"
    )


def known(record: str, named: Sequence[str]) -> str:
    """Returns a query for what has landed of the records (`crime` or `person`) whose digests one of the queries `named` has.

    They are searched once for each extract: the search takes longer the more has landed.
    """
    return f"""
        SELECT * EXCLUDE (force, reference, updated_at), {known_keys.version("rowid")} AS version
        FROM raw.{record}_digests SEMI JOIN ({" UNION ALL ".join(named)}) USING ({record})
    """


def crimes(is_correction: bool) -> str:
    """Returns a query for the crimes of `door_crimes`, compared with those of `known_crimes`.

    Its columns are true, false, or null if there is nothing to compare: `is_same_report` and `is_same_class` with the
    newest known version (or the first one of the extract), `has_own_reference` with other references of the force,
    `is_of_one_force` with other forces, `is_force_spelt_once` if the force is new, `is_exact_reference` if a spreadsheet
    could not keep it. A correction may change what it corrects.
    """
    return _compared("crimes", "crime", "reported_on", "offence_class", _CRIME_IS_SAME, is_correction)


def people(is_correction: bool) -> str:
    """Returns the same query for people, with `is_same_person`, and `is_in_a_crime` for new people."""
    return _compared("people", "person", "date_of_birth", "sex", _PERSON_IS_SAME, is_correction)


def _compared(table: str, record: str, day: str, kind: str, same: str, is_correction: bool) -> str:
    return f"""
        WITH own AS (SELECT * FROM door_{table} WHERE NOT is_deleted),
        forces AS (SELECT DISTINCT force FROM raw.extract_forces WHERE table_name = '{table}'),
        -- What is known of a record: its newest version, or else the first one of this extract.
        versions AS MATERIALIZED (SELECT * FROM known_{table} SEMI JOIN own USING ({record})),
        repeated AS (SELECT {record} FROM own GROUP BY {record} HAVING count(*) > 1),
        known AS (
            SELECT {record}, arg_max({day}, version) AS {day}, arg_max({kind}, version) AS {kind}
            FROM versions GROUP BY {record}
            UNION ALL
            SELECT {record}, arg_min({day}, place), arg_min({kind}, place)
            FROM own SEMI JOIN repeated USING ({record}) ANTI JOIN versions USING ({record})
            GROUP BY {record}
        ),
        -- Records with the same plain reference and the same day. A search by the reference alone takes half as long, and leaves few.
        alike AS MATERIALIZED (
            SELECT {record}, force, reference, {day}, {kind} FROM own
            UNION ALL
            SELECT {record}, force, reference, {day}, {kind}
            FROM (SELECT * FROM raw.{record}_digests SEMI JOIN own USING (reference)) SEMI JOIN own USING (reference, {day})
        ),
        rewritten AS (
            SELECT hash(force, reference, {day}) AS record FROM alike GROUP BY record HAVING min({record}) <> max({record})
        ),
        spellings AS (
            SELECT {known_keys.plain("force")} AS name
            FROM (SELECT force FROM forces UNION SELECT force FROM own)
            GROUP BY name HAVING count(*) > 1
        ),
        new_forces AS (
            SELECT DISTINCT force, {known_keys.plain("force")} NOT IN (SELECT name FROM spellings) AS is_spelt_once
            FROM own ANTI JOIN forces USING (force)
        ),
        shared AS (
            SELECT hash(reference, {day}, {kind}) AS record FROM alike WHERE (SELECT count(*) > 0 FROM new_forces)
            GROUP BY record HAVING min(force) <> max(force)
        )
        SELECT
            own.file_name,
            own.file_row,
            own.is_exact_reference,{same},
            CASE
                WHEN own.{day} IS NOT NULL
                    THEN own.{record} IN (SELECT {record} FROM versions)
                        OR hash(own.force, own.reference, own.{day}) NOT IN (SELECT record FROM rewritten)
            END AS has_own_reference,
            CASE
                WHEN new_forces.force IS NOT NULL AND own.{day} IS NOT NULL
                    THEN hash(own.reference, own.{day}, own.{kind}) NOT IN (SELECT record FROM shared)
            END AS is_of_one_force,
            new_forces.is_spelt_once AS is_force_spelt_once
        FROM own
        LEFT JOIN known ON own.{record} = known.{record} AND NOT {is_correction}
        LEFT JOIN new_forces ON own.force = new_forces.force
    """


def merges() -> str:
    """Returns a query for the merges of `landed_person_merges`: whether both records may be one person.

    `are_one_person` is null if one of them is not known, or nothing of it can be compared.
    """
    return f"""
        WITH merges AS (
            SELECT {known_keys.digest("person_ref")} AS person, {known_keys.digest("merged_into_ref")} AS into_person,
                file_name, file_row
            FROM landed_person_merges WHERE NOT is_deleted
        ),
        records AS (
            SELECT person, date_of_birth, sex, version FROM known_people
            UNION ALL
            SELECT person, date_of_birth, sex, {known_keys.version(f"{known_keys.AFTER_ALL} + place")} FROM door_people
        ),
        known AS (
            SELECT person, arg_max(date_of_birth, version) AS date_of_birth, arg_max(sex, version) AS sex
            FROM records GROUP BY person
        )
        SELECT
            merges.file_name,
            merges.file_row,
            CASE
                WHEN own.sex <> other.sex AND own.sex IN ('F', 'M') AND other.sex IN ('F', 'M') THEN false
                ELSE abs(year(own.date_of_birth) - year(other.date_of_birth)) <= 1
            END AS are_one_person
        FROM merges
        LEFT JOIN known AS own ON merges.person = own.person
        LEFT JOIN known AS other ON merges.into_person = other.person
    """


def crowds() -> str:
    """Returns common table expressions over `involvements` with digests.

    They are `crowded` crimes, crimes `with_many_suspects`, suspects in `too_many` crimes, and crimes sent `twice`: these are in
    the extract under two references, with the same code, the same dates and the same person.
    """
    return f"""
        events AS MATERIALIZED (
            SELECT crime, hash(person, role, circumstances) AS event
            FROM involvements INNER JOIN (SELECT crime, circumstances FROM door_crimes WHERE NOT is_deleted) USING (crime)
        ),
        twice AS (
            SELECT crime FROM events
            WHERE event IN (SELECT event FROM events GROUP BY event HAVING min(crime) <> max(crime))
        ),
        large AS (SELECT crime FROM involvements GROUP BY crime HAVING count(*) > {MOST_VICTIMS}),
        crowded AS (
            SELECT crime FROM involvements SEMI JOIN large USING (crime) GROUP BY crime
            HAVING count(DISTINCT person) FILTER (role = 'victim') > {MOST_VICTIMS}
                OR count(DISTINCT person) FILTER (role = 'suspect') > {MOST_SUSPECTS}
        ),
        with_many_suspects AS (
            SELECT crime FROM involvements WHERE role = 'suspect' GROUP BY crime
            HAVING count(DISTINCT person) > {MANY_SUSPECTS}
        ),
        often AS (SELECT person FROM involvements WHERE role = 'suspect' GROUP BY person HAVING count(*) > {MOST_CRIMES}),
        too_many AS (
            SELECT person FROM involvements SEMI JOIN often USING (person) WHERE role = 'suspect'
            GROUP BY person HAVING count(DISTINCT crime) > {MOST_CRIMES}
        )
    """
