"""Writes the SQL that turns the text of an extract file into typed rows and finds the unusable ones.

It is for DuckDB, and with another Dialect for another engine. It contains names of the contract and positions (`c0`,
`c1`, ...), never text of the input.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harmrank.contract import REWRITTEN, Column, Kind, Table
from harmrank.home.warehouse import stored_name
from harmrank.limits import MAX_RECORD, MAX_VALUE
from harmrank.text import quoting

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
_LOCAL_TIMESTAMP = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ]{_TIME})?"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])"
_OFFSET_TIMESTAMP = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_TIME}{_OFFSET}"

# The blanks that people and spreadsheets leave: space, tab, line ends, no-break space.
_RARE_BLANKS = ("chr(9)", "chr(10)", "chr(13)", "chr(160)")
_BLANKS = " || ".join(("' '", *_RARE_BLANKS))
_MISSING = ("NULL", "null", "")
# DuckDB reads the year 0 as 1 BC.
_FIRST_YEAR = "'0001'"

_SLACK = 4096
# From 2 to this power on, the type holds only some whole numbers: such a number stays a float, and is no reference.
_EXACT_BITS = {"FLOAT": 24, "DOUBLE": 53}

BUFFER_BYTES = 4 << 20
"""Bytes of a file that one thread reads at once. With DuckDB's default, one thread reads the largest file of a month."""

# Published in data_defects: do not reword it.
_BAR_IN_FORCE = "force contains |, which separates force and person in offender_key"


@dataclass(frozen=True)
class Dialect:
    """The SQL that differs between engines: a text literal, the type of a time without a zone, and three functions.

    `matches(value, pattern)` is true if the whole value matches. `trimmed(value, characters)` removes these characters at
    both ends. `fits(value)` is true if the value has at most MAX_VALUE characters.
    """

    text: Callable[[str], str]
    timestamp: str
    matches: Callable[[str, str], str]
    trimmed: Callable[[str, str], str]
    fits: Callable[[str], str]


DUCKDB = Dialect(
    text=quoting.text,
    timestamp="TIMESTAMP",
    matches=lambda value, pattern: f"regexp_full_match({value}, {quoting.text(pattern)})",
    trimmed=lambda value, characters: f"trim({value}, {characters})",
    # Bytes are stored; characters have to be counted.
    fits=lambda value: f"strlen({value}) <= {MAX_VALUE} OR length({value}) <= {MAX_VALUE}",
)


def csv_source(path: str, width: int, has_ordinal: bool) -> str:
    """Returns a FROM clause that reads a CSV file as text columns `c0` to `c<width - 1>`, after `ordinal` if it has one.

    The words for a missing value are read as null, also in quotes. DuckDB raises InvalidInputException for a record with
    another number of fields.
    """
    # Whatever DuckDB accepts, csv_records must be able to find again. Whatever csv_records writes, DuckDB must be able to
    # read: with doubled quotes, quotes around each value, and the ordinal.
    missing = ", ".join(map(quoting.text, _MISSING))
    longest = 2 * MAX_RECORD + _SLACK if has_ordinal else MAX_RECORD - _SLACK
    columns = ["'ordinal': 'BIGINT'"] if has_ordinal else []
    columns += [f"'c{position}': 'VARCHAR'" for position in range(width)]
    return (
        f"read_csv({quoting.text(glob_escaped(path))}, header = true, auto_detect = false, delim = ',', "
        f"quote = '\"', escape = '\"', columns = {{{', '.join(columns)}}}, "
        f"strict_mode = true, null_padding = false, nullstr = [{missing}], allow_quoted_nulls = true, "
        f"max_line_size = {longest}, compression = 'none', "
        f"hive_partitioning = false, buffer_size = {BUFFER_BYTES})"
    )


def parquet_source(path: str) -> str:
    """Returns a FROM clause that reads a Parquet file with the position of each row."""
    return f"read_parquet({quoting.text(glob_escaped(path))}, file_row_number = true, hive_partitioning = false)"


def parquet_text(name: str, sql_type: str) -> str:
    """Returns an SQL expression for a Parquet column as the text that a CSV file would hold.

    Data frames with missing values write flags and whole numbers as floats: these become flags and whole numbers again,
    and NaN is missing.
    """
    return null_if_missing(_parquet_text(quoting.identifier(name), sql_type))


def _parquet_text(column: str, sql_type: str) -> str:
    if sql_type == "BOOLEAN":
        return f"CASE WHEN {column} THEN 'Y' WHEN NOT {column} THEN 'N' END"
    if sql_type in ("FLOAT", "DOUBLE") or sql_type.startswith("DECIMAL"):
        number = f"{column}::DOUBLE"
        bits = _EXACT_BITS.get(sql_type)
        exact = f" AND abs({number}) < {2**bits}" if bits else ""
        return (
            f"CASE WHEN isnan({number}) THEN NULL "
            f"WHEN isfinite({number}) AND {number} = trunc({number}){exact} "
            f"THEN coalesce(try_cast({column} AS HUGEINT)::VARCHAR, {column}::VARCHAR) ELSE {column}::VARCHAR END"
        )
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return f"({column} AT TIME ZONE 'UTC')::VARCHAR"
    return f"{column}::VARCHAR"


def glob_escaped(path: str) -> str:
    """Returns the path with the characters escaped that DuckDB would expand."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def checked_rows(table: Table, source: str, texts: Mapping[str, str], dialect: Dialect = DUCKDB) -> str:
    """Returns a query with one row per record of `source`, in its order. Each row depends on its record alone.

    `texts` maps each column of the file to the SQL expression of its text, null for a missing value; and `ordinal`, if the
    records have one. The query's columns are those of the raw table, `problem` (why the row is unusable, or null) and, for
    each column that may be unusable in a usable row, `defect_<column>` (boolean).
    """
    present = [column.name for column in table.columns if column.name in texts]
    cleaned = [
        f"CASE WHEN may_need_trimming THEN {null_if_missing(dialect.trimmed(name, _BLANKS))} ELSE {name} END AS {name}"
        for name in present
    ]
    cleaned += [f"CAST(NULL AS STRING) AS {column.name}" for column in table.columns if column.name not in texts]
    typed = [f"{_typed(column, dialect)} AS typed_{column.name}" for column in table.columns]
    stored = [
        f"coalesce(typed_{column.name}, false) AS is_deleted"
        if column.name == "deleted"
        else f"typed_{column.name} AS {column.name}"
        for column in table.columns
    ]
    if "ordinal" in texts:
        cleaned.append("ordinal")
        stored.append("ordinal")
    flags = [f"{_defect(column)} AS defect_{column.name}" for column in may_be_defective(table)]
    return (
        f"WITH texts AS (SELECT {', '.join(f'{text} AS {name}' for name, text in texts.items())} FROM {source}), "
        f"records AS (SELECT *, {_record(present)} AS record FROM texts), "
        f"flagged AS (SELECT *, {_MAY_NEED_TRIMMING} AS may_need_trimming FROM records), "
        f"cleaned AS (SELECT {', '.join(cleaned)} FROM flagged), "
        f"typed AS (SELECT *, {', '.join(typed)} FROM cleaned) "
        f"SELECT {', '.join(stored)}, {_problem(table, dialect)} AS problem, "
        f"{', '.join(flags)} FROM typed"
    )


def may_be_defective(table: Table) -> list[Column]:
    """Returns the columns that may be unusable in a usable row, even if only in a tombstone."""
    return [column for column in table.columns if not column.needed_in_tombstone]


def stored_columns(table: Table) -> str:
    """Returns the names of the raw table's own columns, for a SELECT or INSERT list."""
    return ", ".join(stored_name(column) for column in table.columns)


def record_key(table: Table) -> str:
    """Returns an SQL expression over checked rows: the record's key as a JSON array of text, null if it is unusable."""
    key = [column.name for column in table.columns if column.key]
    is_readable = " AND ".join(f"{name} IS NOT NULL" for name in key)
    values = ", ".join(f"{name}::VARCHAR" for name in key)
    return f"CASE WHEN {is_readable} AND NOT contains(force, '|') THEN to_json([{values}])::VARCHAR END"


# Trimming every value, or testing both ends of every value, would cost more than all other steps, and few values need it.
# So the values of a record are joined with bars and tested once: a blank at either end of a value is then beside a bar.
_MAY_NEED_TRIMMING = " OR ".join(f"contains(record, {sign})" for sign in ("' |'", "'| '", *_RARE_BLANKS))


def _record(names: list[str]) -> str:
    return f"concat_ws('|', '', {', '.join(names)}, '')"


def null_if_missing(text: str) -> str:
    """Returns an SQL expression: the text, or null if it is a word for a missing value."""
    return f"CASE WHEN {text} IN ({', '.join(map(quoting.text, _MISSING))}) THEN NULL ELSE {text} END"


def _typed(column: Column, dialect: Dialect) -> str:
    name = column.name
    if column.kind is Kind.DATE:
        return (
            f"CASE WHEN {dialect.matches(name, _DATE)} AND {name} >= {_FIRST_YEAR} "
            f"THEN try_cast(left({name}, 10) AS DATE) END"
        )
    if column.kind is Kind.TIMESTAMP:
        return _typed_timestamp(name, dialect)
    if column.kind is Kind.INTEGER:
        whole = f"CASE WHEN {dialect.matches(name, '[0-9]{1,9}')} THEN CAST({name} AS INTEGER) END"
        return f"CASE WHEN {whole} BETWEEN {column.lowest} AND {column.highest} THEN {whole} END"
    if column.kind is Kind.FLAG:
        return f"CASE WHEN {name} IN ('Y', 'y') THEN true WHEN {name} IN ('N', 'n') THEN false END"
    if column.kind is Kind.CHOICE:
        folded = f"upper({name})" if column.choices[0].isupper() else f"lower({name})"
        # DuckDB turns IN with more than a few words into a join, which changes the order of rows.
        branches = " ".join(f"WHEN {dialect.text(word)} THEN {dialect.text(word)}" for word in column.choices)
        return f"CASE {folded} {branches} END"
    is_usable = f"({dialect.fits(name)})"
    if column.is_digits:
        is_usable += f" AND NOT {dialect.matches(name, REWRITTEN)}"
    return f"CASE WHEN {is_usable} THEN {name} END"


def _typed_timestamp(name: str, dialect: Dialect) -> str:
    """Returns an SQL expression: local time unchanged, a time with an offset as UTC. A cast would ignore the offset."""
    part = f"regexp_extract({name}, '([+-])([0-9]{{2}}):?([0-9]{{2}})$', "
    minutes = f"(coalesce(try_cast({part}2) AS INTEGER), 0) * 60 + coalesce(try_cast({part}3) AS INTEGER), 0))"
    sign = f"CASE WHEN {part}1) = '-' THEN -1 ELSE 1 END"
    local = f"regexp_replace({name}, '(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$', '')"
    return (
        f"CASE WHEN {name} < {_FIRST_YEAR} THEN NULL "
        f"WHEN {dialect.matches(name, _LOCAL_TIMESTAMP)} THEN try_cast({name} AS {dialect.timestamp}) "
        f"WHEN {dialect.matches(name, _OFFSET_TIMESTAMP)} "
        f"THEN try_cast({local} AS {dialect.timestamp}) - ({sign} * {minutes}) * INTERVAL '1' MINUTE END"
    )


def _problem(table: Table, dialect: Dialect) -> str:
    """Returns an SQL expression: why a row is unusable. Missing values come first, then columns in contract order."""
    alive = "typed_deleted IS NOT TRUE AND "
    branches = [
        f"WHEN {'' if column.needed_in_tombstone else alive}{column.name} IS NULL "
        f"THEN {dialect.text(f'{column.name} is missing')}"
        for column in table.required
    ]
    branches += [
        f"WHEN {'' if column.needed_in_tombstone else alive}typed_{column.name} IS NULL "
        f"THEN {dialect.text(column.unusable_reason)}"
        for column in table.required
    ]
    branches.append(f"WHEN contains(force, '|') THEN {dialect.text(_BAR_IN_FORCE)}")
    return f"CASE {' '.join(branches)} END"


def _defect(column: Column) -> str:
    return f"{column.name} IS NOT NULL AND typed_{column.name} IS NULL"
