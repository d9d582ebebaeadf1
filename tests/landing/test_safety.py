"""Attacks by a hostile extract or home, and what stops them: docs/decisions/0021-what-a-hostile-input-could-try.md."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from conftest import REPOSITORY, SMALL_FEED, Command, PublishedHome, write_extract
from hypothesis import given
from hypothesis import strategies as st
from jinja2.nativetypes import NativeEnvironment
from reliability.damage import time_limit

from harmrank import limits
from harmrank.home.folder import Home
from harmrank.home.warehouse import connect
from harmrank.landing.land import land
from harmrank.landing.outcome import LandingResult, Refusal
from harmrank.machine import duck
from harmrank.text.printable import printable, printable_json, without_values

DAY = "2026-06-30"
CRIMES = SMALL_FEED["crimes"]
PEOPLE = SMALL_FEED["people"]


class Door:
    """One extract and a home to land it in."""

    def __init__(self, root: Path) -> None:
        self.extracts = root / "extracts"
        self.folder = write_extract(self.extracts, DAY, {"crimes": CRIMES})
        self.home = Home(root / "home")

    def land(self, **settings: float) -> LandingResult:
        return land(self.extracts, self.home, lambda line: None, **settings)

    def refusal(self) -> Refusal:
        """Lands the extract and returns its refusal."""
        (refusal,) = self.land().refused
        return refusal

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.home, read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


# Limits


def test_a_huge_manifest_is_refused_unread(door: Door) -> None:
    """extract.json is read into memory, so its size is checked first."""
    (door.folder / "extract.json").write_bytes(b" " * (limits.MAX_MANIFEST_BYTES + 1))
    assert "extract.json: it is larger than 1 MiB" in door.refusal().message


@pytest.mark.parametrize("name", ["extract.json", "crimes.csv", "people.csv.gz", "people.parquet"])
def test_a_pipe_is_refused_without_waiting(door: Door, name: str) -> None:
    """A pipe without a writer would block the refresh, and its lock, for ever."""
    (door.folder / name).unlink(missing_ok=True)
    os.mkfifo(door.folder / name)
    refusal = door.refusal()
    assert (refusal.file_name, "not a regular file" in refusal.message) == (name, True)


@pytest.mark.parametrize("name", ["extract.json", "crimes.csv", "people.csv.gz", "people.parquet"])
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_folder_instead_of_a_file_is_refused(door: Door, name: str, kind: str) -> None:
    """A link to its own folder does not lead outside, but is not a file either."""
    (door.folder / name).unlink(missing_ok=True)
    if kind == "folder":
        (door.folder / name).mkdir()
    else:
        (door.folder / name).symlink_to(".")
    assert "not a regular file" in door.refusal().message


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", "nowhere", "crimes.csv", "../../outside.csv"])
def test_a_link_to_anywhere_else_is_refused(door: Door, target: str) -> None:
    """Only files in the extract folder are ever read: no device, no file of this machine, no circular link."""
    (door.extracts.parent / "outside.csv").write_text(CRIMES)
    (door.folder / "crimes.csv").unlink()
    (door.folder / "crimes.csv").symlink_to(target)
    assert "is a link that leads" in door.refusal().message


def test_an_extract_folder_that_is_a_link_outside_is_refused(door: Door, tmp_path: Path) -> None:
    """The folder itself may be a link that leads outside."""
    door.folder.rename(tmp_path / "elsewhere")
    door.folder.symlink_to(tmp_path / "elsewhere")
    assert "leads outside" in door.refusal().message


def test_a_folder_full_of_files_is_refused(door: Door) -> None:
    """Listing stops after a thousand names, before a million are sorted."""
    for number in range(limits.MAX_ENTRIES):
        (door.folder / f"crimes_{number}.csv").touch()
    assert "more than 1,000 files" in door.refusal().message


def test_too_many_columns_are_refused(door: Door) -> None:
    """Every column costs memory in every row, in CSV and in Parquet."""
    more = "".join(f",x{number}" for number in range(limits.MAX_COLUMNS))
    (door.folder / "crimes.csv").write_text(CRIMES.replace("updated_at", f"updated_at{more}", 1))
    refusal = door.refusal()
    assert (refusal.line_number, "205 columns, more than the 200" in refusal.message) == (1, True)
    (door.folder / "crimes.csv").unlink()
    columns = ", ".join(f"1 as x{number}" for number in range(limits.MAX_COLUMNS + 1))
    duckdb.sql(f"copy (select {columns}) to '{door.folder}/people.parquet'")
    assert "201 columns, more than the 200" in door.refusal().message


def test_a_file_beyond_the_limit_is_refused_by_its_size(door: Door) -> None:
    """The file is refused unread: it takes no room on disk, but minutes to read."""
    with (door.folder / "crimes_2.csv").open("wb") as file:
        file.truncate(limits.MAX_FILE_BYTES + 1)
    assert "crimes_2.csv: it is larger than 64 GiB" in door.refusal().message


def test_a_gzip_bomb_is_stopped_while_it_unpacks(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpacking stops at a ratio and at a total size, so a bomb cannot fill the disk."""
    monkeypatch.setattr(limits, "FREE_UNPACK_BYTES", 1 << 20)
    (door.folder / "people.csv.gz").write_bytes(gzip.compress(bytes(100 << 20)))
    assert "people.csv.gz: it unpacks to more than 200 times its size" in door.refusal().message
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 8 << 20)
    monkeypatch.setattr(limits, "FREE_UNPACK_BYTES", 1 << 40)
    assert "unpacked, it is larger than" in door.refusal().message
    assert not [path for path in door.home.scratch.rglob("*") if path.is_file()]


def test_a_parquet_bomb_is_refused_by_its_metadata(door: Door) -> None:
    """A Parquet file of a few kilobytes can hold a billion rows of one value."""
    duckdb.sql(f"copy (select 'x' as force from range(12_000_000)) to '{door.folder}/people.parquet'")
    assert "it claims 12,000,000 rows" in door.refusal().message


def test_encrypted_parquet_is_named_in_the_refusal(door: Door) -> None:
    """The advice must fit: send it as plain Parquet."""
    (door.folder / "people.parquet").write_bytes(b"PARE" + bytes(100) + b"PARE")
    assert "it is encrypted" in door.refusal().message


def test_parquet_with_a_column_twice_is_refused(door: Door) -> None:
    """DuckDB would rename the second one, and which one counts would not be known."""
    select = "select 'met' as force, 'p' as person_ref, 'Q' as \" Force\", timestamp '2026-05-01' as updated_at"
    duckdb.sql(f"copy ({select}) to '{door.folder}/people.parquet'")
    refusal = door.refusal()
    assert (refusal.column_name, "twice" in refusal.message) == ("force", True)


@pytest.mark.parametrize("sign", ["x", "é"])
def test_a_value_beyond_the_limit_is_unusable(door: Door, sign: str) -> None:
    """An optional value becomes missing and is counted; a required one sends its row to quarantine; one at the limit is kept."""
    fit, long = sign * limits.MAX_VALUE, sign * (limits.MAX_VALUE + 1)
    rows = [f"met,p{n},{name},,F,,2026-05-02" for n, name in enumerate((fit, long, *["ok"] * 20))]
    rows.append(f"met,{long},ok,,F,,2026-05-02")
    (door.folder / "people.csv").write_text("\n".join([PEOPLE.split("\n")[0], *rows]))
    assert door.land().landed == [DAY]
    assert door.ask("select length(forename) from raw.people order by row_number limit 3") == [(1000,), (None,), (2,)]
    assert door.ask("select column_name, reason, rows_affected from raw.value_defects") == [
        ("forename", "forename is longer than 1,000 characters", 1)
    ]
    ((line, reason),) = door.ask("select line_number, reason from raw.quarantine")
    assert line == 24
    assert reason.startswith("person_ref is ")
    assert reason.endswith("or longer than 1,000 characters")


def test_the_text_of_a_bad_row_is_cut(door: Door) -> None:
    """Quarantine is for correcting rows, not for storing long texts."""
    wide = f"met,c1{',x' * 100_000}"
    (door.folder / "crimes.csv").write_text(CRIMES + f"{wide}\n")
    door.land(max_bad_share=1)
    ((text,),) = door.ask("select raw_text from raw.quarantine")
    assert text == f"{wide[:2000]} … (the first 2,000 of {len(wide):,} characters)"


def test_too_many_bad_rows_are_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad rows pass through memory, so their number is limited even if they are a small share of a huge file."""
    monkeypatch.setattr("harmrank.landing.files.csv_records.MAX_BAD_RECORDS", 5)
    monkeypatch.setattr(limits, "MAX_BAD_RECORDS", 5)
    (door.folder / "crimes.csv").write_text(CRIMES + "ragged\n" * 9)
    (refusal,) = door.land(max_bad_share=1).refused
    assert "crimes.csv line 9: more than 5 of its rows cannot be used" in refusal.message
    (door.folder / "crimes.csv").write_text(CRIMES + "met,,x,2026-05-01,2026-05-02\n" * 9)
    (refusal,) = door.land(max_bad_share=1).refused
    assert "more than 5 of its rows cannot be used" in refusal.message


@pytest.mark.parametrize(
    "record",
    [
        "met," + "é" * 900_000 + ",019/08,2026-05-01,2026-05-02",
        "met,x" + '"' * 900_000 + ",019/08,2026-05-01,2026-05-02",
        'met,"x" ,' + " ," * 60 + 'a"b "c',
        'met,x"y,"open\n' + '""\n' * 300_000,
        'met,"x" ,y"z,"open\n' + '""\n' * 100_000,
        'met,"x" ,"open' + "\nx" * 300_000,
    ],
    ids=["wide signs", "quotes alone", "blanks and commas", "quotes in pairs", "blanks and pairs", "blanks and lines"],
)
def test_no_record_costs_more_than_its_length(door: Door, record: str) -> None:
    """Such a record could block the landing for hours, or stop the next extracts; it must take a second or two."""
    (door.folder / "crimes.csv").write_text(f"{CRIMES}ragged\n{record}\nmet,c9,19/8,2026-05-01,2026-05-02\n")
    write_extract(door.extracts, "2026-07-31", {"crimes": CRIMES})
    with time_limit():
        assert "2026-07-31" in door.land(max_bad_share=1).landed


def test_odd_quotes_do_not_shift_the_rows_after_them(door: Door) -> None:
    """Both readers must see the same records, however many lines one has; otherwise line and text of a row are wrong."""
    odd = 'met,x"y,"open\n' + '""\n' * 50 + '",2026-05-01,2026-05-02'
    (door.folder / "crimes.csv").write_text(f"{CRIMES}{odd}\nmet,,19/8,2026-05-01,2026-05-02\n")
    door.land(max_bad_share=1)
    assert door.ask("select line_number, raw_text from raw.quarantine") == [(56, "met,,19/8,2026-05-01,2026-05-02")]


def test_a_file_swapped_while_it_was_read_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is checked first and read by DuckDB later. A swap between the two is noticed, even with equal size and time."""
    path = door.folder / "crimes.csv"
    before = path.stat()
    swap = door.folder.parent.parent / "swap"

    def read_file(*arguments: Any) -> Any:
        read = original(*arguments)
        swap.write_bytes(path.read_bytes())
        os.utime(swap, ns=(before.st_atime_ns, before.st_mtime_ns))
        swap.replace(path)
        return read

    from harmrank.landing.files import row_reader

    original = row_reader.read_file
    monkeypatch.setattr(row_reader, "read_file", read_file)
    assert "it changed while it was being read" in door.refusal().message


# Text from outside


@given(st.text())
def test_printable_text_is_printable(text: str) -> None:
    """Any text becomes valid UTF-8 without control characters, and safe text stays unchanged."""
    safe = printable(text)
    assert safe.isprintable()
    assert printable(safe) == safe
    safe.encode()
    if text.isprintable() and len(text) <= 2_000:
        assert safe == text


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_printable_json_says_the_same(value: Any) -> None:
    """The document is escaped for the terminal and unchanged for a program that reads it."""
    document = printable_json(json.dumps(value, indent=2, ensure_ascii=False))
    assert json.loads(document) == value
    assert document.replace("\n", "").isprintable()


def test_odd_names_reach_neither_terminal_nor_sql(harmrank: Command, tmp_path: Path) -> None:
    """Names of folders, files and columns hold control characters, other writing directions, invalid UTF-8 and SQL."""
    red = "\x1b[31m\u202e"
    header, rest = CRIMES.split("\n", 1)
    extra = f'{header},{red}""\'; drop table raw.crimes; --'.replace('""', "")
    rows = rest.replace("T09:00:00\n", "T09:00:00,x\n")
    folder = write_extract(tmp_path / "extracts", DAY, {"crimes": f"{extra}\n{rows}"})
    (folder / f"{red}.csv").touch()
    (folder / "caf\udce9.csv").touch()
    write_extract(tmp_path / "extracts", f"2026-07-31{red}\udce9'", {"crimes": CRIMES})
    near = write_extract(tmp_path / "extracts", "2026-08-31", {"crimes": CRIMES})
    (near / f"people\udce9{red}.csv").touch()
    for option in ((), ("--json",)):
        done = harmrank("land", tmp_path / "extracts", "--home", tmp_path / "home", *option)
        assert done.returncode == 3
        assert "Traceback" not in done.stderr
        assert (done.stdout + done.stderr).replace("\n", "").isprintable()
        assert r"people\udce9\x1b[31m\u202e.csv" in done.stderr
    with connect(Home(tmp_path / "home"), read_only=True) as connection:
        defects = connection.execute("select column_name, reason from raw.value_defects order by all").fetchall()
    assert defects[1] == (
        r"\x1b[31m\u202e'; drop table raw.crimes; --",
        "column is not in the contract and was dropped",
    )


def test_a_refused_file_without_a_header_reveals_no_name(door: Door) -> None:
    """The first line of such a file is a person's record: its values must not be printed as column names."""
    (door.folder / "people.csv").write_bytes("met,p1,Zqfore,Zqsur\nmet,p2,x,Zqs\xfc\n".encode("latin-1"))
    refusal = door.refusal()
    assert (refusal.line_number, refusal.column_name) == (2, None)
    assert "Zq" not in refusal.message


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        (
            "Runtime Error in model x (models/x.sql)\n  Conversion Error: Could not convert string 'O'Brien' to INT32\n\n"
            "LINE 4: where surname = 'Brien'",
            "Runtime Error in model x (models/x.sql) Conversion Error: Could not convert string '...' to INT32",
        ),
        (
            'Constraint Error: Duplicate key "surname: Brien" violates primary key constraint.',
            "Constraint Error: Duplicate key '...' violates primary key constraint.",
        ),
        ('Invalid Input Error: Brien "Binder Error" is no date: "Brien"', "Invalid Input Error: Brien '...'"),
        (
            'Binder Error: Referenced column "harm_day" not found in FROM clause!',
            'Binder Error: Referenced column "harm_day" not found in FROM clause!',
        ),
    ],
)
def test_data_quoted_by_dbt_is_left_out(output: str, kept: str) -> None:
    """Logs and terminal describe a failed build by model and kind of error, never by a value."""
    assert without_values(output) == kept


# No extension loaded, no foreign code run


def test_no_extension_is_fetched_or_loaded(published: PublishedHome) -> None:
    """Extensions are foreign code; dbt's connections have the same settings."""
    with duck.open_database() as connection:
        query = "select name, value from duckdb_settings() where name = any(?)"
        assert dict(connection.execute(query, [list(duck.CLOSED)]).fetchall()) == duck.CLOSED
        with pytest.raises(duckdb.Error, match="extension"):
            connection.execute("select * from read_parquet('https://data.invalid/x.parquet')")
    profile = yaml.safe_load((REPOSITORY / "profiles" / "profiles.yml").read_text())["harmrank"]["outputs"]
    assert profile["lint"]["config_options"] == duck.CLOSED
    environment = NativeEnvironment()  # noqa: S701 - the profile is no page
    environment.filters["as_native"] = lambda value: value
    template = environment.from_string(profile["duckdb"]["config_options"])
    options = template.render(env_var=lambda name, default: default)
    assert options == {**duck.CLOSED, "temp_directory": "home/scratch"}


def test_no_other_way_to_open_duckdb(tmp_path: Path) -> None:
    """A module that connects by itself would lack the settings."""
    modules = [path for path in (REPOSITORY / "harmrank").rglob("*.py") if path.name != "duck.py"]
    assert [path.name for path in modules if "duckdb.connect(" in path.read_text()] == []


@pytest.mark.thorough
@pytest.mark.parametrize("only_changes", ["no", "yes"])
def test_code_in_the_home_is_never_run(scratch: PublishedHome, cold_harmrank: Command, only_changes: str) -> None:
    """dbt looks in its target folder for a parsed project, with the models' SQL and Python. A planted one must not run.

    In the planted one, every model selects from a table that does not exist.
    """
    home = scratch.home
    environment = {**os.environ, "HARMRANK_HOME": str(home), "DBT_PROFILES_DIR": "profiles"}
    environment["HARMRANK_ONLY_CHANGES"] = only_changes
    arguments = [Path(sys.executable).with_name("dbt"), "--quiet", "parse", "--target-path", home / "target"]
    subprocess.run(arguments, cwd=REPOSITORY, env=environment, check=True)
    kept = home / "target" / "partial_parse.msgpack"
    content = kept.read_bytes()
    assert b"select * from final" in content
    kept.write_bytes(content.replace(b"select * from final", b"select * from nothi"))
    (home / ".duckdbrc").write_text("select 1/0 from nothing;")
    (home / "profiles.yml").write_text("harmrank: {}")
    (home / "dbt_project.yml").write_text("name: other")
    done = cold_harmrank("refresh", scratch.extracts, "--home", home, "--full")
    assert done.returncode == 0, done.stderr


# Access to the home


@pytest.fixture
def open_mask() -> Iterator[None]:
    """Sets a umask that opens everything to all users."""
    before = os.umask(0)
    yield
    os.umask(before)


def _modes(root: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.iterdir())}


def test_an_open_home_is_closed(door: Door, open_mask: None) -> None:
    """A home made by hand, or by dbt with an open umask, is closed to everyone but its owner."""
    root = door.home.root
    (root / "logs").mkdir(parents=True)
    (root / "target").mkdir()
    (root / "logs" / "dbt.log").touch()
    door.land()
    assert _modes(root) == {
        "home": 0o700, "warehouse.duckdb": 0o600, "published": 0o700, "logs": 0o700, "reports": 0o700,
        "scratch": 0o700, "target": 0o700
    }  # fmt: skip
    assert stat.S_IMODE((root / "logs" / "dbt.log").stat().st_mode) == 0o600


def test_a_shared_home_keeps_the_way_to_published(door: Door, open_mask: None) -> None:
    """Readers need the way through the home to published/; without readers it is closed."""
    door.land()
    door.home.published.chmod(0o750)
    door.home.root.chmod(0o755)
    door.land()
    assert (_modes(door.home.root)["home"], _modes(door.home.root)["published"]) == (0o711, 0o750)
    door.home.published.chmod(0o700)
    door.land()
    assert _modes(door.home.root)["home"] == 0o700


def test_a_shared_folder_is_not_closed(door: Door, open_mask: None) -> None:
    """`--home /tmp` must not close /tmp; the folders that harmrank makes in it are closed."""
    root = door.home.root
    root.mkdir(mode=0o755)
    (root / "somebody's").touch()
    door.land()
    modes = _modes(root)
    assert (modes["home"], modes["warehouse.duckdb"], modes["scratch"]) == (0o755, 0o600, 0o700)


@pytest.mark.parametrize("mode", ["770", "777", "640", "7550", "75a", "-1", "0o750"])
def test_a_published_mode_with_write_access_is_a_usage_error(harmrank: Command, tmp_path: Path, mode: str) -> None:
    """Other users may read the published list, but only its owner may write it."""
    done = harmrank("refresh", tmp_path, "--home", tmp_path / "home", "--published-mode", mode)
    assert done.returncode == 2
    assert "750" in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that every user of the machine can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def test_the_published_mode_opens_published_and_nothing_else(
    published: PublishedHome, without_dbt: Command, reachable: Path
) -> None:
    """The option opens the current build, later builds keep it, and another user reads the list but not the warehouse."""
    home = reachable / "home"
    shutil.copytree(published.home, home, symlinks=True)
    done = without_dbt("refresh", published.extracts, "--home", home, HARMRANK_PUBLISHED_MODE="755")
    assert (done.returncode, "nothing new" in done.stderr) == (0, True)
    current = (home / "published" / "current").resolve()
    assert (_modes(home)["home"], _modes(home)["published"]) == (0o711, 0o755)
    open_to_all = [path for path in (current, *current.iterdir()) if path.name != "operational"]
    assert {path.stat().st_mode & 0o777 for path in open_to_all} == {0o755, 0o644}
    assert (current / "operational").stat().st_mode & 0o777 == 0o700
    assert without_dbt("refresh", published.extracts, "--home", home, "--full").returncode == 0
    assert (home / "published" / "current").resolve() != current
    assert _modes(home)["published"] == 0o755
    if os.getuid() != 0:
        pytest.skip("only root can read as another user")
    build = home / "published" / "current"
    assert _reads_as_nobody(build / "harm_mart.duckdb")
    assert not _reads_as_nobody(build / "operational" / "offender_people.duckdb")
    assert not _reads_as_nobody(build / "operational" / "offender_people.parquet")
    written_by_dbt = next(path for path in (home / "target").rglob("*") if path.is_file())
    for path in (home / "warehouse.duckdb", home / ".lock", home / "logs" / "last_refresh.json", written_by_dbt):
        assert not _reads_as_nobody(path)


def _reads_as_nobody(path: Path) -> bool:
    answer = subprocess.run(["/bin/cat", str(path)], user=65534, group=65534, extra_groups=[], capture_output=True)
    return answer.returncode == 0
