"""Compares what an extract is made of with the earlier extracts of its feed: which values its columns hold, and how often.

A column may be readable in every row and still be wrong: the sexes exchanged, every suspect convicted, a month of another
force. Then the shares of its values move. `door_composition` has a row for each measure below, with its `drift`: half the sum
of the differences between the shares of the values here and their median in earlier extracts (0 to 1), less what chance makes
of as many rows; and values that are missing or too many. The warehouse keeps the counts of each extract in `raw.value_counts`.
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
# Taken off the difference of each share: chance explains 0.8 of a deviation on average, and seldom more than two.
_DEVIATIONS = 2
# Chance moves the shares of seldom values most: they count as one value.
_SELDOM = 0.02
# None of ten by chance: one extract of twenty thousand.
_LEAST_USUAL = 10
# A full export among monthly ones is made of other rows: it is not compared.
_MOST_TIMES_USUAL_ROWS = 2


@dataclass(frozen=True)
class Measure:
    """The values of one column, and the relation that has them. Rows whose value is null are left out.

    `decides` is true if the column decides who counts. `most` is the largest plausible share of one value but `kept` and
    `alive`, also in a first extract.
    """

    table: str
    column: str
    what: str
    value: str
    relation: str
    decides: bool = False
    most: float = 1


def _is_known(column: str) -> str:
    return f"CASE WHEN {column} IS NULL THEN 'new' ELSE 'known' END"


_ALIVE = "CASE WHEN NOT is_deleted THEN {} END"
_DELETED = "CASE WHEN is_deleted THEN 'deleted' ELSE 'kept' END"

MEASURES = (
    Measure("crimes", "deleted", "kept and deleted crimes", _DELETED, "landed_crimes", decides=True),
    Measure(
        "crimes",
        "offence_code",
        "offences",
        "code",
        "door_crimes",
        # Up to 0.55 at the Old Bailey (theft).
        most=0.9,
    ),
    Measure("crimes", "reported_on", "times between report and extract", "report_age", "door_crimes"),
    Measure("crimes", "crime_ref", "new and known crimes", _is_known("is_same_report"), "door_known_crimes"),
    Measure("crimes", "area_code", "areas", _ALIVE.format("area_code"), "landed_crimes"),
    Measure(
        "crimes",
        "reported_by",
        "words in reported_by",
        _ALIVE.format("coalesce(reported_by, 'blank')"),
        "landed_crimes",
        decides=True,
        # A victim reports three fifths in the samples. The Old Bailey's column has a default in every row.
        most=0.99,
    ),
    Measure(
        "crimes", "outcome_type", "outcomes", _ALIVE.format("coalesce(outcome_type::VARCHAR, 'none')"), "landed_crimes"
    ),
    Measure(
        "crimes",
        "cancelled_on",
        "valid and cancelled crimes",
        _ALIVE.format("CASE WHEN cancelled_on IS NULL THEN 'kept' ELSE 'cancelled' END"),
        "landed_crimes",
        decides=True,
        # A twentieth of recorded crimes is cancelled or transferred.
        most=0.5,
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
        # A hundredth of the people in the samples. A list of the dead alone would be a mistake.
        most=0.5,
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
    named = {measure: f"m{number}" for number, measure in enumerate(measures)}
    parts = [
        _counts({m: name for m, name in named.items() if m.relation == relation}, extract_id[:4])
        for relation in dict.fromkeys(measure.relation for measure in measures)
    ]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE own_value_counts (table_name VARCHAR, column_name VARCHAR, measure VARCHAR, "
        "decides BOOLEAN, most DOUBLE, value VARCHAR, value_rows BIGINT)"
    )
    facts = [
        f"({', '.join(map(quoting.text, (name, m.table, m.column, m.what)))}, {m.decides}, {m.most})"
        for m, name in named.items()
    ]
    if facts:
        connection.execute(f"""
            INSERT INTO own_value_counts SELECT table_name, column_name, measure, decides, most, value, value_rows
            FROM ({" UNION ALL ".join(parts)})
            INNER JOIN (VALUES {", ".join(facts)}) AS facts (name, table_name, column_name, measure, decides, most) USING (name)
            ORDER BY name, value
        """)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {RELATION} AS {_drift(earlier)}", {"extract_id": extract_id})


def _counts(named: dict[Measure, str], year: str) -> str:
    """Returns a query that counts the values of all measures of one relation in one pass, by the names given to the measures."""
    values = ", ".join(f"{measure.value.replace('{year}', year)} AS {name}" for measure, name in named.items())
    which = " ".join(f"WHEN grouping({name}) = 0 THEN '{name}'" for name in named.values())
    return f"""
        SELECT CASE {which} END AS name, coalesce({", ".join(named.values())}) AS value, count(*) AS value_rows
        FROM (SELECT {values} FROM {next(iter(named)).relation})
        GROUP BY GROUPING SETS ({", ".join(f"({name})" for name in named.values())})
        HAVING value IS NOT NULL
    """


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
    compared = connection.execute(
        f"SELECT count(drift), count(*) FILTER (measure_rows >= {LEAST_ROWS}) FROM {RELATION}"
    ).fetchone() or (0, 0)
    found: list[checks.Finding] = []
    reported: set[str] = set()
    for whole in checker.check(suite):
        drifted = checker.places(suite, whole, ["measure"], len(MEASURES)) if whole.failed else []
        names = [str(measure) for (measure,) in drifted if measure not in reported]
        reported.update(names)
        found += [_of_measure(connection, whole, name) for name in names]
        if not names:
            passed = True if compared[whole.expectation.arguments["column"] == "excess_value"] else None
            expectation = replace(whole.expectation, sentence=whole.expectation.sentence.replace("{what}", "values"))
            found.append(
                replace(whole, expectation=expectation, passed=passed, rows_checked=None, rows_unexpected=None)
            )
    return found


def check_name(finding: checks.Finding) -> str:
    """Returns the name of a finding in the warehouse: the check, and what drifted."""
    name, column = finding.expectation.name, finding.expectation.column
    return name if column == "(columns)" else f"{name}:{finding.expectation.table}.{column}"


# By the column of an expectation: the value that its finding names, its share, and the usual one.
_SHOWN = {
    "deciding_drift": ("value", "share", "usual_share"),
    "drift": ("value", "share", "usual_share"),
    "gone_value": ("gone_value", "0", "gone_share"),
    "excess_value": ("excess_value", "excess_share", "most"),
}


def _of_measure(connection: duckdb.DuckDBPyConnection, whole: checks.Finding, name: str) -> checks.Finding:
    measure = next(measure for measure in MEASURES if measure.what == name)
    value, share, usual = _SHOWN[str(whole.expectation.arguments["column"])]
    row = connection.execute(f"SELECT {value}, {share}, {usual} FROM {RELATION} WHERE measure = ?", [name]).fetchone()
    expectation = replace(
        whole.expectation,
        table=measure.table,
        column=measure.column,
        sentence=whole.expectation.sentence.replace("{what}", name),
        mend=whole.expectation.mend.replace("{column}", f"{measure.table}.{measure.column}"),
    )
    observed = f"{{}}: {{:.0%}}, usually {'at most ' * (usual == 'most')}{{:.0%}}".format(*row or ("", 0, 0))
    return replace(whole, expectation=expectation, rows_checked=None, rows_unexpected=None, observed=observed)


def _drift(earlier: str) -> str:
    """Returns the query of the relation, with a row for each measure; `drift` is null if it is not compared.

    `value` is the value whose share moved most, `gone_value` a usual one that no row has, or null, and `excess_value` one with a larger
    share than is plausible, or null.
    """
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
        measures AS (SELECT DISTINCT measure, table_name, column_name, decides, most, measure_rows FROM own),
        excess AS (
            SELECT measure, arg_max(value, value_rows) AS excess_value, max(value_rows / measure_rows) AS excess_share
            FROM own
            WHERE value NOT IN ('kept', 'alive') AND measure_rows >= {LEAST_ROWS} AND value_rows / measure_rows > most
            GROUP BY measure
        ),
        measured AS (
            SELECT
                measure, measure_rows, extracts * typical_rows AS usual_rows,
                measure_rows >= {LEAST_ROWS}
                AND extracts >= {LEAST_EXTRACTS}
                AND measure_rows <= {_MOST_TIMES_USUAL_ROWS} * typical_rows AS is_compared
            FROM measures INNER JOIN usual_rows USING (measure)
        ),
        frequent AS (
            SELECT measure, usual.value, coalesce(own.value_rows, 0) / measured.measure_rows AS share, usual.share AS usual_share
            FROM measured
            INNER JOIN usual USING (measure)
            LEFT JOIN own USING (measure, value)
            WHERE greatest(coalesce(own.value_rows, 0) / measured.measure_rows, usual.share) >= {_SELDOM}
        ),
        shares AS (
            SELECT *, sqrt(usual_share * (1 - usual_share) * (1 / measure_rows + 1 / usual_rows)) AS deviation
            FROM measured INNER JOIN (
                SELECT * FROM frequent
                UNION ALL
                SELECT measure, 'other values', 1 - sum(share), greatest(1 - sum(usual_share), 0) FROM frequent GROUP BY measure
            ) USING (measure)
        ),
        -- The most usual of the values that no row has.
        gone AS (
            SELECT measure, arg_max(usual.value, usual.share) AS gone_value, max(usual.share) AS gone_share
            FROM measured
            INNER JOIN usual USING (measure)
            ANTI JOIN own USING (measure, value)
            WHERE measured.is_compared AND usual.share * measured.measure_rows >= {_LEAST_USUAL}
            GROUP BY measure
        ),
        drifts AS (
            SELECT
                measure,
                CASE
                    WHEN bool_and(is_compared)
                        THEN greatest(sum(abs(share - usual_share)) - {_DEVIATIONS} * sum(deviation), 0) / 2
                END AS drift,
                arg_max(value, abs(share - usual_share)) AS value,
                arg_max(share, abs(share - usual_share)) AS share,
                arg_max(usual_share, abs(share - usual_share)) AS usual_share
            FROM shares
            GROUP BY measure
        )
        SELECT *, CASE WHEN decides THEN drift END AS deciding_drift
        FROM measures LEFT JOIN drifts USING (measure) LEFT JOIN gone USING (measure) LEFT JOIN excess USING (measure)
    """
