"""The SQL that turns the text of an extract file into typed rows, and says of every row whether it can be
used: for DuckDB, and by a Dialect for another engine.

Only names of the contract and positions (`c0`, `c1`, ...) are ever written into it, never a word of the
input.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harmrank.contract import Column, Kind, Table
from harmrank.home.warehouse import stored_name
from harmrank.limits import MAX_RECORD, MAX_VALUE
from harmrank.text import quoting

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
_LOCAL_TIMESTAMP = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ]{_TIME})?"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])"
_OFFSET_TIMESTAMP = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_TIME}{_OFFSET}"

# Blanks as people and spreadsheets leave them: space, tab, line ends, no-break space.
_RARE_BLANKS = ("chr(9)", "chr(10)", "chr(13)", "chr(160)")
_BLANKS = " || ".join(("' '", *_RARE_BLANKS))
_MISSING = ("NULL", "null", "")
# DuckDB reads the year 0 as 1 BC.
_FIRST_YEAR = "'0001'"

_SLACK = 4096

AT_ONCE = 4 << 20
"""Bytes of a file that one thread reads at once; by default so much that one alone reads the largest file of a month."""

BAR_IN_FORCE = "force contains |, which separates force and person in offender_key"


@dataclass(frozen=True)
class Dialect:
    """What an engine says in words of its own: a literal, a time without a zone, and three questions about a text.

    `matches(value, pattern)` is true where the whole of it does, `trimmed(value, signs)` leaves these signs out at both ends,
    `fits(value)` is true where it has no more than MAX_VALUE characters.
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
    trimmed=lambda value, signs: f"trim({value}, {signs})",
    # Bytes are there for the asking, characters have to be counted.
    fits=lambda value: f"strlen({value}) <= {MAX_VALUE} OR length({value}) <= {MAX_VALUE}",
)


def csv_source(path: str, width: int, has_ordinal: bool) -> str:
    """A FROM clause that reads a CSV file as text columns `c0` to `c<width - 1>`, and `ordinal` before them
    where the file has it; the words for a missing value are null, in quotes too.

    DuckDB raises InvalidInputException for a record that is not as wide as that.
    """
    # What one reader takes at first sight, the other must be able to find again; and what that one writes, the first
    # must be able to read: with quotes doubled, around each value, and the ordinal.
    missing = ", ".join(map(quoting.text, _MISSING))
    longest = 2 * MAX_RECORD + _SLACK if has_ordinal else MAX_RECORD - _SLACK
    columns = ["'ordinal': 'BIGINT'"] if has_ordinal else []
    columns += [f"'c{position}': 'VARCHAR'" for position in range(width)]
    return (
        f"read_csv({quoting.text(glob_escaped(path))}, header = true, auto_detect = false, delim = ',', "
        f"quote = '\"', escape = '\"', columns = {{{', '.join(columns)}}}, "
        f"strict_mode = true, null_padding = false, nullstr = [{missing}], allow_quoted_nulls = true, "
        f"max_line_size = {longest}, compression = 'none', "
        f"hive_partitioning = false, buffer_size = {AT_ONCE})"
    )


def parquet_source(path: str) -> str:
    """A FROM clause that reads a Parquet file with the position of each row."""
    return f"read_parquet({quoting.text(glob_escaped(path))}, file_row_number = true, hive_partitioning = false)"


def parquet_text(name: str, sql_type: str) -> str:
    """A Parquet column as the text that a CSV file would hold.

    Flags and whole numbers kept as floats or decimals, as data frames with missing values do, read as such; NaN, which
    those write for missing, is missing.
    """
    return or_missing(_parquet_text(quoting.identifier(name), sql_type))


def _parquet_text(column: str, sql_type: str) -> str:
    if sql_type == "BOOLEAN":
        return f"CASE WHEN {column} THEN 'Y' WHEN NOT {column} THEN 'N' END"
    if sql_type in ("FLOAT", "DOUBLE") or sql_type.startswith("DECIMAL"):
        number = f"{column}::DOUBLE"
        return (
            f"CASE WHEN isnan({number}) THEN NULL "
            f"WHEN isfinite({number}) AND {number} = trunc({number}) "
            f"THEN coalesce(try_cast({column} AS HUGEINT)::VARCHAR, {column}::VARCHAR) ELSE {column}::VARCHAR END"
        )
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return f"({column} AT TIME ZONE 'UTC')::VARCHAR"
    return f"{column}::VARCHAR"


def glob_escaped(path: str) -> str:
    """The path with the signs that DuckDB would expand taken as they are."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


def checked_rows(table: Table, source: str, texts: Mapping[str, str], dialect: Dialect = DUCKDB) -> str:
    """A query with one row per record of `source`, in its order: each row is made of its record alone.

    `texts` gives the SQL expression of the text of each column the file has, null where it says that a value is missing,
    and of `ordinal` where the records bring their place in the file along. The columns are those of the raw table, then `problem` (why
    the row cannot be used, or null) and, for each column whose value may be unusable without harm to the row,
    `defect_<column>` (boolean).
    """
    present = [column.name for column in table.columns if column.name in texts]
    cleaned = [
        f"CASE WHEN may_need_trimming THEN {or_missing(dialect.trimmed(name, _BLANKS))} ELSE {name} END AS {name}"
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
        f"looked_at AS (SELECT *, {_MAY_NEED_TRIMMING} AS may_need_trimming FROM records), "
        f"cleaned AS (SELECT {', '.join(cleaned)} FROM looked_at), "
        f"typed AS (SELECT *, {', '.join(typed)} FROM cleaned) "
        f"SELECT {', '.join(stored)}, {_problem(table, dialect)} AS problem, "
        f"{', '.join(flags)} FROM typed"
    )


def may_be_defective(table: Table) -> list[Column]:
    """The columns in which an unusable value can leave the row usable, in a tombstone at least."""
    return [column for column in table.columns if not column.needed_in_tombstone]


def stored_columns(table: Table) -> str:
    """The names of the raw table's own columns, for a SELECT or INSERT list."""
    return ", ".join(stored_name(column) for column in table.columns)


def record_key(table: Table) -> str:
    """An expression over checked rows: the key of the record as a JSON array of text, null where it cannot be read."""
    key = [column.name for column in table.columns if column.key]
    is_readable = " AND ".join(f"{name} IS NOT NULL" for name in key)
    values = ", ".join(f"{name}::VARCHAR" for name in key)
    return f"CASE WHEN {is_readable} AND NOT contains(force, '|') THEN to_json([{values}])::VARCHAR END"


# Trimming costs more than all else here, as does looking at both ends of each value, and hardly a value needs it. So
# a record's values are put together and looked at once: a blank at an end of one stands beside a bar then.
_MAY_NEED_TRIMMING = " OR ".join(f"contains(record, {sign})" for sign in ("' |'", "'| '", *_RARE_BLANKS))


def _record(names: list[str]) -> str:
    return f"concat_ws('|', '', {', '.join(names)}, '')"


def or_missing(text: str) -> str:
    """The text, or null where it is a word for a missing value."""
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
        # Of IN with more than a few words DuckDB makes a join, out of which rows come in any order.
        branches = " ".join(f"WHEN {dialect.text(word)} THEN {dialect.text(word)}" for word in column.choices)
        return f"CASE {folded} {branches} END"
    return f"CASE WHEN {dialect.fits(name)} THEN {name} END"


def _typed_timestamp(name: str, dialect: Dialect) -> str:
    """Local time stays as written; a time with an offset becomes UTC.

    Casting alone would ignore the offset.
    """
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
    """The first thing that makes a row useless, columns in contract order, missing values first."""
    alive = "typed_deleted IS NOT TRUE AND "
    branches = [
        f"WHEN {'' if column.needed_in_tombstone else alive}{column.name} IS NULL "
        f"THEN {dialect.text(f'{column.name} is missing')}"
        for column in table.required
    ]
    branches += [
        f"WHEN {'' if column.needed_in_tombstone else alive}typed_{column.name} IS NULL "
        f"THEN {dialect.text(column.complaint)}"
        for column in table.required
    ]
    branches.append(f"WHEN contains(force, '|') THEN {dialect.text(BAR_IN_FORCE)}")
    return f"CASE {' '.join(branches)} END"


def _defect(column: Column) -> str:
    return f"{column.name} IS NOT NULL AND typed_{column.name} IS NULL"
