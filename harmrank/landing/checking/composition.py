"""Compares what an extract is made of with the earlier extracts of its feed: which values its columns hold, and how often.

A column may be readable in every row and still be wrong: the sexes exchanged, every suspect convicted, a month of another
force. Then the shares of its values move. `door_composition` has a row for each measure below, with its `drift`: half the sum
of the differences between the shares of the values here and their median in earlier extracts (0 to 1), less what chance makes
of as many rows. The warehouse keeps the counts of each extract in `raw.value_counts`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from harmrank.expectations import checks, suites
from harmrank.text import quoting

RELATION = "door_composition"

# A share or a number of fewer rows says little: a table of a handful doubles by chance.
LEAST_ROWS = 50
LEAST_EXTRACTS = 3
# Chance alone moves the shares by more than three times its mean in no measure of the samples.
_DEVIATIONS = 3
# A full export among monthly ones is made of other rows: it is not compared.
_MOST_TIMES_USUAL_ROWS = 2


@dataclass(frozen=True)
class Measure:
    """The values of one column, and the relation that has them. Rows whose value is null are left out.

    `decides` is true if the column decides who counts.
    """

    table: str
    column: str
    what: str
    value: str
    relation: str
    decides: bool = False


def _is_known(column: str) -> str:
    return f"CASE WHEN {column} IS NULL THEN 'new' ELSE 'known' END"


_ALIVE = "CASE WHEN NOT is_deleted THEN {} END"
_DELETED = "CASE WHEN is_deleted THEN 'deleted' ELSE 'kept' END"

MEASURES = (
    Measure("crimes", "deleted", "kept and deleted crimes", _DELETED, "landed_crimes", decides=True),
    Measure("crimes", "offence_code", "classes of offences", "offence_class::VARCHAR", "door_crimes"),
    Measure("crimes", "reported_on", "times between report and extract", "report_age", "door_crimes"),
    Measure("crimes", "crime_ref", "new and known crimes", _is_known("is_same_report"), "door_known_crimes"),
    Measure("crimes", "area_code", "areas", _ALIVE.format("area_code"), "landed_crimes"),
    Measure(
        "crimes", "reported_by", "words in reported_by", _ALIVE.format("reported_by"), "landed_crimes", decides=True
    ),
    Measure("crimes", "outcome_type", "outcomes", _ALIVE.format("outcome_type::VARCHAR"), "landed_crimes"),
    Measure(
        "crimes",
        "cancelled_on",
        "valid and cancelled crimes",
        _ALIVE.format("CASE WHEN cancelled_on IS NULL THEN 'kept' ELSE 'cancelled' END"),
        "landed_crimes",
        decides=True,
    ),
    Measure("people", "deleted", "kept and deleted people", _DELETED, "landed_people", decides=True),
    Measure("people", "person_ref", "new and known people", _is_known("is_same_person"), "door_known_people"),
    Measure("people", "sex", "sexes", _ALIVE.format("sex"), "landed_people", decides=True),
    Measure(
        "people",
        "date_of_birth",
        "ages",
        # In bands of fifteen years on the day of the extract.
        _ALIVE.format("(({year} - coalesce(year(date_of_birth), birth_year)) // 15 * 15)::VARCHAR"),
        "landed_people",
        decides=True,
    ),
    Measure(
        "people",
        "deceased_on",
        "living and dead people",
        _ALIVE.format("CASE WHEN deceased_on IS NULL THEN 'alive' ELSE 'dead' END"),
        "landed_people",
        decides=True,
    ),
    Measure("involvements", "deleted", "kept and deleted involvements", _DELETED, "landed_involvements", decides=True),
    Measure("involvements", "role", "roles", "role", "door_involvements", decides=True),
    Measure(
        "involvements",
        "status",
        "statuses",
        "CASE WHEN role = 'suspect' THEN status END",
        "door_involvements",
        decides=True,
    ),
    Measure(
        "involvements",
        "relationship",
        "relationships",
        "CASE WHEN role = 'suspect' THEN relationship END",
        "door_involvements",
    ),
    Measure(
        "involvements",
        "person_ref",
        "sexes of suspects",
        "CASE WHEN role = 'suspect' THEN sex END",
        "door_involvements",
        True,
    ),
    Measure(
        "involvements",
        "person_ref",
        "sexes of victims",
        "CASE WHEN role = 'victim' THEN sex END",
        "door_involvements",
        True,
    ),
)


def create(
    connection: duckdb.DuckDBPyConnection, sent: set[str], extract_id: str, earlier: str, is_correction: bool
) -> None:
    """Creates the relation, and `own_value_counts` with the counts of this extract, from the relations of the tables `sent`.

    `earlier` is a common table expression of the extracts to compare with. A correction holds what it corrects: it is neither
    compared nor counted.
    """
    measures = [measure for measure in MEASURES if measure.table in sent and not is_correction]
    parts = [_counts(measure, extract_id[:4]) for measure in measures]
    nothing = (
        "SELECT '' AS table_name, '' AS column_name, '' AS measure, false AS decides, '' AS value, 0::BIGINT AS value_rows "
        "WHERE false"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE own_value_counts AS {' UNION ALL '.join([*parts, nothing])}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {RELATION} AS {_drift(earlier)}", {"extract_id": extract_id})


def _counts(measure: Measure, year: str) -> str:
    return (
        f"SELECT {quoting.text(measure.table)} AS table_name, {quoting.text(measure.column)} AS column_name, "
        f"{quoting.text(measure.what)} AS measure, {measure.decides} AS decides, {measure.value.format(year=year)} AS value, "
        f"count(*) AS value_rows FROM {measure.relation} GROUP BY value HAVING value IS NOT NULL"
    )


def keep(connection: duckdb.DuckDBPyConnection, extract_id: str) -> None:
    """Keeps the counts of the extract that was checked last, within the open transaction."""
    connection.execute(
        "INSERT INTO raw.value_counts SELECT ?, table_name, measure, value, value_rows FROM own_value_counts",
        [extract_id],
    )


def findings(
    connection: duckdb.DuckDBPyConnection, checker: checks.Checker, suite: suites.Suite
) -> list[checks.Finding]:
    """Returns what each expectation found: one finding for each measure that drifted, or one for all if none did.

    The suite has the severest expectation first; a measure that failed it is not reported again.
    """
    compared = connection.execute(f"SELECT count(drift) FROM {RELATION}").fetchone()
    found: list[checks.Finding] = []
    reported: set[str] = set()
    for whole in checker.check(suite):
        drifted = checker.places(suite, whole, ["measure"], len(MEASURES)) if whole.failed else []
        names = [str(measure) for (measure,) in drifted if measure not in reported]
        reported.update(names)
        found += [_of_measure(connection, whole, name) for name in names]
        if not names:
            passed = True if compared and compared[0] else None
            found.append(replace(whole, passed=passed, rows_checked=None, rows_unexpected=None))
    return found


def check_name(finding: checks.Finding) -> str:
    """Returns the name of a finding in the warehouse: the check, and what drifted."""
    name, column = finding.expectation.name, finding.expectation.column
    return name if column == "(columns)" else f"{name}:{finding.expectation.table}.{column}"


def _of_measure(connection: duckdb.DuckDBPyConnection, whole: checks.Finding, name: str) -> checks.Finding:
    measure = next(measure for measure in MEASURES if measure.what == name)
    row = connection.execute(f"SELECT value, share, usual_share FROM {RELATION} WHERE measure = ?", [name]).fetchone()
    value, share, usual = row or ("", 0, 0)
    expectation = replace(
        whole.expectation,
        table=measure.table,
        column=measure.column,
        sentence=f"The mix of {name} is about that of earlier extracts",
        mend=whole.expectation.mend.replace("{column}", f"{measure.table}.{measure.column}"),
    )
    observed = f"{value}: {share:.0%}, usually {usual:.0%}"
    return replace(whole, expectation=expectation, rows_checked=None, rows_unexpected=None, observed=observed)


def _drift(earlier: str) -> str:
    """Returns the query of the relation. `value` is the one whose share moved most. Drift is null if it is not compared."""
    return f"""
        WITH {earlier},
        own AS (
            SELECT *, sum(value_rows) OVER (PARTITION BY measure) AS measure_rows FROM own_value_counts
        ),
        before AS (
            SELECT extract_id, measure, value, value_rows, sum(value_rows) OVER (PARTITION BY extract_id, measure) AS measure_rows
            FROM earlier INNER JOIN raw.value_counts USING (extract_id)
        ),
        -- Every earlier extract that has the measure; half of the usual rows are enough.
        extracts AS (SELECT DISTINCT extract_id, measure, measure_rows FROM before WHERE measure_rows >= {LEAST_ROWS // 2}),
        usual_rows AS (
            SELECT measure, median(measure_rows) AS typical_rows, count(*) AS extracts FROM extracts GROUP BY measure
        ),
        pairs AS (SELECT measure, value FROM own UNION SELECT measure, value FROM before),
        usual AS (
            SELECT pairs.measure, pairs.value, median(coalesce(before.value_rows, 0) / extracts.measure_rows) AS share
            FROM pairs
            INNER JOIN extracts ON pairs.measure = extracts.measure
            LEFT JOIN before
                ON pairs.measure = before.measure AND pairs.value = before.value AND extracts.extract_id = before.extract_id
            GROUP BY pairs.measure, pairs.value
        ),
        measured AS (SELECT DISTINCT measure, table_name, column_name, decides, measure_rows FROM own),
        shares AS (
            SELECT
                measured.*,
                usual.value,
                coalesce(own.value_rows, 0) / measured.measure_rows AS share,
                usual.share AS usual_share,
                sqrt(
                    usual.share * (1 - usual.share)
                    * (1 / measured.measure_rows + 1 / (usual_rows.extracts * usual_rows.typical_rows))
                ) AS deviation,
                measured.measure_rows >= {LEAST_ROWS}
                AND usual_rows.extracts >= {LEAST_EXTRACTS}
                AND measured.measure_rows <= {_MOST_TIMES_USUAL_ROWS} * usual_rows.typical_rows AS is_compared
            FROM measured
            INNER JOIN usual_rows ON measured.measure = usual_rows.measure
            INNER JOIN usual ON measured.measure = usual.measure
            LEFT JOIN own ON measured.measure = own.measure AND usual.value = own.value
        ),
        drifts AS (
            SELECT
                table_name,
                column_name,
                measure,
                decides,
                CASE
                    WHEN bool_and(is_compared)
                        THEN greatest(sum(abs(share - usual_share)) - {_DEVIATIONS} * sum(deviation), 0) / 2
                END AS drift,
                arg_max(value, abs(share - usual_share)) AS value,
                arg_max(share, abs(share - usual_share)) AS share,
                arg_max(usual_share, abs(share - usual_share)) AS usual_share
            FROM shares
            GROUP BY table_name, column_name, measure, decides
        )
        SELECT *, CASE WHEN decides THEN drift END AS deciding_drift FROM drifts
    """
