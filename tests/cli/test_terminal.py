"""What a person sees of the commands: on narrow and plain terminals, in pipes that nobody reads, with closed or full output."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY, SMALL_FEED, Command, PublishedHome, write_extract
from support import forked

KEY = "Ynys Môn|070000000000000000000001"
HARM = "12,345.5"


@pytest.fixture(scope="module")
def large(published: PublishedHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published list with a long key in Welsh and figures of every length, and rows in quarantine."""
    home = tmp_path_factory.mktemp("large") / "home"
    shutil.copytree(published.home, home, symlinks=True)
    with duckdb.connect(str(home / "published" / "current" / "harm_mart.duckdb")) as connection:
        for table in ("top_100", "offender_harm", "offender_evidence"):
            connection.execute(f"update mart.{table} set offender_key = ?", [KEY])
        connection.execute(
            "update mart.top_100 set harm_days = 12345.5, harm_days_named = 12345.5, harm_days_charged = 0, "
            "unweighted_allegations = 1, is_tied = true, allegations = 12345, female_victims = 1234"
        )
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(
            "insert into raw.quarantine (extract_id, table_name, file_name, line_number, reason) "
            "select '2026-06-30', 'crimes', 'crimes.csv', 1000000 + i, 'reported_on is not a date: use YYYY-MM-DD' "
            "from range(1234) as rows(i)"
        )
    return home


def on_terminal(columns: int, *arguments: str | Path, is_raw: bool = False, **environment: str) -> tuple[int, str]:
    """Returns the exit code and what is on a terminal of that width, without colours unless `is_raw`."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    read: list[bytes] = []

    def drain() -> None:
        with suppress(OSError):
            while piece := os.read(master, 65536):
                read.append(piece)

    reader = threading.Thread(target=drain)
    reader.start()
    settings = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    done = forked.run(
        arguments, "harmrank", REPOSITORY, {**settings, "TERM": "xterm", **environment}, streams=(slave, slave)
    )
    os.close(slave)
    reader.join()
    os.close(master)
    text = b"".join(read).decode().replace("\r\n", "\n")
    return done.returncode, text if is_raw else re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def left_out_of(said: str) -> str:
    """Returns the line that names the columns without room; empty if all are shown."""
    return " ".join(said.partition("Left out")[2].split("--json")[0].split())


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_a_narrow_terminal_cuts_no_figure(large: Path, columns: int) -> None:
    """Every line fits; every figure that is shown is whole; a column without room is named; names are shortened."""
    code, top = on_terminal(columns, "top", "--home", large)
    assert code == 0
    assert f" {HARM} + ? " in top
    left_out = left_out_of(top)
    for heading, figure in (("Named/ charged/ convicted", "100/0/0"), ("Women and girls", "1234")):
        assert (heading in left_out) is not (f" {figure} " in top)
    assert "Closed without charge, Allegations" in left_out
    assert (KEY[:12] in top) is ("Offender" not in left_out)
    code, rows = on_terminal(columns, "quarantine", "--home", large)
    assert code == 0
    assert re.search(r"^ 2026-06-.* 1,234 ", rows, re.MULTILINE)
    assert "1,234 open rows" in " ".join(rows.split())
    assert ("1000000, " in " ".join(rows.split())) is ("Lines" not in left_out_of(rows))
    code, shape = on_terminal(columns, "shape", "--home", large)
    assert code == 0
    assert " 12,346 " in shape
    assert " 100.0 % " in shape
    assert ("36,000" in shape) is ("Published" not in left_out_of(shape))
    code, status = on_terminal(columns, "status", "--home", large)
    assert code == 0
    assert "1,234 rows in quarantine" in " ".join(status.split())
    assert re.search(r"\b\d{4}-\d\d-\d\d\b", status)
    code, builds = on_terminal(columns, "builds", "--home", large)
    assert code == 0
    assert "list date 2026-06-30" in " ".join(builds.split())
    for said in (top, rows, shape, status, builds):
        assert max(map(len, said.splitlines())) <= columns
        # No line ends or begins within a figure.
        assert not re.search(r"^\s*[,.]\d|\d,\d{1,2}$", said, re.MULTILINE)


@pytest.mark.parametrize("size", ["0", ""])
def test_a_terminal_without_a_size_has_eighty_columns(large: Path, size: str) -> None:
    """COLUMNS=0, and a terminal that reports no size, are shown what one of 80 columns is shown."""
    environment = {"COLUMNS": size} if size else {}
    assert on_terminal(0, "top", "--home", large, **environment) == on_terminal(80, "top", "--home", large)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_plain_terminal_shows_no_signs_for_bold(scratch: PublishedHome, term: str) -> None:
    """Such as that of an editor or a serial line: the summary and the tables are text alone."""
    write_extract(scratch.extracts, "2026-07-31", {"crimes": "force\nmet\n"})
    for words in (("refresh", scratch.extracts), ("top",), ("status",)):
        code, said = on_terminal(80, *words, "--home", scratch.home, TERM=term, is_raw=True)
        assert "\x1b" not in said
        assert code == (3 if words[0] == "refresh" else 0)


@pytest.mark.parametrize("columns", [5, 30])
def test_the_summary_fits_a_narrow_terminal(scratch: PublishedHome, columns: int) -> None:
    """A refresh ends with its summary and exit code 0, whatever the width."""
    code, said = on_terminal(columns, "refresh", scratch.extracts, "--home", scratch.home)
    assert code == 0
    assert "Took" in said and "Traceback" not in said


@pytest.mark.parametrize("arguments", [("top",), ("status",), ("explain", KEY), ("quarantine", "--all"), ("shape",)])
def test_a_terminal_without_the_letter(large: Path, cold_harmrank: Command, arguments: tuple[str, ...]) -> None:
    """A terminal of ASCII gets the letter as an escape; JSON is the same everywhere."""
    done = cold_harmrank(*arguments, "--home", large, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert ("Ynys M\\xf4n|0700" in done.stdout) is (arguments[0] in ("top", "explain"))


def test_json_is_the_same_on_every_terminal(large: Path, cold_harmrank: Command) -> None:
    """UTF-8, so that the key can be used."""
    done = cold_harmrank("top", "--home", large, "--json", PYTHONIOENCODING="latin-1")
    assert json.loads(done.stdout)["places"][0]["offender_key"] == KEY


@contextmanager
def unread() -> Iterator[int]:
    """The end of a pipe for writing; the other end is closed."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


def run_into(streams: tuple[int, int], *arguments: str | Path, module: str = "harmrank") -> int:
    """Returns the exit code of a command whose stdout and stderr are these files."""
    return forked.run(arguments, module, REPOSITORY, os.environ, streams=streams).returncode


@pytest.mark.parametrize("log", ["", "--log-json"])
def test_a_refresh_does_not_need_a_reader(scratch: PublishedHome, log: str) -> None:
    """It builds, publishes and runs its hooks although nobody reads what it says; a hook may write, too."""
    write_extract(scratch.extracts, "2026-07-31", SMALL_FEED)
    hook = "sh -c 'echo called; echo called >&2; touch \"$HARMRANK_HOME/called\"'"
    words = ["refresh", scratch.extracts, "--home", scratch.home, "--json", "--on-publish", hook, *filter(None, [log])]
    with unread() as nobody:
        assert run_into((nobody, nobody), *words, module="support.without_dbt") == 0
    assert json.loads((scratch.home / "logs" / "last_refresh.json").read_text())["outcome"] == "published"
    assert (scratch.home / "called").exists()
    last = json.loads((scratch.home / "logs" / "refresh.jsonl").read_text().splitlines()[-1])
    assert (last["outcome"], last["exit_code"]) == ("published", 0)


def test_a_refusal_keeps_its_exit_code_without_a_reader(scratch: PublishedHome) -> None:
    """Exit code 3, as with a reader."""
    write_extract(scratch.extracts, "2026-07-31", {"crimes": "force\nmet\n"})
    with unread() as nobody:
        assert run_into((nobody, nobody), "land", scratch.extracts, "--home", scratch.home) == 3


@pytest.mark.parametrize(
    "arguments", [("top",), ("top", "--json"), ("status",), ("quarantine", "--all"), ("shape",), ("explain", KEY)]
)
def test_a_reader_may_stop_reading(large: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """As `| head -1` does: the command ends quietly, with its own exit code."""
    errors = tmp_path / "errors"
    with unread() as nobody, errors.open("w") as file:
        assert run_into((nobody, file.fileno()), *arguments, "--home", large) == 0
    assert errors.read_text() == ""


@pytest.mark.parametrize("arguments", [("top",), ("top", "--json"), ("status",), ("explain", KEY, "--format", "html")])
def test_a_result_that_cannot_be_written_is_an_error(large: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Exit code 1 and one line, because the result did not reach the caller."""
    errors = tmp_path / "errors"
    with open("/dev/full", "w") as full, errors.open("w") as file:
        assert run_into((full.fileno(), file.fileno()), *arguments, "--home", large) == 1
    assert errors.read_text() == (
        "harmrank: the result could not be written to standard output (No space left on device)\n"
    )


def test_a_full_disk_for_messages_stops_nothing(scratch: PublishedHome) -> None:
    """The messages are lost; the list is published."""
    write_extract(scratch.extracts, "2026-07-31", SMALL_FEED)
    with open("/dev/full", "w") as full:
        words = ("refresh", scratch.extracts, "--home", scratch.home)
        assert run_into((full.fileno(), full.fileno()), *words, module="support.without_dbt") == 0


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&- <&-"])
def test_closed_output_stops_nothing(scratch: PublishedHome, closed: str) -> None:
    """And no file of the home gets the number of a closed stream: what is written later would go into it."""
    write_extract(scratch.extracts, "2026-07-31", SMALL_FEED)
    command = f'exec "$0" -m harmrank land "$1" --home "$2" {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, scratch.extracts, scratch.home], cwd=REPOSITORY, capture_output=True
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    with duckdb.connect(str(scratch.home / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from raw.extracts").fetchone() == (2,)
