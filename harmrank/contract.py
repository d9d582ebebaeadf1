"""The contract of an extract: its tables, their columns, and which values are usable.

Only this module names the columns and the accepted spellings. Landing derives its checks from it, the warehouse its raw
tables, and docs/extracts.md its table of forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from harmrank.limits import MAX_VALUE

MAX_BAD_SHARE = 0.10
"""An extract is refused if a larger share (0 to 1) of a file's rows is unusable. Users can set another share."""


_MONTHS = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
REWRITTEN = "|".join(
    (
        r"[+-]?[0-9]+([.,][0-9]+)?[eE][+][0-9]+",  # 4.40E+11. Without point or plus it may be a reference: 1E5.
        r"[+-]?[0-9]+[.,][0-9]+[eE]-?[0-9]+",
        r"[0-9]+[.,]0+",  # 440000000001.0
        rf"[0-9]{{1,2}}-{_MONTHS}(-[0-9]{{2,4}})?|{_MONTHS}-[0-9]{{2}}",  # 19/08
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]00:00(:00)?)?",
        r"#+|#[A-Z0-9/]+[!?]",  # A column too narrow, an error.
    )
)
"""What spreadsheets and programs make of references and codes of digits. The original cannot be known from it."""


class Kind(Enum):
    """How the text of a value is read."""

    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    INTEGER = "integer"
    FLAG = "flag"
    CHOICE = "choice"


# Exactly these, in every column: blank, and what databases and spreadsheets write for nothing.
MISSING = ("", "NULL", "null", "(null)", "[NULL]", r"\N", "N/A", "n/a", "#N/A", "<NA>", ".", "-")
# In any case, but not in names: Null, Na and Nan are surnames.
MISSING_BUT_NAMES = ("null", "none", "nan", "na")
# In any case, in columns that take no free text.
MISSING_BUT_TEXT = ("unknown", "not known", "not recorded", "not stated", "nat")
NO_DAY = "9999-12-31"
"""With or without a time, this day means missing: databases write it as the end of what has not ended."""

# Every form of a day, a time and an offset, by example; `typing_sql` reads them. A form that leaves open what is day and what
# is month, or of which century a year is, is never guessed.
DAYS = ("2026-10-31", "2026/10/31", "31-OCT-2026", "31 October 2026", "31OCT2026")
TIMES = ("T02:30", "T02:30:15", " 02:30:15", " 2:30:15", "T02:30:15.123456789", "T02:30:15,5")
OFFSETS = ("Z", " UTC", " GMT", "+01", "+0100", " +01:00")

DEFAULT_DAYS = (
    "0001-01-01",
    "1753-01-01",
    "1899-12-30",
    "1899-12-31",
    "1900-01-01",
    "1901-01-01",
    "1904-01-01",
    "1970-01-01",
)
"""The days that databases and spreadsheets write for nothing or for zero. Each may be a true day, so they are only counted."""

TRUE = ("y", "yes", "t", "true", "1", "1.0")
FALSE = ("n", "no", "f", "false", "0", "0.0")
# Codes of a standard are left out: feeds also write 0 and 1 for sexes, the one or the other way.
_SEXES = {
    "M": ("male",),
    "F": ("female",),
    "X": ("other", "indeterminate", "non_binary"),
    "U": ("unknown", "not_known", "not_recorded", "not_stated", "not_specified"),
}

SQL_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.INTEGER: "INTEGER",
    Kind.FLAG: "BOOLEAN",
    Kind.CHOICE: "VARCHAR",
}


@dataclass(frozen=True)
class Column:
    """One column of an extract table.

    A `required` column must be in every file and usable in every row that is not a tombstone; a `key` column must be
    usable in every row. `lowest` and `highest` bound an INTEGER, inclusive. `choices` are the stored forms of a CHOICE, each
    with further spellings. A text that `is_digits` is unusable in a form that a spreadsheet or program gave it (REWRITTEN).
    `true` are the spellings of a FLAG that is set. A column `decides` if a
    missing value may bring a person onto the list, or off it, who does not belong there; `or_else` is a column that says the
    same.
    """

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    key: bool = False
    lowest: int = 0
    highest: int = 0
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    true: tuple[str, ...] = TRUE
    is_digits: bool = False
    is_name: bool = False
    decides: bool = False
    or_else: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The words, in lower case, that mean missing in this column, beside those of every column."""
        if self.is_name:
            return ()
        if self.kind is Kind.TEXT:
            return MISSING_BUT_NAMES
        own = {word.replace("_", " ") for spellings in self.choices.values() for word in spellings} | set(self.choices)
        return MISSING_BUT_NAMES + tuple(word for word in MISSING_BUT_TEXT if word not in own)

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the stored value."""
        return SQL_TYPES[self.kind]

    @property
    def needed_in_tombstone(self) -> bool:
        """Whether even a row with deleted = Y is unusable without this value."""
        return self.key or self.name == "updated_at"

    @property
    def unusable_reason(self) -> str:
        """The reason why a value is unusable. It names the column, never the value. Published: do not reword it."""
        if self.kind is Kind.DATE:
            return f"{self.name} is not a date: use YYYY-MM-DD"
        if self.kind is Kind.TIMESTAMP:
            return f"{self.name} is not a timestamp: use YYYY-MM-DDTHH:MM:SS"
        if self.kind is Kind.INTEGER:
            return f"{self.name} is not a whole number from {self.lowest} to {self.highest}"
        if self.kind is Kind.FLAG:
            return f"{self.name} is not Y or N"
        if self.kind is Kind.CHOICE:
            *others, last = self.choices
            return f"{self.name} is not {', '.join(others)} or {last}"
        if self.is_digits:
            return (
                f"{self.name} is a number or date as a spreadsheet rewrites it, such as 4.4E+11, 4401.0 or 19-Aug (export "
                f"it as text), or longer than {MAX_VALUE:,} characters"
            )
        return f"{self.name} is longer than {MAX_VALUE:,} characters"

    @property
    def instant_reason(self) -> str:
        """The reason why an instant is unusable as a day. Published: do not reword it."""
        return f"{self.name} has an offset: its day depends on time_zone in extract.json, which is not stated"


@dataclass(frozen=True)
class Table:
    """One table of an extract, its columns in contract order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def required(self) -> tuple[Column, ...]:
        """The columns that every file of the table must have."""
        return tuple(column for column in self.columns if column.required)

    def column(self, name: str) -> Column | None:
        """Returns the column of that name, or None if the contract has none."""
        return next((column for column in self.columns if column.name == name), None)


def _key(name: str, kind: Kind = Kind.TEXT, *choices: str) -> Column:
    is_digits = kind is Kind.TEXT and name != "force"
    return Column(name, kind, required=True, key=True, choices=dict.fromkeys(choices, ()), is_digits=is_digits)


def _choice(name: str, *choices: str, decides: bool = False) -> Column:
    return Column(name, Kind.CHOICE, choices=dict.fromkeys(choices, ()), decides=decides)


_FORCE = _key("force")
_CRIME_REF = _key("crime_ref")
_PERSON_REF = _key("person_ref")
_UPDATED_AT = Column("updated_at", Kind.TIMESTAMP, required=True)
_DELETED = Column("deleted", Kind.FLAG, true=(*TRUE, "d", "deleted"), decides=True)

CRIMES = Table(
    "crimes",
    (
        _FORCE,
        _CRIME_REF,
        Column("offence_code", required=True, is_digits=True),
        Column("reported_on", Kind.DATE, required=True),
        Column("committed_from", Kind.DATE),
        Column("committed_to", Kind.DATE),
        _choice("reported_by", "victim", "witness", "third_party", "police", "company", decides=True),
        Column("outcome_type", Kind.INTEGER, lowest=0, highest=22),
        Column("outcome_on", Kind.DATE),
        Column("cancelled_on", Kind.DATE, decides=True),
        Column("area_code"),
        Column("domestic_abuse", Kind.FLAG),
        _UPDATED_AT,
        _DELETED,
    ),
)

PEOPLE = Table(
    "people",
    (
        _FORCE,
        _PERSON_REF,
        Column("forename", is_name=True),
        Column("middle_names", is_name=True),
        Column("surname", is_name=True),
        Column("date_of_birth", Kind.DATE, decides=True, or_else="birth_year"),
        Column("birth_year", Kind.INTEGER, lowest=1000, highest=2999, decides=True, or_else="date_of_birth"),
        Column("sex", Kind.CHOICE, choices=_SEXES, decides=True),
        Column("ethnicity"),
        Column("pnc_id"),
        Column("postcode"),
        Column("deceased_on", Kind.DATE, decides=True),
        _UPDATED_AT,
        _DELETED,
    ),
)

INVOLVEMENTS = Table(
    "involvements",
    (
        _FORCE,
        _CRIME_REF,
        _PERSON_REF,
        _key("role", Kind.CHOICE, "suspect", "victim", "witness"),
        _choice("status", "named", "arrested", "charged", "convicted", "acquitted", "eliminated", decides=True),
        _choice("relationship", "partner", "ex_partner", "family", "acquaintance", "stranger", "unknown"),
        _UPDATED_AT,
        _DELETED,
    ),
)

CUSTODY = Table(
    "custody",
    (_FORCE, _PERSON_REF, _key("custody_from", Kind.DATE), Column("custody_to", Kind.DATE), _UPDATED_AT, _DELETED),
)

PERSON_MERGES = Table(
    "person_merges",
    (_FORCE, _PERSON_REF, Column("merged_into_ref", required=True, is_digits=True), _UPDATED_AT, _DELETED),
)

TABLES = {table.name: table for table in (CRIMES, PEOPLE, INVOLVEMENTS, CUSTODY, PERSON_MERGES)}
