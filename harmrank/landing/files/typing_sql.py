"""Writes the SQL that turns the text of an extract file into typed rows and finds the unusable ones.

It is for DuckDB, and with another Dialect for another engine. It contains names of the contract and positions (`c0`,
`c1`, ...), never text of the input.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harmrank.contract import FALSE, MISSING, NO_DAY, REWRITTEN, Column, Kind, Table
from harmrank.home.warehouse import stored_name
from harmrank.limits import MAX_RECORD, MAX_VALUE
from harmrank.text import quoting

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "(T([01][0-9]|2[0-3])| {1,2}([01]?[0-9]|2[0-3])):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?"
_END_OF_DAY = "[T ]24:00(:00([.]0+)?)?"
_OFFSET = " ?(Z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_LOCAL_DATE = f"{_DAY}({_CLOCK}|{_END_OF_DAY})?"
_LOCAL_TIMESTAMP = f"{_DAY}({_CLOCK})?"
_OFFSET_TIMESTAMP = f"{_DAY}{_CLOCK}{_OFFSET}"
_MONTHS = "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
_MONTH_BY_NAME = f"[0-9]{{1,2}}[- ]?(?i:{_MONTHS})[- ]?[1-9][0-9]{{3}}([T ].*)?"
_PARTS = "^([0-9]{1,2})[- ]?([A-Za-z]{3})[A-Za-z]*[- ]?([0-9]{4})(.*)$"
_WHOLE = "0*([0-9]{1,9})([.]0*)?"

# The blanks that people and spreadsheets leave: space, tab, line ends, no-break space.
_RARE_BLANKS = ("chr(9)", "chr(10)", "chr(13)", "chr(160)")
_BLANKS = " || ".join(("' '", *_RARE_BLANKS))
# DuckDB reads the year 0 as 1 BC.
_FIRST_YEAR = "'0001'"

_SLACK = 4096
# From 2 to this power on, the type holds only some whole numbers: such a number stays a float, and is no reference.
_EXACT_BITS = {"FLOAT": 24, "DOUBLE": 53}

INT96 = "INT96"
"""Our name for the type of a Parquet column that DuckDB shows as a time without a zone, and that holds instants in UTC."""

INSTANTS = ("TIMESTAMP WITH TIME ZONE", INT96)
"""The types of a Parquet column that holds instants."""

BUFFER_BYTES = 4 << 20
"""Bytes of a file that one thread reads at once. With DuckDB's default, one thread reads the largest file of a month."""

# Published in data_defects: do not reword it.
_BAR_IN_FORCE = "force contains |, which separates force and person in offender_key"


@dataclass(frozen=True)
class Dialect:
    """The SQL that differs between engines: a text literal, the type of a time without a zone, and four functions.

    `matches(value, pattern)` is true if the whole value matches. `trimmed(value, characters)` removes these characters at
    both ends. `fits(value)` is true if the value has at most MAX_VALUE characters. `local(moment, zone)` is the local time
    of a moment in UTC.
    """

    text: Callable[[str], str]
    timestamp: str
    matches: Callable[[str, str], str]
    trimmed: Callable[[str, str], str]
    fits: Callable[[str], str]
    local: Callable[[str, str], str]


DUCKDB = Dialect(
    text=quoting.text,
    timestamp="TIMESTAMP",
    matches=lambda value, pattern: f"regexp_full_match({value}, {quoting.text(pattern)})",
    trimmed=lambda value, characters: f"trim({value}, {characters})",
    # Bytes are stored; characters have to be counted.
    fits=lambda value: f"strlen({value}) <= {MAX_VALUE} OR length({value}) <= {MAX_VALUE}",
    local=lambda moment, zone: f"({moment}) AT TIME ZONE 'UTC' AT TIME ZONE {quoting.text(zone)}",
)


def csv_source(path: str, width: int, has_ordinal: bool) -> str:
    """Returns a FROM clause that reads a CSV file as text columns `c0` to `c<width - 1>`, after `ordinal` if it has one.

    The words for a missing value are read as null, also in quotes. DuckDB raises InvalidInputException for a record with
    another number of fields.
    """
    # Whatever DuckDB accepts, csv_records must be able to find again. Whatever csv_records writes, DuckDB must be able to
    # read: with doubled quotes, quotes around each value, and the ordinal.
    missing = ", ".join(map(quoting.text, MISSING))
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


def parquet_text(name: str, sql_type: str, zone: str | None = None) -> str:
    """Returns an SQL expression for a Parquet column as the text that a CSV file would hold.

    Data frames with missing values write flags and whole numbers as floats: these become flags and whole numbers again,
    and NaN is missing. Instants become the local time of `zone`, or UTC.
    """
    return null_if_missing(_parquet_text(quoting.identifier(name), sql_type, zone or "UTC"))


def _parquet_text(column: str, sql_type: str, zone: str) -> str:
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
    if sql_type == INT96:
        return f"({DUCKDB.local(column, zone)})::VARCHAR"
    if sql_type in INSTANTS:
        return f"({column} AT TIME ZONE {quoting.text(zone)})::VARCHAR"
    return f"{column}::VARCHAR"


def glob_escaped(path: str) -> str:
    """Returns the path with the characters escaped that DuckDB would expand."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def checked_rows(
    table: Table, source: str, texts: Mapping[str, str], zone: str | None = None, dialect: Dialect = DUCKDB
) -> str:
    """Returns a query with one row per record of `source`, in its order. Each row depends on its record alone.

    `texts` maps each column of the file to the SQL expression of its text, null for a missing value; and `ordinal`, if the
    records have one. `zone` is the time zone in which an instant is a day. The query's columns are those of the raw table,
    `problem` (why the row is unusable, or null), `has_deleted` (whether the record says if it is deleted) and the flags of
    `value_faults`.
    """
    present = [column.name for column in table.columns if column.name in texts]
    # In two steps: the branches of a CASE each repeat its operand.
    trimmed = [
        f"CASE WHEN may_need_trimming THEN {dialect.trimmed(name, _BLANKS)} END AS trimmed_{name}" for name in present
    ]
    cleaned = [
        f"CASE WHEN may_need_trimming THEN {null_if_missing(f'trimmed_{name}', dialect)} ELSE {name} END AS {name}"
        for name in present
    ]
    cleaned += [f"CAST(NULL AS STRING) AS {column.name}" for column in table.columns if column.name not in texts]
    times = [column for column in table.columns if column.kind in (Kind.DATE, Kind.TIMESTAMP)]
    judged = [f"{_is_word(column, dialect)} AS is_word_{column.name}" for column in table.columns]
    judged += [f"{_is_instant(column, dialect)} AS is_instant_{column.name}" for column in times]
    worded = [_null_if_word(column, dialect) for column in table.columns]
    typed = [f"{_typed(column, zone, dialect)} AS typed_{column.name}" for column in table.columns]
    stored = [
        f"coalesce(typed_{column.name}, false) AS is_deleted"
        if column.name == "deleted"
        else f"typed_{column.name} AS {column.name}"
        for column in table.columns
    ]
    if "ordinal" in texts:
        cleaned.append("ordinal")
        worded.append("ordinal")
        stored.append("ordinal")
    flags = [f"{_has_fault(fault)} AS {fault.flag}" for fault in value_faults(table)]
    flags.append("deleted IS NOT NULL AND NOT is_word_deleted AS has_deleted")
    return (
        f"WITH texts AS (SELECT {', '.join(f'{text} AS {name}' for name, text in texts.items())} FROM {source}), "
        f"records AS (SELECT *, {_record(present)} AS record FROM texts), "
        f"flagged AS (SELECT *, {_MAY_NEED_TRIMMING} AS may_need_trimming FROM records), "
        f"trimmed AS (SELECT *, {', '.join(trimmed)} FROM flagged), "
        f"cleaned AS (SELECT {', '.join(cleaned)} FROM trimmed), "
        f"worded AS (SELECT {', '.join(worded)} FROM cleaned), "
        f"read AS (SELECT *, {', '.join(_read_as_iso(column, dialect) for column in times)} FROM worded), "
        f"spelt AS (SELECT *, {', '.join(_spelt(column.name, dialect) for column in times)} FROM read), "
        f"typed AS (SELECT *, {', '.join(typed)} FROM spelt), "
        f"judged AS (SELECT *, {', '.join(judged)} FROM typed) "
        f"SELECT {', '.join(stored)}, {_problem(table, dialect)} AS problem, "
        f"{', '.join(flags)} FROM judged"
    )


@dataclass(frozen=True)
class ValueFault:
    """A reason why a value may be unusable in a usable row. `flag` names the column of the checked rows that says so."""

    column: Column
    flag: str
    reason: str
    is_instant: bool


def value_faults(table: Table) -> list[ValueFault]:
    """Returns what may be wrong with the values of usable rows, even if only in tombstones. A value has one fault."""
    faults = []
    for column in table.columns:
        if column.needed_in_tombstone:
            continue
        faults.append(ValueFault(column, f"defect_{column.name}", column.unusable_reason, is_instant=False))
        if column.kind is Kind.DATE:
            faults.append(ValueFault(column, f"instant_{column.name}", column.instant_reason, is_instant=True))
    return faults


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


def null_if_missing(text: str, dialect: Dialect = DUCKDB) -> str:
    """Returns an SQL expression: the text, or null if it is a word for a missing value in every column."""
    # DuckDB turns IN with many words into a join in some places, which changes the order of rows.
    branches = " ".join(f"WHEN {dialect.text(word)} THEN NULL" for word in MISSING)
    return f"CASE {text} {branches} ELSE {text} END"


def _null_if_word(column: Column, dialect: Dialect) -> str:
    """Returns an SQL expression: the text, or null for a column of free text that holds a word for a missing value."""
    name = column.name
    if column.kind is not Kind.TEXT or not column.missing:
        return name
    # The length first: it costs less than the words.
    longest = max(map(len, column.missing))
    words = " ".join(f"WHEN {dialect.text(word)} THEN NULL" for word in column.missing)
    return f"CASE WHEN length({name}) <= {longest} THEN CASE lower({name}) {words} ELSE {name} END ELSE {name} END AS {name}"


def _is_one_of(text: str, words: Sequence[str], dialect: Dialect) -> str:
    branches = " ".join(f"WHEN {dialect.text(word)} THEN true" for word in words)
    return f"CASE lower({text}) {branches} ELSE false END"


def _if_untyped(column: Column, expression: str) -> str:
    """Returns an SQL expression that is only computed for a text that could not be typed, and else is false."""
    return f"CASE WHEN typed_{column.name} IS NULL AND {column.name} IS NOT NULL THEN {expression} ELSE false END"


def _is_word(column: Column, dialect: Dialect) -> str:
    """Returns an SQL expression: whether a text that could not be typed is a word for a missing value."""
    if column.kind is Kind.TEXT:
        return "false"
    is_word = _is_one_of(column.name, column.missing, dialect)
    if column.kind is Kind.DATE:
        is_word = f"left(coalesce(spelt_{column.name}, {column.name}), 10) = {dialect.text(NO_DAY)} OR {is_word}"
    return _if_untyped(column, is_word)


def _read_as_iso(column: Column, dialect: Dialect) -> str:
    """Returns an SQL expression: a day or local time in the form that most feeds use."""
    name = column.name
    if column.kind is Kind.DATE:
        pattern, cast = _LOCAL_DATE, f"try_cast(left({name}, 10) AS DATE)"
    else:
        pattern, cast = _LOCAL_TIMESTAMP, f"try_cast({name} AS {dialect.timestamp})"
    is_none = f"{name} < {_FIRST_YEAR}"
    if column.kind is Kind.DATE:
        is_none += f" OR left({name}, 10) = {dialect.text(NO_DAY)}"
    return f"CASE WHEN {is_none} THEN NULL WHEN {dialect.matches(name, pattern)} THEN {cast} END AS iso_{name}"


def _spelt(name: str, dialect: Dialect) -> str:
    """Returns an SQL expression: any other day or time as ISO 8601 writes it. Day and month are never guessed."""
    part = f"regexp_extract({name}, {dialect.text(_PARTS)}, "
    month = f"CAST((instr('janfebmaraprmayjunjulaugsepoctnovdec', lower({part}2))) + 2) / 3 AS INTEGER)"
    by_name = f"concat({part}3), '-', lpad(CAST({month} AS STRING), 2, '0'), '-', lpad({part}1), 2, '0'), {part}4))"
    return (
        f"CASE WHEN iso_{name} IS NOT NULL OR {name} < {_FIRST_YEAR} THEN NULL "
        f"WHEN {dialect.matches(name, '[0-9]{4}[/-].*')} THEN replace(replace({name}, '/', '-'), ',', '.') "
        f"WHEN {dialect.matches(name, _MONTH_BY_NAME)} THEN replace({by_name}, ',', '.') END AS spelt_{name}"
    )


def _typed(column: Column, zone: str | None, dialect: Dialect) -> str:
    name = column.name
    if column.kind in (Kind.DATE, Kind.TIMESTAMP):
        return _typed_time(column, zone, dialect)
    if column.kind is Kind.INTEGER:
        whole = (
            f"CASE WHEN {dialect.matches(name, _WHOLE)} THEN CAST(regexp_extract({name}, '^[0-9]+', 0) AS INTEGER) END"
        )
        return f"CASE WHEN {whole} BETWEEN {column.lowest} AND {column.highest} THEN {whole} END"
    if column.kind is Kind.FLAG:
        return (
            f"CASE WHEN {name} IN ('Y', 'y') THEN true WHEN {name} IN ('N', 'n') THEN false "
            f"WHEN {_is_one_of(name, column.true, dialect)} THEN true WHEN {_is_one_of(name, FALSE, dialect)} THEN false END"
        )
    if column.kind is Kind.CHOICE:
        exact = " ".join(f"WHEN {dialect.text(word)} THEN {dialect.text(word)}" for word in column.choices)
        folded = f"lower(replace(replace({name}, ' ', '_'), '-', '_'))"
        others = " ".join(
            f"WHEN {dialect.text(spelling)} THEN {dialect.text(word)}"
            for word, spellings in column.choices.items()
            for spelling in (word.lower(), *spellings)
        )
        return f"CASE {name} {exact} ELSE CASE {folded} {others} END END"
    is_usable = f"({dialect.fits(name)})"
    if column.is_digits:
        is_usable += f" AND NOT {dialect.matches(name, REWRITTEN)}"
    return f"CASE WHEN {is_usable} THEN {name} END"


def _typed_time(column: Column, zone: str | None, dialect: Dialect) -> str:
    """Returns an SQL expression: a day as written, or with a zone the local day of an instant; or a time, in UTC if it has an offset."""
    name, spelt = column.name, f"spelt_{column.name}"
    # A cast would ignore the offset.
    part = f"regexp_extract({spelt}, '([+-])([0-9]{{2}}):?([0-9]{{2}})?$', "
    minutes = f"(coalesce(try_cast({part}2) AS INTEGER), 0) * 60 + coalesce(try_cast({part}3) AS INTEGER), 0))"
    sign = f"CASE WHEN {part}1) = '-' THEN -1 ELSE 1 END"
    local = f"try_cast(regexp_replace({spelt}, '{_OFFSET}$', '') AS {dialect.timestamp})"
    moment = f"{local} - ({sign} * {minutes}) * INTERVAL '1' MINUTE"
    has_offset = dialect.matches(spelt, _OFFSET_TIMESTAMP)
    if column.kind is Kind.TIMESTAMP:
        others = [
            f"WHEN {dialect.matches(spelt, _LOCAL_TIMESTAMP)} THEN try_cast({spelt} AS {dialect.timestamp})",
            f"WHEN {has_offset} THEN {moment}",
        ]
    else:
        # 9999-12-31 means no day, in every form.
        day = f"try_cast(nullif(left({spelt}, 10), {dialect.text(NO_DAY)}) AS DATE)"
        others = [f"WHEN {dialect.matches(spelt, _LOCAL_DATE)} THEN {day}"]
        if zone:
            others.append(f"WHEN {has_offset} THEN CAST({dialect.local(moment, zone)} AS DATE)")
    return f"CASE WHEN {spelt} IS NULL THEN iso_{name} {' '.join(others)} END"


def _problem(table: Table, dialect: Dialect) -> str:
    """Returns an SQL expression: why a row is unusable. Missing values come first, then columns in contract order."""
    alive = "typed_deleted IS NOT TRUE AND "
    missing, unusable = [], []
    for column in table.required:
        name, when = column.name, "WHEN " if column.needed_in_tombstone else f"WHEN {alive}"
        missing.append(f"{when}({name} IS NULL OR is_word_{name}) THEN {dialect.text(f'{name} is missing')}")
        if column.kind is Kind.DATE:
            unusable.append(f"{when}is_instant_{name} THEN {dialect.text(column.instant_reason)}")
        unusable.append(f"{when}typed_{name} IS NULL THEN {dialect.text(column.unusable_reason)}")
    bar = f"WHEN contains(force, '|') THEN {dialect.text(_BAR_IN_FORCE)}"
    return f"CASE {' '.join([*missing, *unusable, bar])} END"


def _is_instant(column: Column, dialect: Dialect) -> str:
    """Returns an SQL expression: whether a text is an instant that could not become a day."""
    return _if_untyped(column, f"coalesce({dialect.matches(f'spelt_{column.name}', _OFFSET_TIMESTAMP)}, false)")


def _has_fault(fault: ValueFault) -> str:
    name = fault.column.name
    if fault.is_instant:
        return f"is_instant_{name}"
    instant = f" OR is_instant_{name}" if fault.column.kind is Kind.DATE else ""
    return f"({name} IS NOT NULL AND typed_{name} IS NULL AND NOT (is_word_{name}{instant}))"
