"""Writes columns of numbers as the CSV files of an extract. Only here does the sample become text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

from harmrank.machine import disk
from harmrank.sample.columns import JUNK, JUNK_DAY, NO_DAY, Columns, rows
from harmrank.sample.names import ETHNICITIES, FORENAMES, SURNAMES
from harmrank.sample.offences import CODE_TEXTS

FORCE = "metropolis"
JUNK_TEXTS = {"outcome": "n/k", "sex": "Not known", "domestic": "?", "day": "00/00/0000"}
# Postcode areas of London. The last two letters include some that no postcode ends with, so no address is real.
_AREAS = ("E", "EC", "N", "NW", "SE", "SW", "W", "WC", "BR", "CR", "EN", "HA", "IG", "KT", "RM", "SM", "TW", "UB")
_ENDINGS = ("CK", "IM", "KV", "MO", "OC", "VI")
_ROLES = ("suspect", "victim", "witness")
_STATUSES = ("named", "arrested", "charged", "convicted", "acquitted", "eliminated")
_RELATIONSHIPS = ("partner", "ex_partner", "family", "acquaintance", "stranger", "unknown")
_REPORTERS = ("victim", "witness", "third_party", "police", "company")

# Odd and below 2**34: multiplying by it shuffles the numbers of people without repeating one.
_SHUFFLE = 9_973_540_847
_PERSON_BITS = (1 << 34) - 1
_PNC_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"


def _text(column: str, texts: Sequence[str]) -> str:
    listed = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
    return f"[{listed}][{column} + 1]"


def _known(column: str, expression: str) -> str:
    return f"case when {column} >= 0 then {expression} end"


def _choice(column: str, texts: Sequence[str]) -> str:
    return _known(column, _text(column, texts))


def _day(column: str) -> str:
    return (
        f"case when {column} > {NO_DAY} then (date '1970-01-01' + {column}::integer)::varchar "
        f"when {column} = {JUNK_DAY} then '{JUNK_TEXTS['day']}' end"
    )


def _second(column: str) -> str:
    return f"strftime(make_timestamp({column} * 1000000), '%Y-%m-%dT%H:%M:%S')"


def _or_junk(column: str, expression: str) -> str:
    return f"case when {column} = {JUNK} then '{JUNK_TEXTS[column]}' when {column} >= 0 then {expression} end"


def _or_null_text(expression: str) -> str:
    return f"coalesce({expression}, case when null_text = 1 then ['NULL', 'null'][1 + (updated % 2)::integer] end)"


_CRIME_REF = "printf('%07d/%02d', seq, year)"
_DELETED = "case when deleted = 1 then 'Y' end"


def _person(column: str) -> str:
    # Split into high and low halves of the 34 bits, so that no product exceeds 64 bits.
    low, high = f"({column} & 131071)", f"({column} >> 17)"
    product = f"({low} * {_SHUFFLE} + (({high} * {_SHUFFLE % 131072} & 131071) << 17))"
    return f"printf('%011d', {product} & {_PERSON_BITS})"


_POSTCODE = (
    f"{_text('postcode % ' + str(len(_AREAS)), _AREAS)} || (1 + (postcode // 100) % 20) || ' ' || "
    f"((postcode // 10000) % 10) || {_text('(postcode // 1000000) % ' + str(len(_ENDINGS)), _ENDINGS)}"
)
_PNC = f"printf('%02d/%07d', pnc % 25, pnc // 100) || '{_PNC_LETTERS}'[1 + (pnc // 7 % {len(_PNC_LETTERS)})::integer]"

# The columns of each table of the contract, in its order.
LAYOUTS: dict[str, dict[str, str]] = {
    "crimes": {
        "force": f"'{FORCE}'",
        "crime_ref": _CRIME_REF,
        "offence_code": _text("code", CODE_TEXTS),
        "reported_on": _day("reported"),
        "committed_from": _or_null_text(_day('"from"')),
        "committed_to": _or_null_text(_day('"to"')),
        "reported_by": _choice('"by"', _REPORTERS),
        "outcome_type": _or_null_text(_or_junk("outcome", "outcome::varchar")),
        "outcome_on": _or_null_text(_day("outcome_on")),
        "cancelled_on": _or_null_text(_day("cancelled")),
        "area_code": _known("area", "printf('E090000%02d', area + 1)"),
        "domestic_abuse": _or_null_text(_or_junk("domestic", "['N', 'Y'][domestic + 1]")),
        "updated_at": _second("updated"),
        "deleted": _DELETED,
    },
    "people": {
        "force": f"'{FORCE}'",
        "person_ref": _person("person"),
        "forename": _choice("forename", FORENAMES),
        "middle_names": _or_null_text(_choice("middle", FORENAMES)),
        "surname": _choice("surname", SURNAMES),
        "date_of_birth": _or_null_text(_day("birth")),
        "birth_year": _known("birth_year", "birth_year"),
        "sex": _or_null_text(_or_junk("sex", "['M', 'F', 'X', 'U'][sex + 1]")),
        "ethnicity": _or_null_text(_choice("ethnicity", ETHNICITIES)),
        "pnc_id": _known("pnc", _PNC),
        "postcode": _or_null_text(_known("postcode", _POSTCODE)),
        "deceased_on": _day("deceased"),
        "updated_at": _second("updated"),
        "deleted": _DELETED,
    },
    "involvements": {
        "force": f"'{FORCE}'",
        "crime_ref": _CRIME_REF,
        "person_ref": _person("person"),
        "role": _text("role", _ROLES),
        "status": _or_null_text(_choice("status", _STATUSES)),
        "relationship": _or_null_text(_choice("relationship", _RELATIONSHIPS)),
        "updated_at": _second("updated"),
        "deleted": _DELETED,
    },
    "custody": {
        "force": f"'{FORCE}'",
        "person_ref": _person("person"),
        "custody_from": _day('"from"'),
        "custody_to": _day('"to"'),
        "updated_at": _second("updated"),
        "deleted": _DELETED,
    },
    "person_merges": {
        "force": f"'{FORCE}'",
        "person_ref": _person("person"),
        "merged_into_ref": _person('"into"'),
        "updated_at": _second("updated"),
        "deleted": _DELETED,
    },
}


class ExtractWriter:
    """Writes one extract into a folder, file by file, and its extract.json at the end."""

    def __init__(self, folder: Path, extract_at: str) -> None:
        """`folder` must exist; `extract_at` is an ISO timestamp."""
        self._folder = folder
        self._extract_at = extract_at
        self._files: dict[str, dict[str, int | str]] = {}

    def write(
        self, connection: duckdb.DuckDBPyConnection, table: str, file_name: str, columns: Columns, bad: Sequence[str]
    ) -> int:
        """Writes the rows in their order, then the `bad` lines unchanged. Returns the number of rows in the file."""
        path = self._folder / file_name
        wanted = ", ".join(f"{expression} as {name}" for name, expression in LAYOUTS[table].items())
        connection.register("sample_rows", columns)
        try:
            target = str(path).replace("'", "''")
            connection.execute(
                f"copy (select {wanted} from sample_rows) to '{target}' (format csv, header, nullstr '')"
            )
        finally:
            connection.unregister("sample_rows")
        if bad:
            with path.open("a", encoding="utf-8", newline="") as file:
                file.writelines(f"{line}\n" for line in bad)
        self._files[file_name] = {"rows": rows(columns) + len(bad), "sha256": disk.sha256_of(path)}
        return rows(columns) + len(bad)

    def finish(self) -> None:
        """Writes extract.json."""
        text = json.dumps({"extract_at": self._extract_at, "files": self._files}, indent=2)
        (self._folder / "extract.json").write_text(text + "\n", encoding="utf-8", newline="\n")
