"""A good extract of all five tables, and every kind of damage to it.

A kind of damage is a function. Its docstring is its name in the report, docs/reliability.md.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb

FORCE = "met"
NAME = "Zq"
"""Every name of a person starts with this: if it is in a message or a log, a name got out."""

HEADERS = {
    "crimes": "force,crime_ref,offence_code,reported_on,committed_from,reported_by,outcome_type,area_code,updated_at",
    "people": "force,person_ref,forename,middle_names,surname,date_of_birth,sex,postcode,updated_at,deleted",
    "involvements": "force,crime_ref,person_ref,role,status,relationship,updated_at",
    "custody": "force,person_ref,custody_from,custody_to,updated_at",
    "person_merges": "force,person_ref,merged_into_ref,updated_at",
}
FILES = ("crimes_01.csv", "crimes_02.csv", "people.csv.gz", "involvements.parquet", "custody.csv", "person_merges.csv")

Rows = list[list[str]]


@dataclass
class Extract:
    """An extract to write: its files by name, then changes to its folder."""

    extract_id: str
    files: dict[str, bytes]
    folder_changes: list[Callable[[Path], None]] = field(default_factory=list)

    def write(self, extracts: Path) -> Path:
        """Writes it as a folder under `extracts` and returns the folder."""
        folder = extracts / self.extract_id
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        for change in self.folder_changes:
            change(folder)
        return folder


Damage = Callable[[random.Random, Extract], None]
KINDS: dict[str, Damage] = {}
MUST_BE_REFUSED: set[str] = set()


def kind(refused: bool = False) -> Callable[[Damage], Damage]:
    """Registers a kind of damage. With `refused`, the extract must be refused, unless another damage hides this one."""

    def enter(damage: Damage) -> Damage:
        name = (damage.__doc__ or "").strip().rstrip(".")
        KINDS[name] = damage
        if refused:
            MUST_BE_REFUSED.add(name)
        return damage

    return enter


# The good extract


def _rows(table: str, month: int) -> Rows:
    day, first = f"2026-{month:02d}", month * 100
    stamp = f"{day}-20T10:00:00"
    if table == "crimes":
        outcome = ("16", "", "NULL", "1")
        return [
            [FORCE, f"c{n}", "019/08", f"{day}-0{n % 9 + 1}", "", "victim", outcome[n % 4], "E09000001", stamp]
            for n in range(first, first + 40)
        ]
    if table == "people":
        middle = ("", "Zqmid", 'Zq "the" mid', "Zqmid, Zqson", "Zqmid\nZqline", "Zqné")
        return [
            [FORCE, f"p{n}", f"Zqfore{n}", middle[n % 6], f"Zqsur{n}", "1980-02-03", "MF"[n % 2], "ZZ1 1ZZ", stamp, ""]
            for n in range(first, first + 40)
        ]
    if table == "involvements":
        roles = (("suspect", "charged", "ex_partner"), ("victim", "", ""))
        return [[FORCE, f"c{first + n // 2}", f"p{first + n % 40}", *roles[n % 2], stamp] for n in range(80)]
    if table == "custody":
        return [[FORCE, f"p{n}", f"{day}-01", f"{day}-05", stamp] for n in range(first, first + 15)]
    # Each month has its own force, so damaged merges of one month close no circle in another.
    return [[f"{FORCE}{month}", f"q{n}", f"q{n + 1}", stamp] for n in range(first, first + 12)]


def to_csv(header: list[str], rows: Rows, end: str = "\n") -> bytes:
    """Returns plain CSV as in the contract."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def packed(content: bytes) -> bytes:
    """Returns gzip without a time, so that the same content gets the same bytes."""
    return gzip.compress(content, mtime=0)


@cache
def parquet(query: str) -> bytes:
    """Returns a Parquet file with the rows of a query."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{folder}/x.parquet' (format parquet)")
        return (Path(folder) / "x.parquet").read_bytes()


def _values(table: str, rows: Rows) -> str:
    lines = ", ".join("(" + ", ".join("'" + value + "'" for value in row) + ")" for row in rows)
    return f"select * from (values {lines}) as t ({HEADERS[table]})"


@cache
def _good_files(month: int) -> dict[str, bytes]:
    tables = {table: (header.split(","), _rows(table, month)) for table, header in HEADERS.items()}
    header, crimes = tables["crimes"]
    return {
        "crimes_01.csv": to_csv(header, crimes[:20]),
        "crimes_02.csv": to_csv(header, crimes[20:], "\r\n"),
        "people.csv.gz": packed(to_csv(*tables["people"])),
        "involvements.parquet": parquet(_values("involvements", tables["involvements"][1])),
        "custody.csv": to_csv(*tables["custody"]),
        "person_merges.csv": to_csv(*tables["person_merges"]),
    }


def good(month: int) -> Extract:
    """Returns the good extract of a month of 2026, without extract.json."""
    day = 31 if month in (8, 10) else 30
    return Extract(f"2026-{month:02d}-{day}", dict(_good_files(month)))


def good_and_short(month: int) -> Extract:
    """Returns the same extract with only one file of each format."""
    extract = good(month)
    for name in ("crimes_02.csv", "custody.csv", "person_merges.csv"):
        del extract.files[name]
    return extract


# Helpers of the kinds below


def _some_file(rng: random.Random, extract: Extract) -> str:
    return rng.choice(sorted(name for name in extract.files if name != "extract.json") or ["crimes_01.csv"])


def _some_csv(rng: random.Random, extract: Extract) -> str:
    names = sorted(name for name in extract.files if name.endswith((".csv", ".csv.gz")))
    return rng.choice(names or ["crimes_01.csv"])


def _text(extract: Extract, name: str) -> str:
    content = extract.files.get(name, b"")
    if name.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError):
            content = b""
    return content.decode("utf-8", "replace")


def _put(extract: Extract, name: str, text: str | bytes) -> None:
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    extract.files[name] = packed(content) if name.endswith(".gz") else content


def _on_bytes(change: Callable[[random.Random, bytes], bytes]) -> Damage:
    def damage(rng: random.Random, extract: Extract) -> None:
        name = _some_file(rng, extract)
        extract.files[name] = change(rng, extract.files.get(name, b""))

    damage.__doc__ = change.__doc__
    return damage


def _on_text(change: Callable[[random.Random, str], str | bytes]) -> Damage:
    def damage(rng: random.Random, extract: Extract) -> None:
        name = _some_csv(rng, extract)
        _put(extract, name, change(rng, _text(extract, name)))

    damage.__doc__ = change.__doc__
    return damage


def _on_table(change: Callable[[random.Random, list[str], Rows], None]) -> Damage:
    """Changes header and rows of a CSV file and writes it again with correct quotes."""

    def text(rng: random.Random, content: str) -> bytes:
        try:
            lines = [row for row in csv.reader(content.splitlines()) if row]
        except csv.Error:
            lines = [line.split(",") for line in content.split("\n") if line]
        header, rows = (lines[0], lines[1:]) if lines else (["force"], [])
        change(rng, header, rows)
        return to_csv(header, rows)

    text.__doc__ = change.__doc__
    return _on_text(text)


def _some_rows(rng: random.Random, rows: Rows, most: int = 3) -> Rows:
    return rng.sample(rows, min(len(rows), rng.randint(1, most)))


# Bytes


@kind()
@_on_bytes
def _truncated(rng: random.Random, content: bytes) -> bytes:
    """Cut off at a random byte (CSV, gzip, Parquet)."""
    return content[: rng.randrange(len(content) + 1)]


@kind()
@_on_bytes
def _flipped(rng: random.Random, content: bytes) -> bytes:
    """Random bits flipped (CSV, gzip, Parquet)."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 50))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


@kind()
@_on_bytes
def _end_flipped(rng: random.Random, content: bytes) -> bytes:
    """Random bits flipped near the end, where Parquet keeps its footer."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 5))):
        if changed:
            changed[-1 - rng.randrange(min(len(changed), 900))] ^= 1 << rng.randrange(8)
    return bytes(changed)


@kind()
@_on_bytes
def _noise(rng: random.Random, content: bytes) -> bytes:
    """Nothing but random bytes."""
    return rng.randbytes(rng.choice((1, 10, 1000, 100_000)))


@kind()
@_on_bytes
def _block(rng: random.Random, content: bytes) -> bytes:
    """A block of zeros, or of the same file again, in the middle."""
    place, size = rng.randrange(len(content) + 1), rng.choice((1, 8, 512, 4096))
    block = bytes(size) if rng.random() < 0.5 else content[place // 2 :][:size]
    return content[:place] + block + content[place + rng.choice((0, size)) :]


@kind()
@_on_bytes
def _empty(rng: random.Random, content: bytes) -> bytes:
    """An empty file."""
    return b""


# Text


@kind()
@_on_text
def _latin(rng: random.Random, content: str) -> bytes:
    """Saved as latin-1 or Windows-1252."""
    return content.replace(",victim,", ",vïctim,").encode(rng.choice(("latin-1", "cp1252")), "replace")


@kind(refused=True)
@_on_text
def _utf16(rng: random.Random, content: str) -> bytes:
    """Saved as UTF-16 or UTF-32."""
    return content.encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32")))


@kind()
@_on_text
def _odd_bom(rng: random.Random, content: str) -> str:
    """A byte order mark, twice, or in odd places."""
    if rng.random() < 0.5:
        return "\ufeff" * rng.choice((1, 2)) + content
    place = rng.randrange(len(content) + 1)
    return content[:place] + "\ufeff" + content[place:]


@kind(refused=True)
@_on_text
def _bad_utf8(rng: random.Random, content: str) -> bytes:
    """Invalid UTF-8: lone, overlong, surrogates, cut in the middle."""
    bad = rng.choice((b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xff", b"\xe2\x82"))
    place = rng.randrange(len(content) + 1)
    return content[:place].encode() + bad + content[place:].encode()


@kind(refused=True)
@_on_text
def _nul(rng: random.Random, content: str) -> str:
    """NUL bytes."""
    place = rng.randrange(len(content) + 1)
    return content[:place] + "\0" * rng.choice((1, 1, 5)) + content[place:]


@kind()
@_on_text
def _line_ends(rng: random.Random, content: str) -> str:
    """Line ends of other systems, mixed, or blank lines between."""
    ends = rng.choice((["\r"], ["\r\n"], ["\n", "\r\n"], ["\n", "\r\n", "\r"], ["\n\n"], ["\r\r\n"], ["\n", "\n\n\n"]))
    return "".join(line + rng.choice(ends) for line in content.replace("\r\n", "\n").split("\n"))


@kind()
@_on_text
def _quotes(rng: random.Random, content: str) -> str:
    """Stray quotes, anywhere."""
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        place = rng.randrange(len(content) + 1)
        content = content[:place] + '"' * rng.choice((1, 1, 2, 3)) + content[place:]
    return content


@kind()
@_on_text
def _open_quote(rng: random.Random, content: str) -> str:
    """A quoted value that is never closed, at the end or within."""
    places = [place for place, sign in enumerate(content) if sign == ","] or [0]
    place = rng.choice(places[-3:] if rng.random() < 0.5 else places)
    return content[: place + 1] + '"' + content[place + 1 :]


@kind()
@_on_text
def _separators(rng: random.Random, content: str) -> str:
    """Other separators than commas, in all lines or in some."""
    other = rng.choice((";", "\t", "|", "\x1f", ", ", " "))
    if rng.random() < 0.6:
        return content.replace(",", other)
    return "\n".join(line.replace(",", other) if rng.random() < 0.05 else line for line in content.split("\n"))


@kind()
@_on_text
def _headless(rng: random.Random, content: str) -> str:
    """The header is missing, or appears twice, or is alone."""
    header, _, rest = content.partition("\n")
    return rng.choice((rest, f"{header}\n{content}", f"{header}\n", header, f"\n \n{content}"))


@kind()
@_on_text
def _ragged(rng: random.Random, content: str) -> str:
    """Rows with fewer or more fields than the header, some very wide."""
    lines = content.split("\n")
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(lines))
        wider = lines[place] + "," * rng.choice((1, 3, 300, 100_000))
        lines[place] = rng.choice((wider, lines[place].rpartition(",")[0], "x", ",", " "))
    return "\n".join(lines)


@kind(refused=True)
@_on_text
def _endless_line(rng: random.Random, content: str) -> str:
    """A line longer than the longest record allowed."""
    header, _, rest = content.partition("\n")
    return f"{header}\n{'x' * rng.choice((1_048_577, 3_000_000))}\n{rest}"


@kind()
@_on_text
def _costly(rng: random.Random, content: str) -> str:
    """Records of maximum length, with quotes that are slow to parse."""
    header, _, rest = content.partition("\n")
    width = header.count(",")
    size = (1 << 20) - rng.choice((0, 1, 2, 60, 4_000, 4_096, 4_200)) - width
    records = (
        "x" * size + "," * width,
        "é" * (size // 2) + "," * width,
        '"' + "y\n" * (size // 2 - 1) + '"' + "," * width,
        'x"y,"open\n' + '""\n' * rng.choice((3, 30, 100_000)) + '"' + "," * (width - 1),
        '"x" ,' + " ," * 60 + 'a"b "c',
        '"x" ,"open' + "\nx" * 100_000,
        "x" + '"' * 900_000 + "," * width,
    )
    return f"{header}\n{rng.choice(records)}\n{rest}"


# Header and rows


@kind()
@_on_table
def _columns(rng: random.Random, header: list[str], rows: Rows) -> None:
    """Columns swapped, renamed, missing, repeated or in other case."""
    place, other = rng.randrange(len(header)), rng.randrange(len(header))
    change = rng.randrange(5)
    if change == 0:
        header[place], header[other] = header[other], header[place]
    elif change == 1:
        header[place] = rng.choice((header[place] + "s", "", header[place].replace("_", " "), "ⓕorce", "x" * 10_000))
    elif change == 2:
        for row in (header, *rows):
            del row[place : place + 1]
    elif change == 3:
        header.append(header[place].upper())
        for row in rows:
            row.append("x")
    else:
        header[place] = f" {header[place].title()}\t"


@kind()
@_on_table
def _extra_columns(rng: random.Random, header: list[str], rows: Rows) -> None:
    """Columns outside the contract, with odd names or by the hundred."""
    names = ("x\x1b[31m", "a\nb", "'; drop table raw.crimes; --", '"', "=1+1", "\u202egnp", "c0", "ordinal", "problem")
    more = list(names) if rng.random() < 0.7 else [f"more{n}" for n in range(rng.choice((50, 250, 20_000)))]
    header += more
    for row in rows[: 2 if len(more) > 100 else None]:
        row += ["x"] * len(more)


@kind()
@_on_table
def _huge_values(rng: random.Random, header: list[str], rows: Rows) -> None:
    """Values of a thousand to a million characters."""
    for row in _some_rows(rng, rows):
        row[rng.randrange(len(row))] = rng.choice(("x", "é", "9", '"', "\n", " ")) * rng.choice(
            (1_000, 1_001, 50_000, 900_000)
        )


def _values_like(*values: str) -> Callable[[random.Random, list[str], Rows], None]:
    def change(rng: random.Random, header: list[str], rows: Rows) -> None:
        for row in _some_rows(rng, rows):
            for _ in range(rng.choice((1, 1, 3))):
                row[rng.randrange(len(row))] = rng.choice(values)

    return change


def _value_kind(name: str, *values: str) -> None:
    change = _values_like(*values)
    change.__doc__ = name
    kind()(_on_table(change))


_value_kind(
    "Invalid and absurd dates and times",
    *(
        "0000-00-00",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "9999-99-99",
        "2026-02-30",
        "2026-W05",
        "45231",
        "45231.5",
    ),
    *(
        "31/12/2026",
        "2026-10-31T24:00:00",
        "2026-10-31T23:59:60",
        "10000-01-01",
        "-0044-03-15",
        "2026-10-31T10:00+99:99",
    ),
    *(
        "infinity",
        "-infinity",
        "epoch",
        "now",
        "290000-01-01",
        "2026-10-31 10:00:00.123456789",
        "0001-01-01T00:00:00+14:00",
    ),
    *("9999-12-31T23:59:59-14:00", "1582-10-10", "٢٠٢٦-١٠-٣١", "2026-10-31T10:00:00Z", "294247-01-10T04:00:54.775807"),
)
_value_kind(
    "Numbers out of range, flags and roles outside their lists",
    *("-1", "23", "1e400", "99999999999999999999", "NaN", "inf", "0x10", "1_000", "１６", "+5", "1.0", ""),
    *("Maybe", "YES", "suspected", "SUSPECT", "Suspect ", "ſuspect", "true", "NULL", "null", "Null", "\\N", "N/A"),
)
_value_kind(
    "SQL, formulas, paths and format strings as values",
    *("'; drop table raw.crimes; --", '" or 1=1', "=cmd|'/C calc'!A0", "@SUM(1)", "+1", "../../etc/passwd", "%s%n%x"),
    *(
        "{{ env_var('HOME') }}",
        "${jndi:ldap://x}",
        "$$; select 1",
        "$1",
        "?",
        "read_text('/etc/passwd')",
        "<script>",
        "a|b",
    ),
)
_value_kind(
    "Control characters, escapes and odd Unicode as values",
    *(
        "\x1b[2J\x1b[31m",
        "a\rb",
        "a\nb",
        "\u202eabc",
        "\u200b",
        "\x07",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufffe",
        "\U0010ffff",
    ),
    *(
        "e\u0301" * 9,
        "\u0301" * 500,
        "\xa0",
        "\t",
        "\ufeffx",
        "﷽",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ),
)


@kind()
@_on_table
def _missing_values(rng: random.Random, header: list[str], rows: Rows) -> None:
    """Missing keys and required values."""
    for row in _some_rows(rng, rows, 6):
        row[rng.randrange(len(row))] = rng.choice(("", " ", "NULL", "\t", "\xa0"))


@kind()
@_on_table
def _twice(rng: random.Random, header: list[str], rows: Rows) -> None:
    """Rows sent twice, and keys of other rows."""
    rows += [list(row) for row in _some_rows(rng, rows, 10)]
    rng.shuffle(rows)
    for row, other in zip(_some_rows(rng, rows, 4), _some_rows(rng, rows, 4), strict=False):
        row[:2] = other[:2]


# Merges


@kind(refused=True)
def _cycle(rng: random.Random, extract: Extract) -> None:
    """Circles of merges: of one, two, three and ten records."""
    length = rng.choice((1, 2, 3, 10))
    name = "person_merges.csv"
    circle = [[FORCE, f"z{n}", f"z{(n + 1) % length}", "2026-09-20"] for n in range(length)]
    rng.shuffle(circle)
    lines = _text(extract, name) or HEADERS["person_merges"] + "\n"
    _put(extract, name, lines.rstrip("\n") + "\n" + to_csv(circle[0], circle[1:]).decode())


@kind(refused=True)
def _cycle_across(rng: random.Random, extract: Extract) -> None:
    """A circle of merges that closes a chain of an earlier extract."""
    name = "person_merges.csv"
    end, start = 812, rng.randrange(800, 812)
    _put(extract, name, f"{HEADERS['person_merges']}\n{FORCE}8,q{end},q{start},2026-09-20\n")


# extract.json


def _manifest(extract: Extract) -> dict[str, dict[str, object]]:
    return {name: {"sha256": hashlib.sha256(content).hexdigest()} for name, content in extract.files.items()}


@kind(refused=True)
def _wrong_promise(rng: random.Random, extract: Extract) -> None:
    """Wrong checksums or row counts in extract.json."""
    entries = _manifest(extract)
    name = rng.choice(sorted(entries))
    wrong: list[dict[str, object]] = [{"sha256": "0" * 64}, {"sha256": ""}, {"rows": -1}, {"rows": 10**30}, {"rows": 3}]
    entries[name] = rng.choice(wrong)
    extract.files["extract.json"] = json.dumps({"files": entries}).encode()


@kind()
def _broken_manifest(rng: random.Random, extract: Extract) -> None:
    """An extract.json that is not JSON, not an object, too deep, too large or with odd values."""
    extract.files["extract.json"] = rng.choice(
        (
            *(b"", b"{", b"[]", b"null", b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 100_000, b" " * 2_000_000, b"NaN"),
            *(b'{"files": []}', b'{"files": {"crimes_01.csv": 1}}', b'{"files": {"\\ud800": {}}}', b'{"files": 5}'),
            *(b'{"files": {"crimes_01.csv": {"rows": "20"}}}', b'{"files": {"crimes_01.csv": {"rows": 1e400}}}'),
            *(b'{"files": {"crimes_01.csv": {"sha256": 5}}}', b'{"files": {"../../x\\u001b[31m": {}}}'),
            b'{"files": {"crimes_01.csv": {"rows": ' + b"9" * 4000 + b"}}}",
            b'{"files": {"crimes_01.csv": {"rows": ' + b"9" * 5000 + b"}}}",
            *(b'{"extract_at": "0001-01-01T00:00:00+23:00"}', b'{"extract_at": "9999-12-31T23:59:59-23:00"}'),
            *(b'{"extract_at": "yesterday"}', b'{"extract_at": 5}', b'{"extract_at": ""}', b'{"extract_at": {}}'),
            b'\xef\xbb\xbf{"extract_at": "2026-09-30T10:00:00Z"}',
        )
    )


# Parquet


@kind()
def _parquet_types(rng: random.Random, extract: Extract) -> None:
    """Parquet columns of other types: nested, binary, intervals, decimals, times with zones."""
    odd = rng.choice(
        (
            *("[1, 2]", "{'a': 'Zqname'}", "map {'a': 1}", "'x'::blob", "interval 1 day", "1.5::decimal(38, 10)"),
            *("'nan'::double", "'-inf'::float", "uuid()", "time '10:00'", "true", "12::utinyint", "12::hugeint"),
            *("timestamptz '2026-09-01 10:00:00+05'", "timestamp_ns '2026-09-01 10:00:00'", "date 'infinity'"),
            *("'suspect'::enum('suspect')", "null", "'a\0b'", "'\x1b[31m'", "repeat('x', 2000)", "date '5000-01-01'"),
            *("timestamp 'infinity'", "date '-4000-01-01'", "[{'a': [1]}]", "''", "'0001-01-01 00:00:00'::timestamp"),
        )
    )
    column = rng.choice(HEADERS["involvements"].split(","))
    few = "case when crime_ref = 'c900' then null else 1 end" if rng.random() < 0.3 else odd
    value = odd if few == odd else f"case when crime_ref = 'c900' then {odd}::varchar else {column}::varchar end"
    base = _values("involvements", _rows("involvements", 9))
    try:
        extract.files["involvements.parquet"] = parquet(f"select * replace ({value} as {column}) from ({base})")
    except duckdb.Error:
        extract.files["involvements.parquet"] = parquet(f"select * exclude ({column}) from ({base})")


@kind()
def _parquet_columns(rng: random.Random, extract: Extract) -> None:
    """Parquet with missing, odd, hundreds of or reserved column names, or no rows."""
    base = _values("involvements", _rows("involvements", 9))
    many = ", ".join(f"{n} as more{n}" for n in range(300))
    query = rng.choice(
        (
            *(
                f"select * exclude (role) from ({base})",
                f"select *, {many} from ({base})",
                f"select * from ({base}) limit 0",
            ),
            *(
                f"select *, 1 as file_row_number from ({base})",
                f"""select *, 1 as "x'; drop table raw.crimes; --" from ({base})""",
            ),
            *(f'select *, 1 as " role" from ({base})', f'select * rename (role as "ROLE ") from ({base})'),
            *(f"select *, {{'role': 1}} as nested from ({base})", f'select *, 1 as "\x1b[31m" from ({base})'),
        )
    )
    extract.files["involvements.parquet"] = parquet(query)


@kind(refused=True)
def _parquet_bomb(rng: random.Random, extract: Extract) -> None:
    """Parquet of millions of rows in a few bytes, or encrypted."""
    if rng.random() < 0.5:
        content = extract.files.get("involvements.parquet", b"")
        extract.files["involvements.parquet"] = b"PARE" + content[4:-4] + b"PARE"
    else:
        values = ", ".join(f"'x' as {column}" for column in HEADERS["involvements"].split(","))
        extract.files["involvements.parquet"] = parquet(f"select {values} from range(12_000_000)")


# Files and folders


@kind()
def _suffix(rng: random.Random, extract: Extract) -> None:
    """Files with the suffix of another format."""
    name = _some_file(rng, extract)
    stem, _, suffix = name.partition(".")
    content = extract.files.pop(name, b"")
    extract.files[f"{stem}.{rng.choice([s for s in ('csv', 'csv.gz', 'parquet') if s != suffix])}"] = content


@kind(refused=True)
def _near_names(rng: random.Random, extract: Extract) -> None:
    """Misspelt table names."""
    names = (
        "Crimes.csv",
        "crimes-3.csv",
        "people.CSV.gz",
        "crimes.csv.bz2",
        "crimes\n.csv",
        "crimes_\udcff.csv",
        "custody.xlsx",
    )
    extract.files[rng.choice(names)] = b"x"


@kind()
def _other_files(rng: random.Random, extract: Extract) -> None:
    """Other files with odd names: control characters, invalid UTF-8, SQL, very long."""
    names = (
        "\x1b[31mred",
        "caf\udce9.csv",
        "'; drop table x.csv",
        "a\nb.csv",
        "x" * 250,
        "\u202etxt",
        "Thumbs.db",
        "-rf",
        "*",
        "?",
    )
    for _ in range(rng.choice((1, 3, 30))):
        extract.files[rng.choice(names)] = b"x"


@kind(refused=True)
def _too_many(rng: random.Random, extract: Extract) -> None:
    """More than a thousand files."""

    def flood(folder: Path) -> None:
        for number in range(1_000):
            (folder / f"crimes_{number + 100}.csv").touch()

    extract.folder_changes.append(flood)


def _instead(extract: Extract, name: str, make: Callable[[Path, Path], None]) -> None:
    """Puts something else in the place of a file. `make` gets its path and the path of a real file elsewhere."""
    content = extract.files.pop(name, b"{}")

    def change(folder: Path) -> None:
        aside = folder.parent.parent / "aside"
        aside.mkdir(exist_ok=True)
        (aside / name).write_bytes(content)
        path = folder / name
        if os.path.lexists(path):
            path.unlink()
        make(path, aside / name)

    extract.folder_changes.append(change)


def _socket(path: Path, _: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        # The full path may be longer than a socket's name can be.
        before = os.getcwd()
        os.chdir(path.parent)
        try:
            end.bind(path.name)
        finally:
            os.chdir(before)


@kind(refused=True)
def _not_a_file(rng: random.Random, extract: Extract) -> None:
    """Pipes, sockets, folders and devices instead of a file."""
    makes: list[Callable[[Path, Path], None]] = [
        lambda path, _: os.mkfifo(path),
        lambda path, _: path.mkdir(),
        lambda path, _: path.symlink_to("/dev/zero"),
        _socket,
    ]
    _instead(extract, rng.choice((*FILES, "extract.json")), rng.choice(makes))


@kind(refused=True)
def _links(rng: random.Random, extract: Extract) -> None:
    """Links that lead outside, nowhere or in circles."""
    makes: list[Callable[[Path, Path], None]] = [
        lambda path, real: path.symlink_to(real),
        lambda path, real: path.symlink_to(Path("..") / ".." / "aside" / real.name),
        lambda path, _: path.symlink_to("nowhere"),
        lambda path, _: path.symlink_to(path.name),
        lambda path, _: path.symlink_to("/proc/self/environ"),
        lambda path, _: path.symlink_to("."),
    ]
    _instead(extract, rng.choice((*FILES, "extract.json")), rng.choice(makes))


@kind(refused=True)
def _bad_id(rng: random.Random, extract: Extract) -> None:
    """A folder name that is not an id: other words, control characters, invalid UTF-8, impossible dates."""
    ids = (
        "2026-02-30",
        "2026-09-30 copy",
        "2026-09-30\n",
        "2026-09-30\x1b[31m",
        "2026-09-30\udce9",
        "2026-9-30",
        "x" * 255,
    )
    extract.extract_id = rng.choice((*ids, "2026-09-30'", "２０２６-09-30", "%s", "-"))


# gzip


@kind()
def _gzip(rng: random.Random, extract: Extract) -> None:
    """gzip with a wrong checksum, garbage after it, in two members or packed twice."""
    name = "people.csv.gz"
    content = extract.files.get(name, b"")
    text = _text(extract, name).encode()
    half = len(text) // 2
    changes = (
        content[:-8] + rng.randbytes(4) + content[-4:],
        content + rng.randbytes(40),
        content + bytes(40),
        packed(text[:half]) + packed(text[half:]),
        packed(content),
        packed(b""),
        text,
    )
    extract.files[name] = rng.choice(changes)


@cache
def bomb() -> bytes:
    """Returns a file of 300 KB that unpacks to 300 MB."""
    return packed(b"force,person_ref,updated_at\n" + b"met,p1,2026-09-20\n" * (300_000_000 // 18))


@kind(refused=True)
def _gzip_bomb(rng: random.Random, extract: Extract) -> None:
    """gzip that unpacks to a thousand times its size."""
    extract.files["people.csv.gz"] = bomb()
