"""Counts what the optional columns of an extract hold, for the checks in `expectations/door_in/columns.yml`.

Each check is one expectation about `door_columns`, which has a row for each table and column. Here it becomes one finding
for each column.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import duckdb

from harmrank.contract import DEFAULT_DAYS, TABLES, Column, Kind, Table
from harmrank.expectations import checks, suites
from harmrank.landing.files import typing_sql
from harmrank.landing.files.row_reader import CheckedFile
from harmrank.machine import duck

RELATION = "door_columns"

# A share of fewer values says little: small corrections must land.
_LEAST_VALUES = 20
# A column that is filled less often may be filled for another reason in a first full export: two more extracts must agree.
_OFTEN_FILLED = 0.2
_EXTRACTS_IF_SELDOM = 3
# A shortfall counts from three standard deviations of a count, and nothing at all where seven are usual: one in a thousand
# extracts has it by chance. Only a shortfall of more than nine can be a reason to refuse.
_DEVIATIONS = 3
_LEAST_USUAL = 7
# Every feed must say who is a woman or man, also in its first extract: without, the list is empty.
_ALWAYS_FILLED = ("people", "sex")

# These shares are recorded for every column: the report shows them, and later extracts are compared with them.
_KEPT = ("unusable_share", "lost_share")

Place = tuple[str, int]


@dataclass(frozen=True)
class ColumnFinding:
    """A finding about one column, the name under which later extracts find it, and its first places by ordinal."""

    finding: checks.Finding
    check_name: str
    places: tuple[Place, ...]


def count(connection: duckdb.DuckDBPyConnection, files: list[CheckedFile], name: str) -> None:
    """Creates the table `name`, with the counts of each optional column of the tables in `files`."""
    rows = []
    for table in TABLES.values():
        of_table = [file for file in files if file.source.table is table]
        counts: Counter[str] = Counter()
        for file in of_table:
            counts.update(_counts(connection, file))
        for column in optional(table) if of_table else []:
            numbers = [counts[f"{what}_{column.name}"] for what in ("rows", "filled", "values", "unusable", "defaults")]
            is_always = (table.name, column.name) == _ALWAYS_FILLED
            rows.append([table.name, column.name, *numbers, column.decides, is_always])
    connection.execute(
        f'CREATE OR REPLACE TABLE {name} (table_name VARCHAR, column_name VARCHAR, "rows" BIGINT, filled BIGINT, '
        '"values" BIGINT, unusable BIGINT, defaults BIGINT, decides BOOLEAN, is_always_filled BOOLEAN)'
    )
    duck.insert(connection, name, rows)


def create(connection: duckdb.DuckDBPyConnection, counts: str, extract_id: str, earlier: str) -> None:
    """Creates the relation from the table that `count` made. `earlier` is a common table expression of the extracts to compare with."""
    query = _shares(counts, earlier)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {RELATION} AS {query}", {"extract_id": extract_id})


def optional(table: Table) -> list[Column]:
    """Returns the columns of a table that may be blank."""
    return [column for column in table.columns if not column.required]


def findings(
    connection: duckdb.DuckDBPyConnection,
    checker: checks.Checker,
    suite: suites.Suite,
    files: list[CheckedFile],
    shown: int,
) -> list[ColumnFinding]:
    """Returns what each expectation found, by column, with the first places (at most `shown`).

    Of several expectations about the same share of a column, only the first that is not true is reported: the suite has the
    severest first.
    """
    found: list[ColumnFinding] = []
    reported: set[tuple[str, str, str]] = set()
    for whole in checker.check(suite):
        expectation = whole.expectation
        share = str(expectation.arguments["column"])
        kind = share.removeprefix("deciding_")
        failed = set(checker.places(suite, whole, ["table_name", "column_name"], 1000)) if whole.failed else set()
        rows = connection.execute(
            f'SELECT table_name, column_name, "rows", filled, "values", unusable, defaults, {share} IS NOT NULL FROM {RELATION}'
        ).fetchall()
        is_for_all = share in _KEPT
        if not is_for_all:
            compared = sum(row[-1] for row in rows)
            found.append(ColumnFinding(_overall(whole, compared), expectation.name, ()))
        for table, column, count, filled, values, unusable, defaults, is_compared in rows:
            key = (table, column, kind)
            has_failed = (table, column) in failed and key not in reported
            if not (is_for_all or has_failed):
                continue
            if has_failed:
                reported.add(key)
            checked, unexpected = {"unusable_share": (values, unusable), "default_share": (values, defaults)}.get(
                kind, (count, count - filled)
            )
            finding = checks.Finding(
                replace(
                    expectation,
                    table=table,
                    column=column,
                    sentence=expectation.sentence.replace("{column}", column),
                    mend=expectation.mend.replace("{column}", f"{table}.{column}"),
                ),
                passed=not has_failed if is_compared else None,
                rows_checked=checked,
                rows_unexpected=unexpected,
                allowed=0,
            )
            places = _places(connection, files, table, column, kind, shown) if has_failed else ()
            found.append(ColumnFinding(finding, f"{expectation.name}:{table}.{column}", places))
    return found


def _overall(whole: checks.Finding, compared: int) -> checks.Finding:
    """Returns a finding about all columns; those that failed have a finding of their own."""
    sentence = whole.expectation.sentence.replace("{column}", "columns that decide who counts")
    return replace(
        whole,
        expectation=replace(whole.expectation, table="(all)", column="(columns)", sentence=sentence),
        passed=True if compared else None,
        rows_checked=None,
        rows_unexpected=None,
    )


def _unusable(table: Table, column: str) -> str:
    return " OR ".join(fault.flag for fault in typing_sql.value_faults(table) if fault.column.name == column)


def _is_default(column: Column) -> str:
    if column.kind is not Kind.DATE or not column.decides:
        return "false"
    days = ", ".join(f"DATE '{day}'" for day in DEFAULT_DAYS)
    return f"{column.name} IN ({days})"


def _is_filled(table: Table, column: Column) -> str:
    filled = f"({column.name} IS NOT NULL OR {_unusable(table, column.name)})"
    other = table.column(column.or_else) if column.or_else else None
    return f"({filled} OR {_is_filled(table, replace(other, or_else=None))})" if other else filled


def _counts(connection: duckdb.DuckDBPyConnection, file: CheckedFile) -> Counter[str]:
    """Returns the counts of one file, by what is counted and column. Tombstones are only asked whether they are deleted."""
    table = file.source.table
    counted = {}
    for column in optional(table):
        name, unusable = column.name, _unusable(table, column.name)
        if name == "deleted":
            tests = {
                "rows": "true",
                "filled": "has_deleted",
                "values": "has_deleted",
                "unusable": unusable,
                "defaults": "false",
            }
        else:
            value = f"({name} IS NOT NULL OR {unusable})"
            tests = {
                "rows": "true",
                "filled": _is_filled(table, column),
                "values": value,
                "unusable": unusable,
                "defaults": _is_default(column),
            }
            tests = {what: f"NOT is_deleted AND ({test})" for what, test in tests.items()}
        counted.update({f"{what}_{name}": test for what, test in tests.items()})
    columns = ", ".join(f"count(*) FILTER ({test})" for test in counted.values())
    row = duck.one_row(connection, f"SELECT {columns} FROM {file.rows_table} WHERE problem IS NULL")
    return Counter(dict(zip(counted, map(int, row), strict=True)))


def _shares(counts: str, earlier: str) -> str:
    """Returns the query of the relation: each share is null if there is nothing to look at, or too little to say."""
    return f"""
        WITH {earlier},
        usual AS (
            SELECT table_name, column_name, quantile_disc((rows_checked - rows_unexpected) / rows_checked, 0.5) AS share, count(*) AS extracts
            FROM earlier INNER JOIN raw.extract_checks USING (extract_id)
            WHERE starts_with(check_name, 'columns_are_filled:') AND rows_checked >= {_LEAST_VALUES}
            GROUP BY table_name, column_name
        ),
        expected AS (
            SELECT
                counts.*,
                CASE
                    WHEN usual.share >= {_OFTEN_FILLED} OR usual.extracts >= {_EXTRACTS_IF_SELDOM}
                        THEN counts."rows" * usual.share
                END AS usually_filled,
                counts."values" >= {_LEAST_VALUES} AS has_enough_values
            FROM {counts} AS counts
            LEFT JOIN usual USING (table_name, column_name)
        ),
        shares AS (
            SELECT
                *,
                unusable / nullif("values", 0) AS unusable_share,
                CASE WHEN has_enough_values AND defaults > 0 THEN defaults / "values" END AS default_share,
                CASE
                    WHEN column_name = 'deleted' OR "rows" < {_LEAST_VALUES} OR usually_filled < {_LEAST_USUAL} THEN NULL
                    WHEN filled = 0 OR usually_filled - filled > {_DEVIATIONS} * sqrt(usually_filled)
                        THEN 1 - filled / usually_filled
                    WHEN usually_filled IS NOT NULL THEN 0
                END AS lost_share
            FROM expected
        )
        SELECT
            *,
            CASE WHEN decides AND has_enough_values THEN unusable_share END AS deciding_unusable_share,
            CASE WHEN decides THEN default_share END AS deciding_default_share,
            CASE WHEN decides AND usually_filled > {_DEVIATIONS**2} THEN lost_share END AS deciding_lost_share,
            CASE WHEN is_always_filled AND "rows" >= {_LEAST_VALUES} THEN 1 - filled / "rows" END AS deciding_blank_share
        FROM shares
    """


def _places(
    connection: duckdb.DuckDBPyConnection, files: list[CheckedFile], table: str, column: str, kind: str, shown: int
) -> tuple[Place, ...]:
    """Returns the first rows that a finding is about, in the order of the files."""
    places: list[Place] = []
    for file in files:
        of_table = file.source.table
        known = of_table.column(column)
        if of_table.name != table or known is None:
            continue
        test = {"unusable_share": _unusable(of_table, column), "default_share": _is_default(known)}.get(
            kind, f"NOT {_is_filled(of_table, known)}"
        )
        alive = "" if column == "deleted" else "NOT is_deleted AND "
        query = (
            f"SELECT {file.ordinal} FROM {file.rows_table} WHERE problem IS NULL AND {alive}({test}) "
            f"ORDER BY 1 LIMIT {shown - len(places)}"
        )
        places += [(file.source.name, int(ordinal)) for (ordinal,) in connection.execute(query).fetchall()]
    return tuple(places)
