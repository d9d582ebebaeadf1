"""The mistakes of `wrong_feeds.py`: what goes wrong in a supplier's export that stays readable, each as a change to rows."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from support.independent import canonical_code

from reliability.ordinary_feeds import WHO, Extract, Feed, Row, copied, rows

Change = Callable[[str], str]
Mistake = Callable[[random.Random, Feed, Feed], None]
"""Changes the extracts of the second argument; the third has those before, which are right."""

WHOLE, FROM, LAST, ONE = "the whole feed", "from a month on", "the last month", "one month before the last"
LATER = (FROM, LAST, ONE)

WORDS = {
    "date_of_birth": "birth|born",
    "birth_year": "birth|born",
    "offence_code": "code|offence|weight",
    "crime_ref": "refer|crime_ref|known crime",
    "person_ref": "refer|person_ref|known pe|people",
    "merged_into_ref": "merge",
    "deceased_on": "deceased|dies|dead|death",
    "cancelled_on": "cancel",
    "reported_on": "report",
    "committed_from": "committed",
    "updated_at": "updated_at|future",
    "deleted": "delet",
    "role": "role|suspect|victim",
}
"""Words of which a warning about a column must use one, where the column's name is not the only sensible one."""


@dataclass(frozen=True)
class Kind:
    """A mistake: its row of the report, the words of which a warning about it must use one, and when it may begin."""

    title: str
    named: re.Pattern[str]
    whens: tuple[str, ...]
    make: Mistake


KINDS: list[Kind] = []


def kind(title: str, subject: str, *whens: str) -> Callable[[Mistake], Mistake]:
    """Adds the decorated mistake to KINDS. `subject` has the tables and columns it is about, with blanks between.

    Without `whens` it can begin at any time. A mistake that leaves no trace in a feed that was never right begins LATER.
    """
    named = "|".join(WORDS.get(word, word) for word in subject.split())

    def add(make: Mistake) -> Mistake:
        KINDS.append(Kind(title, re.compile(named, re.IGNORECASE), whens or (FROM, LAST, WHOLE, ONE), make))
        return make

    return add


# --- ways to go wrong --------------------------------------------------------------------------------------


def each(title: str, place: str, change: Change, *whens: str) -> None:
    """Adds a mistake that changes each value of some columns, where one is. `place` is "TABLES: COLUMNS"."""
    tables, columns = place.split(":")

    @kind(title, columns, *whens)
    def _(_: random.Random, wrong: Feed, __: Feed) -> None:
        for row in rows(wrong, tables):
            row.update({column: change(row[column]) for column in columns.split() if row.get(column)})


def every(title: str, tables: str, *whens: str, **values: str) -> None:
    """Adds a mistake that sets columns to one value in every row, `{day}` being the day of the extract."""

    @kind(title, " ".join(values), *whens)
    def _(_: random.Random, wrong: Feed, __: Feed) -> None:
        for extract in wrong:
            for row in rows([extract], tables):
                row.update({name: value.format(day=extract.day) for name, value in values.items()})


def exchanged(table: str, one: str, other: str) -> None:
    """Adds a mistake that writes two columns under each other's name."""

    @kind(f"{one} and {other} exchanged", f"{one} {other}")
    def _(_: random.Random, wrong: Feed, __: Feed) -> None:
        for row in rows(wrong, table):
            row[one], row[other] = row.get(other, ""), row.get(one, "")


def only(title: str, table: str, keep: Callable[[Row], bool], subject: str, *whens: str) -> None:
    """Adds a mistake that exports only some rows of a table; of involvements, only those of exported crimes."""

    @kind(title, f"{table} {subject}", *whens)
    def _(_: random.Random, wrong: Feed, __: Feed) -> None:
        for extract in wrong:
            extract.tables[table] = [row for row in extract.tables[table] if keep(row)]
            if table == "crimes":
                crimes = {row["crime_ref"] for row in extract.tables["crimes"]}
                links = extract.tables["involvements"]
                extract.tables["involvements"] = [row for row in links if row["crime_ref"] in crimes]


def moved_down(title: str, place: str) -> None:
    """Adds a mistake that moves some columns down by one line from a line in the first half on."""
    table, columns = place.split(": ")

    @kind(title, f"{columns} {table}", *LATER)
    def _(rng: random.Random, wrong: Feed, _: Feed) -> None:
        for extract in wrong:
            lines = extract.tables.get(table, [])
            start = rng.randrange(len(lines) // 2 or 1)
            for column in columns.split():
                values = [row[column] for row in lines]
                for row, value in zip(lines[start + 1 :], values[start:], strict=False):
                    row[column] = value


def cut_off(table: str) -> None:
    """Adds a mistake that ends a file at the end of a line somewhere in its middle."""

    @kind(f"{table} cut off at the end of a line", table)
    def _(rng: random.Random, wrong: Feed, _: Feed) -> None:
        for extract in wrong:
            lines = extract.tables[table]
            del lines[int(len(lines) * rng.uniform(0.2, 0.7)) :]


def joined(title: str, role: str, by: str) -> None:
    """Adds a mistake that links the people of a role to every crime of the extract with the same value in a column."""

    @kind(title, "suspect victim involvements crimes")
    def _(_: random.Random, wrong: Feed, __: Feed) -> None:
        for extract in wrong:
            groups, group_of = defaultdict(list), {}
            for row in extract.tables["crimes"]:
                groups[row[by]].append(row["crime_ref"])
                group_of[row["crime_ref"]] = row[by]
            for row in [row for row in extract.tables["involvements"] if row["role"] == role]:
                others = [ref for ref in groups[group_of.get(row["crime_ref"], "")] if ref != row["crime_ref"]]
                extract.tables["involvements"] += [row | {"crime_ref": ref} for ref in others]


def numbered_anew(title: str, column: str) -> None:
    """Adds a mistake that gives what is new in an extract the references of earlier records."""

    @kind(title, f"{column} involvements changed", *LATER)
    def _(_: random.Random, wrong: Feed, past: Feed) -> None:
        taken = list(dict.fromkeys(row[column] for row in rows([*past, *wrong], "crimes people") if column in row))
        for extract in wrong:
            own = dict.fromkeys(row[column] for row in rows([extract], "crimes people") if column in row)
            anew = dict(zip(own, taken, strict=False))
            for row in rows([extract], "crimes people involvements"):
                row.update({column: anew.get(row[column], row[column])} if column in row else {})


def foreign(title: str, change: Callable[[random.Random, Feed, Extract], dict[str, Change]], subject: str) -> None:
    """Adds a mistake that exports what is not this force's: references change, and nobody in it is anybody of this force."""

    @kind(title, f"crime_ref person_ref people crimes involvements volume {subject}", *LATER)
    def _(rng: random.Random, wrong: Feed, past: Feed) -> None:
        for extract in wrong:
            changes = change(rng, past, extract)
            for row in rows([extract], "crimes people involvements"):
                row.update({column: new(row[column]) for column, new in changes.items() if column in row})
                row.update({WHO: f"elsewhere {row[WHO]}"} if WHO in row else {})


# --- dates and times ---------------------------------------------------------------------------------------


def _dates(change: Callable[[date], object]) -> Change:
    """Returns a change of the date in a value, which keeps a time after it; what is no date stays."""

    def changed(value: str) -> str:
        try:
            return f"{change(date.fromisoformat(value[:10]))}{value[10:]}"
        except ValueError:
            return value

    return changed


month_first = _dates(lambda day: day.replace(month=day.day, day=day.month) if day.day <= 12 else day)
serial = _dates(lambda day: (day - date(1899, 12, 30)).days)


def days_later(days: int) -> Change:
    """Returns a change of a date by some days."""
    return _dates(lambda day: day + timedelta(days=days))


def written(form: str) -> Change:
    """Returns a change of how a date is written."""
    return _dates(lambda day: day.strftime(form))


CRIME_DATES = "crimes: reported_on committed_from committed_to outcome_on cancelled_on"
BIRTH, STAMP = "people: date_of_birth birth_year", "crimes people involvements: updated_at"
each("Day and month of a crime's dates exchanged, if at most 12", CRIME_DATES, month_first)
each("Day and month of dates of birth exchanged, if at most 12", BIRTH, month_first)
each("Dates of crimes as day/month/year", CRIME_DATES, written("%d/%m/%Y"))
each("Dates of birth as day/month/year", BIRTH, written("%d/%m/%Y"))
each("Dates of birth with two digits of the year", BIRTH, written("%y-%m-%d"))
each("Births before 1969 a century late", BIRTH, lambda v: f"20{v[2:]}" if "1900" <= v[:4] < "1969" else v)
each("Dates of crimes as spreadsheet serial numbers", CRIME_DATES, serial)
each("Dates of birth as spreadsheet serial numbers", BIRTH, serial)
each("Dates of crimes a day early (a time zone)", CRIME_DATES, days_later(-1))
each("Dates of crimes a year late", CRIME_DATES, days_later(365))
each("Report dates two years early", "crimes: reported_on", days_later(-730))
each("Everybody born on 1970-01-01, where a date was", "people: date_of_birth", lambda _: "1970-01-01")
each("Dates of birth ten years early", "people: date_of_birth", days_later(-3653), *LATER)
every("Report date is the date of the export", "crimes", reported_on="{day}")
exchanged("crimes", "committed_from", "reported_on")
every("updated_at the same in all rows", "crimes people involvements", updated_at="{day}T00:00:00")
each("updated_at ten years in the future", STAMP, days_later(3653), ONE, FROM)
each("updated_at a year early", STAMP, days_later(-365))
each("Day and month of updated_at exchanged, if at most 12", STAMP, month_first)


# --- units and codings -------------------------------------------------------------------------------------


def _age(unit: int) -> Mistake:
    def make(_: random.Random, wrong: Feed, __: Feed) -> None:
        for extract in wrong:
            for row in rows([extract], "people"):
                born = (row["date_of_birth"] or row["birth_year"])[:4]
                row["date_of_birth"] = ""
                row["birth_year"] = str((int(extract.day[:4]) - int(born)) * unit) if born.isdigit() else ""

    return make


kind("Age in place of the year of birth", "date_of_birth")(_age(1))
kind("Age in months in place of the year of birth", "date_of_birth")(_age(12))
each("Year of birth alone in date_of_birth", "people: date_of_birth", lambda v: v[:4])
each("M and F exchanged", "people: sex", lambda v: {"M": "F", "F": "M"}.get(v, v))
each("Sex as 1 and 2", "people: sex", lambda v: {"M": "1", "F": "2"}.get(v, "9"))
each("Sex as H and M (homme, mujer)", "people: sex", lambda v: {"M": "H", "F": "M"}.get(v, v))
every("Everybody's sex is M", "people", sex="M")
every("Everybody's sex is F", "people", sex="F")
every("Everybody's sex is U", "people", sex="U")
every("Everybody born on 1900-01-01", "people", date_of_birth="1900-01-01", birth_year="")
every("Every crime in one area", "crimes", area_code="E09000001")
every("Every suspect named, none eliminated or acquitted", "involvements", status="named")
every("Every suspect convicted", "involvements", status="convicted")
every("Every suspect eliminated", "involvements", status="eliminated")
each("Statuses in another language", "involvements: status", lambda v: f"{v[:4]}é")
every("Every report by the police", "crimes", reported_by="police")
every("Every report by a victim", "crimes", reported_by="victim")
every("Every offence the same", "crimes", offence_code="008/06")
OFFENCE = "crimes: offence_code"
each("Offence codes without zeros and stroke (00806: 806)", OFFENCE, lambda v: v.replace("/", "").lstrip("0"))
each("Offence codes with the class alone (019)", OFFENCE, lambda v: v.split("/")[0])
each("Offence codes with the sub-code 00", OFFENCE, lambda v: f"{v.split('/')[0]}/00")
each("Offence codes with class and sub-code exchanged", OFFENCE, lambda v: "/".join(reversed(v.split("/"))))
each("Offence codes as decimals (19.08)", OFFENCE, lambda v: v.lstrip("0").replace("/", "."))
each("Outcome codes one too high", "crimes: outcome_type", lambda v: str((int(v) + 1) % 23) if v.isdigit() else v)


@kind("Offence codes of another list (each the next one's)", "offence_code", *LATER)
def _another_list(_: random.Random, wrong: Feed, past: Feed) -> None:
    codes = sorted({canonical_code(row["offence_code"]) for row in rows([*past, *wrong], "crimes")})
    following = dict(zip(codes, codes[1:] + codes[:1], strict=True))
    for row in rows(wrong, "crimes"):
        row["offence_code"] = following[canonical_code(row["offence_code"])]


# --- columns exchanged and moved ---------------------------------------------------------------------------

exchanged("involvements", "crime_ref", "person_ref")
exchanged("people", "forename", "surname")
exchanged("people", "sex", "ethnicity")
exchanged("people", "date_of_birth", "deceased_on")
exchanged("crimes", "outcome_on", "cancelled_on")
exchanged("involvements", "status", "relationship")
ROLE, OTHER = "involvements: role", {"suspect": "victim", "victim": "suspect"}
each("Suspects as victims and victims as suspects", ROLE, lambda v: OTHER.get(v, v))
each("Witnesses as suspects", ROLE, lambda v: "suspect" if v == "witness" else v, *LATER)
every("Everybody in a crime a suspect", "involvements", role="suspect")
every("Everybody in a crime a victim", "involvements", role="victim")
moved_down("person_ref of people one line down from a line on", "people: person_ref")
moved_down("Sex and birth one line down from a line on", "people: sex date_of_birth birth_year")
moved_down("person_ref of involvements one line down from a line on", "involvements: person_ref")
moved_down("offence_code one line down from a line on", "crimes: offence_code")


@kind("offence_code sorted without the other columns", "offence_code", *LATER)
def _sorted_alone(_: random.Random, wrong: Feed, __: Feed) -> None:
    for extract in wrong:
        lines = extract.tables["crimes"]
        for row, value in zip(lines, sorted(row["offence_code"] for row in lines), strict=True):
            row["offence_code"] = value


@kind("Values one column to the right from a line on", "crimes outcome reported_by quarantine cancelled_on")
def _to_the_right(rng: random.Random, wrong: Feed, _: Feed) -> None:
    for extract in wrong:
        lines = extract.tables["crimes"]
        for row in lines[rng.randrange(len(lines) // 2) :]:
            columns = [*row][[*row].index("committed_to") :]
            row.update(zip(columns, ["", *(row[column] for column in columns)], strict=False))


# --- files cut off, rows left out, columns blank -----------------------------------------------------------

cut_off("crimes")
cut_off("people")
cut_off("involvements")
only("No people", "people", lambda _: False, "person")
only("Only crimes that are closed", "crimes", lambda row: row["outcome_type"] not in ("", "0"), "outcome", *LATER)
only("Only one district", "crimes", lambda row: row["area_code"] == "E09000017", "area", *LATER)
only("Only violence: codes below 020", "crimes", lambda row: row["offence_code"] < "020", "offence", *LATER)
only("Only female people", "people", lambda row: row["sex"] == "F", "sex")
only("Only male people, so that victims have no record", "people", lambda row: row["sex"] == "M", "sex victim")
only("Only people with a date of birth", "people", lambda row: bool(row["date_of_birth"]), "birth")
CHARGED = ("charged", "convicted", "acquitted", "eliminated")
only(
    "No suspect without a charge",
    "involvements",
    lambda row: row["role"] != "suspect" or row["status"] in CHARGED,
    "status",
    *LATER,
)
only("Only suspects: no victim in involvements", "involvements", lambda row: row["role"] == "suspect", "victim")
every("sex blank", "people", sex="")
every("date_of_birth blank", "people", date_of_birth="")
every("status blank", "involvements", status="")
every("reported_by blank", "crimes", reported_by="")
every("outcome_type blank", "crimes", outcome_type="")
every("deceased_on blank", "people", *LATER, deceased_on="")
every("cancelled_on blank", "crimes", *LATER, cancelled_on="")


@kind("Only the changed columns of people, the others blank", "people birth sex blank missing", *LATER)
def _only_changes(rng: random.Random, wrong: Feed, past: Feed) -> None:
    known = {row["person_ref"]: row for row in rows(past, "people")}
    for extract in wrong:
        for row in rng.sample([*known.values()], len(known) // 2):
            blank = dict.fromkeys(row, "") | {name: row[name] for name in ("force", "person_ref", "postcode", WHO)}
            extract.tables["people"].append(blank | {"updated_at": f"{extract.day}T12:00:00"})


# --- what decides who counts -------------------------------------------------------------------------------

every("cancelled_on filled for every crime", "crimes", cancelled_on="{day}")
every("deceased_on filled for everybody", "people", deceased_on="{day}")
every("Every crime deleted", "crimes", deleted="Y")
every("Deleted rows as live", "crimes people involvements", *LATER, deleted="")
every("Cancelled and deleted crimes as live", "crimes", *LATER, cancelled_on="", deleted="")


@kind("Deleted where it should be live, and live where deleted", "deleted")
def _deleted_inverted(_: random.Random, wrong: Feed, __: Feed) -> None:
    for row in rows(wrong, "crimes involvements"):
        row["deleted"] = "" if row["deleted"] == "Y" else "Y"


exchanged("person_merges", "person_ref", "merged_into_ref")
moved_down("merged_into_ref one line down from a line on", "person_merges: merged_into_ref")


@kind("Everybody merged into one person", "merged_into_ref")
def _one_person(rng: random.Random, wrong: Feed, _: Feed) -> None:
    for extract in wrong:
        people = extract.tables["people"]
        into = rng.choice(people)["person_ref"]
        merge = {"merged_into_ref": into, "updated_at": f"{extract.day}T12:00:00", "deleted": ""}
        extract.tables["person_merges"] = [
            {"force": row["force"], "person_ref": row["person_ref"]} | merge
            for row in people
            if row["person_ref"] != into
        ]


# --- joins that repeat -------------------------------------------------------------------------------------

joined("Suspects joined to all crimes of their area", "suspect", "area_code")
joined("Suspects joined to all crimes of the same day", "suspect", "reported_on")
joined("Victims joined to all crimes of their area", "victim", "area_code")
joined("Victims joined to all crimes of the same offence", "victim", "offence_code")


@kind("Each crime again under another reference", "crimes crime_ref involvements")
def _twice(_: random.Random, wrong: Feed, __: Feed) -> None:
    for extract in wrong:
        for table in ("crimes", "involvements"):
            extract.tables[table] += [row | {"crime_ref": f"{row['crime_ref']}-2"} for row in extract.tables[table]]


@kind("Each crime once for each person in it, under new references", "crimes crime_ref involvements")
def _by_person(_: random.Random, wrong: Feed, __: Feed) -> None:
    for extract in wrong:
        links, old = defaultdict(list), extract.tables["crimes"]
        for row in extract.tables["involvements"]:
            links[row["crime_ref"]].append(row)
        extract.tables |= {"crimes": [], "involvements": []}
        for crime in old:
            for number in range(1, len(links[crime["crime_ref"]]) + 1):
                new = {"crime_ref": f"{crime['crime_ref']}/{number}"}
                extract.tables["crimes"].append(crime | new)
                extract.tables["involvements"] += [row | new for row in links[crime["crime_ref"]]]


# --- references and forces ---------------------------------------------------------------------------------

EVERYWHERE = "crimes people involvements person_merges custody"
PERSON, CRIME = f"{EVERYWHERE}: person_ref merged_into_ref", f"{EVERYWHERE}: crime_ref"
each("person_ref without leading zeros", PERSON, lambda v: v.lstrip("0"))
each("crime_ref without leading zeros", CRIME, lambda v: v.lstrip("0"))
each("person_ref with a prefix", PERSON, lambda v: f"P-{v}")
each("crime_ref with a prefix", CRIME, lambda v: f"CR/{v}")
each("person_ref as decimals (123.0)", PERSON, lambda v: f"{v}.0")
each("person_ref in scientific form (4.4E+11)", PERSON, lambda v: f"{int(v):.2E}" if v.isdigit() else v)
each("person_ref rounded (a float of too few digits)", PERSON, lambda v: v[:-4] + "0000")
each("person_ref cut to six characters", PERSON, lambda v: v[:6], *LATER)
each("crime_ref without its year", CRIME, lambda v: v.split("/")[0])
each("crime_ref cut to five characters", CRIME, lambda v: v[:5])
each("crime_ref with blanks inside", CRIME, lambda v: v.replace("/", " / "))
each("crime_ref with damaged characters", CRIME, lambda v: v.replace("/", "Ã¢Â€Â"))
each("person_ref with a prefix in involvements alone", "involvements: person_ref", lambda v: f"P{v}")
each("crime_ref of another year in involvements alone", "involvements: crime_ref", lambda v: v[:-1] + "5")
each("The force under another name", f"{EVERYWHERE}: force", lambda _: "MPS")
each("The force in capitals", f"{EVERYWHERE}: force", str.upper)
each("The force missing", f"{EVERYWHERE}: force", lambda _: "")
each("The force under another name in crimes alone", "crimes: force", lambda _: "MPS")
numbered_anew("Numbering of crimes begins at 1 again", "crime_ref")
numbered_anew("Numbering of people begins at 1 again", "person_ref")


def _their_references(rng: random.Random, past: Feed, extract: Extract) -> dict[str, Change]:
    theirs = {}
    for column, table in (("crime_ref", "crimes"), ("person_ref", "people")):
        known = sorted({row[column] for row in rows(past, table)})
        own = sorted({row[column] for row in rows([extract], table)})
        theirs[column] = dict(zip(own, rng.sample(known, min(len(own), len(known))), strict=False))
    return {column: lambda v, same=same: same.get(v, v) for column, same in theirs.items()}  # type: ignore[misc]


TEST = {"crime_ref": "TEST{}", "person_ref": "TEST{}", "offence_code": "019/08", "reported_by": "victim"}
foreign("Another force's extract under this one's name", _their_references, "")
foreign("A system test's invented records", lambda *_: {name: form.format for name, form in TEST.items()}, "offence")


# --- the wrong file ----------------------------------------------------------------------------------------


@kind("The month before again, under this month's id", "again same earlier volume updated_at crimes already", LAST, ONE)
def _month_before(_: random.Random, wrong: Feed, past: Feed) -> None:
    for extract in wrong:
        extract.tables = copied(past[-1:])[0].tables


@kind("An old extract again, with new updated_at", "again same earlier volume updated_at crimes already", LAST, ONE)
def _old_anew(rng: random.Random, wrong: Feed, past: Feed) -> None:
    old = rng.choice(past[:-1])
    for extract in wrong:
        for table, lines in old.tables.items():
            stamped = [row | {"updated_at": f"{extract.day}T23:00:00"} for row in lines]
            extract.tables[table] = [*extract.tables.get(table, []), *stamped]


@kind("The header again in the middle of each file", "quarantine header crimes")
def _header_again(rng: random.Random, wrong: Feed, _: Feed) -> None:
    for extract in wrong:
        for lines in extract.tables.values():
            lines.insert(rng.randrange(len(lines)), {name: name for name in lines[0]})


@kind("A row of totals at the end of each file", "quarantine crimes")
def _totals(_: random.Random, wrong: Feed, __: Feed) -> None:
    for extract in wrong:
        for lines in extract.tables.values():
            lines.append(dict.fromkeys(lines[0], "") | {"force": "Total", WHO: "", "updated_at": str(len(lines))})
