"""What a scheduler and its operator see of a refresh: the log, the summary, hooks, SIGTERM, freshness."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import REPOSITORY, SMALL_FEED, Command, PublishedHome, write_extract
from reliability import homes

from harmrank.home import journal
from harmrank.home.folder import Home
from harmrank.machine import signals
from harmrank.reading import freshness
from harmrank.refreshing import hooks, logbook
from harmrank.refreshing.run import Run
from harmrank.text import durations

NAMES = ("Invented", "Mann", "Frau", "1980-01-01")
"""Personal data of the small feed."""

Lines = list[dict[str, Any]]


@pytest.fixture
def hook(tmp_path: Path) -> Callable[..., str]:
    """Returns a function that writes a hook. The hook saves its environment and standard input, then runs `then`."""

    def write(name: str, then: str = "exit 0") -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\nenv > '{path}.env'\ncat > '{path}.json'\necho 'said by a hook'\n{then}\n")
        path.chmod(0o700)
        return str(path)

    return write


def facts_of(hook: str) -> dict[str, Any]:
    """Returns the facts that a hook got as JSON."""
    facts: dict[str, Any] = json.loads(Path(f"{hook}.json").read_text())
    return facts


def environment_of(hook: str) -> dict[str, str]:
    """Returns harmrank's variables in the environment of a hook."""
    pairs = (line.partition("=") for line in Path(f"{hook}.env").read_text().splitlines())
    return {name: value for name, _, value in pairs if name.startswith("HARMRANK_")}


def log_of(home: Path) -> Lines:
    """Returns the lines of a home's log."""
    return [json.loads(line) for line in (home / "logs" / "refresh.jsonl").read_text().splitlines()]


def last_refresh(home: Path) -> Lines:
    """Returns the lines of the last refresh."""
    lines = log_of(home)
    return [line for line in lines if line["refresh"] == lines[-1]["refresh"]]


def add_extract(home: PublishedHome, day: str = "2026-07-31") -> None:
    """Add one more crime against the same woman."""
    crimes, involvements = (
        SMALL_FEED[name].split("\n")[0] + "\n" + "\n".join(lines) + "\n"
        for name, lines in (
            ("crimes", [f"met,c9,19/8,{day},{day}T09:00:00"]),
            ("involvements", [f"met,c9,{who},{day}T09:00:00" for who in ("p1,suspect,charged", "v1,victim,")]),
        )
    )
    write_extract(home.extracts, day, {"crimes": crimes, "involvements": involvements})


def add_unusable_extract(home: PublishedHome) -> None:
    """Add an extract that is refused: a required column is missing."""
    write_extract(home.extracts, "2026-07-15", {"crimes": "force,crime_ref\nmet,c7\n"})


# --- the log ----------------------------------------------------------------------------------------------------------


def test_every_step_has_its_line(published: PublishedHome) -> None:
    """The log has the steps in order, with the same counts as the mart and the manifest."""
    lines = log_of(published.home)
    lines = [line for line in lines if line["refresh"] == lines[0]["refresh"]]
    assert [line["step"] for line in lines] == [
        "begin",
        "extract",
        "landing",
        "building",
        "checking",
        "publishing",
        "refresh",
    ]
    by_step = {line["step"]: line for line in lines}
    manifest = json.loads((published.mart.parent / "manifest.json").read_text())
    with duckdb.connect(str(published.mart), read_only=True) as connection:
        counted = connection.execute(
            "select sum(rows_read)::int, sum(rows_landed)::int, sum(rows_quarantined)::int from mart.extract_reconciliation"
        ).fetchone()
    extract = by_step["extract"]
    assert (extract["extract_id"], extract["outcome"]) == ("2026-06-30", "landed")
    assert (extract["rows_read"], extract["rows_landed"], extract["rows_quarantined"]) == counted
    assert (by_step["landing"]["landed"], by_step["landing"]["refused"]) == (1, 0)
    assert by_step["building"]["models"] > 50 and by_step["building"]["tests"] > 100
    slowest = list(by_step["building"]["slowest"].values())
    assert len(slowest) == 20 and slowest == sorted(slowest, reverse=True)
    assert 0 < slowest[0] < by_step["building"]["seconds"]
    assert by_step["checking"]["expectations"] > 10
    assert by_step["publishing"]["places"] == manifest["tables"]["top_100"]["rows"]
    assert {by_step[step]["build_id"] for step in ("building", "publishing", "refresh")} == {manifest["build_id"]}
    assert (by_step["refresh"]["outcome"], by_step["refresh"]["exit_code"]) == ("published", 0)


def test_the_log_is_in_utc_and_adds_up(published: PublishedHome) -> None:
    """Times end in Z and never decrease; the steps together take no longer than the refresh."""
    lines = log_of(published.home)
    moments = [datetime.strptime(line["at"], "%Y-%m-%dT%H:%M:%S.%f%z") for line in lines]
    assert moments == sorted(moments)
    whole = next(line["seconds"] for line in lines if line["step"] == "refresh")
    parts = [line["seconds"] for line in lines if line["step"] in ("landing", "building", "publishing")]
    assert 0 < sum(parts) <= whole


def test_the_log_has_no_personal_data(published: PublishedHome) -> None:
    """Logs leave the machine: they have no name, date of birth or key of a person, and only the owner can read the file."""
    log = published.home / "logs" / "refresh.jsonl"
    assert [name for name in (*NAMES, "met|p1") if name in log.read_text()] == []
    assert log.stat().st_mode & 0o777 == 0o600


def test_log_json_puts_the_same_lines_on_stderr_and_nothing_else(scratch: PublishedHome, harmrank: Command) -> None:
    """Every line of stderr is JSON, even if the refresh fails; stdout stays for --json."""
    add_unusable_extract(scratch)
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home, "--log-json", "--json")
    assert done.returncode == 3
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert said == last_refresh(scratch.home)
    assert said[-1]["outcome"] == "extract refused" and "2026-07-15" in said[-1]["message"]
    assert json.loads(done.stdout)["refused"][0]["extract_id"] == "2026-07-15"
    by_setting = harmrank("refresh", scratch.extracts, "--home", scratch.home, HARMRANK_LOG_JSON="1")
    assert json.loads(by_setting.stderr.splitlines()[-1])["exit_code"] == 3


def test_control_characters_are_harmless_in_the_log(scratch: PublishedHome, harmrank: Command) -> None:
    """A folder's name may contain control characters: its line stays one line of plain characters."""
    write_extract(scratch.extracts, "2026-07-31\n\x1b[31m", {"crimes": "force\n"})
    assert harmrank("refresh", scratch.extracts, "--home", scratch.home).returncode == 3
    text = (scratch.home / "logs" / "refresh.jsonl").read_text()
    assert text.replace("\n", "").isprintable() and text.isascii()
    assert [line["outcome"] for line in last_refresh(scratch.home) if line["step"] == "extract"] == ["refused"]


def test_the_size_of_the_log_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Number and size of the files are limited. The first has the newest lines. Only the owner can read them."""
    home = Home(tmp_path / "home")
    home.create()
    monkeypatch.setattr(logbook, "MAX_BYTES", 2_000)
    monkeypatch.setattr(logbook, "KEPT_FILES", 2)
    for number in range(50):
        Run(home).remark(f"line {number}")
    files = sorted(home.logs.glob("refresh.jsonl*"))
    assert [path.name for path in files] == ["refresh.jsonl", "refresh.jsonl.1", "refresh.jsonl.2"]
    assert all(path.stat().st_size <= 2_000 and path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert log_of(home.root)[-1]["message"] == "line 49"


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    """A thousand long sentences do not fill the log."""
    home = Home(tmp_path / "home")
    home.create()
    Run(home).note("remark", "said", details=["word " * 1_000] * 1_000, message="x" * 100_000)
    (line,) = log_of(home.root)
    assert len(line["details"]) < 50 and len(json.dumps(line)) < 100_000


def test_a_refresh_goes_on_without_its_log(scratch: PublishedHome, harmrank: Command) -> None:
    """The refresh goes on and says so once."""
    (scratch.home / "logs" / "refresh.jsonl").unlink()
    (scratch.home / "logs" / "refresh.jsonl").mkdir()
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("could not be written") == 1
    assert "Traceback" not in done.stderr


# --- the summary ------------------------------------------------------------------------------------------------------


def test_the_summary_wraps_on_a_terminal(scratch: PublishedHome) -> None:
    """On a terminal of 60 columns every sentence wraps at a space, and the headline is bold."""
    parent, child = pty.openpty()
    subprocess.run(["stty", "cols", "60", "rows", "40"], stdin=child, check=True)
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    command = homes.command("refresh", scratch.extracts, "--home", scratch.home)
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env={**environment, "TERM": "xterm"}, stdin=child, stdout=child, stderr=child
    )
    os.close(child)
    said = b""
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:
            break
        said += part
    assert process.wait() == 0
    text = said.decode()
    assert "\x1b[1mnothing new: the published list for 2026-06-30 is current" in text
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    sentences = [line for line in plain.splitlines() if not line.strip().startswith("/")]
    # A path after its label has no space to wrap at.
    assert [line for line in sentences if len(line) > 60 and not re.fullmatch(r"\s*See\s+/\S+\s*", line)] == []


# --- hooks ------------------------------------------------------------------------------------------------------------


def test_a_publication_runs_its_hook_and_ends_with_a_summary(
    scratch: PublishedHome, harmrank: Command, hook: Callable[..., str]
) -> None:
    """The hook and the summary have the figures of the mart."""
    add_extract(scratch)
    on_publish, on_failure = hook("on_publish"), hook("on_failure")
    done = harmrank(
        "refresh", scratch.extracts, "--home", scratch.home, "--json", "--on-publish", on_publish, HARMRANK_ON_FAILURE=on_failure
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    build = os.readlink(scratch.home / "published" / "current")
    facts, environment = facts_of(on_publish), environment_of(on_publish)
    assert environment["HARMRANK_BUILD_ID"] == facts["build_id"] == build == json.loads(done.stdout)["build_id"]
    assert environment["HARMRANK_LIST_DATE"] == facts["list_date"] == "2026-07-31"
    assert environment["HARMRANK_HOME"] == str(scratch.home)
    assert environment["HARMRANK_PUBLISHED"] == str(scratch.home / "published" / build)
    assert (environment["HARMRANK_EVENT"], environment["HARMRANK_EXIT_CODE"]) == ("published", "0")
    assert (facts["extracts_landed"], facts["rows_landed"]) == (["2026-07-31"], 3)
    assert not environment.keys() & {"HARMRANK_ON_PUBLISH", "HARMRANK_ON_FAILURE"}, (
        "a hook that refreshes calls no hook"
    )
    assert "said by a hook" in done.stderr, "stdout is for the result"
    assert not Path(f"{on_failure}.json").exists()
    with duckdb.connect(str(scratch.mart), read_only=True) as connection:
        moved = connection.execute(
            "select entered, people_left, previous_list_date from mart.list_churn where list_date = '2026-07-31'"
        ).fetchone()
    assert moved is not None
    summary = " ".join(done.stderr[done.stderr.index("published the list for 2026-07-31") :].split())
    assert "Landed 1 extract (2026-07-31): 3 rows, 0 in quarantine; 1 extract landed before" in summary
    assert f"Changes {moved[0]} entered and {moved[1]} left since {moved[2]}" in summary
    assert re.search(r"Took \d+\.\d s: landing \d+\.\d, building and testing \d+\.\d, checking and publishing", summary)
    assert f"See harmrank top --home {scratch.home} See {scratch.home}/logs/refresh.jsonl: one line per step" in summary
    assert [name for name in NAMES if name in done.stderr + done.stdout + json.dumps(facts)] == []
    assert [line["step"] for line in last_refresh(scratch.home)][-2:] == ["hook on-publish", "refresh"]


@pytest.mark.thorough
def test_a_past_list_runs_no_publish_hook(scratch: PublishedHome, harmrank: Command, hook: Callable[..., str]) -> None:
    """A hook passes the current list on; it must not pass on a past list in its place."""
    on_publish = hook("on_publish")
    asked = ("refresh", scratch.extracts, "--home", scratch.home, "--known-at", "2026-06-30")
    done = harmrank(*asked, HARMRANK_ON_PUBLISH=on_publish)
    assert (done.returncode, "running the hook" in done.stderr) == (0, False), done.stderr
    assert "published the list for 2026-06-30" in done.stderr and not Path(f"{on_publish}.json").exists()


def test_nothing_new_runs_no_hook(scratch: PublishedHome, harmrank: Command, hook: Callable[..., str]) -> None:
    """A refresh without a new extract runs no hook."""
    on_publish, on_failure = hook("on_publish"), hook("on_failure")
    done = harmrank(
        "refresh", scratch.extracts, "--home", scratch.home, "--on-publish", on_publish, "--on-failure", on_failure
    )
    assert (done.returncode, "running the hook" in done.stderr) == (0, False)
    assert not Path(f"{on_publish}.json").exists() and not Path(f"{on_failure}.json").exists()


def test_a_failed_hook_changes_nothing_published_and_is_noticed(
    scratch: PublishedHome, without_dbt: Command, hook: Callable[..., str]
) -> None:
    """Exit code 1 and the failure hook: otherwise nobody would notice that the publish hook has failed."""
    on_publish, on_failure = hook("on_publish", "exit 7"), hook("on_failure", "kill -9 $$")
    before = os.readlink(scratch.home / "published" / "current")
    done = without_dbt(
        "refresh", scratch.extracts, "--home", scratch.home, "--full", "--on-publish", on_publish, "--on-failure", on_failure
    )  # fmt: skip
    assert done.returncode == 1
    assert "the hook on-publish failed (exit code 7); the list was published" in done.stderr.splitlines()[-1]
    assert "the hook on-failure failed (signal 9)" in done.stderr
    after = os.readlink(scratch.home / "published" / "current")
    assert after != before and homes.check(scratch.home) == after
    facts = facts_of(on_failure)
    assert (facts["event"], facts["exit_code"], facts["build_id"]) == ("failed", 1, after)
    assert "exit code 7" in environment_of(on_failure)["HARMRANK_MESSAGE"]
    outcomes = {line["step"]: line["outcome"] for line in last_refresh(scratch.home)}
    assert (outcomes["publishing"], outcomes["hook on-publish"], outcomes["refresh"]) == (
        "published",
        "failed",
        "failed",
    )


def test_a_refused_extract_runs_the_failure_hook(
    scratch: PublishedHome, harmrank: Command, hook: Callable[..., str]
) -> None:
    """Exit code 3, in each refresh until somebody removes the extract: somebody has to write to the supplier."""
    add_unusable_extract(scratch)
    on_failure = hook("on_failure")
    for _ in range(2):
        done = harmrank("refresh", scratch.extracts, "--home", scratch.home, "--on-failure", on_failure)
        assert done.returncode == 3
        assert environment_of(on_failure)["HARMRANK_EXIT_CODE"] == "3"
        assert facts_of(on_failure)["extracts_refused"] == ["2026-07-15"]
        assert "2026-07-15" in environment_of(on_failure)["HARMRANK_MESSAGE"]
        Path(f"{on_failure}.json").unlink()
    assert "Refused" in done.stderr


@pytest.mark.thorough
def test_a_failed_gate_runs_the_failure_hook(
    scratch: PublishedHome, harmrank: Command, hook: Callable[..., str]
) -> None:
    """Exit code 4: nothing was published; the log and the hook name the failed test."""
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw.crimes where crime_ref = 'c2'")
    on_publish, on_failure = hook("on_publish"), hook("on_failure")
    done = harmrank(
        "refresh", scratch.extracts, "--home", scratch.home, "--full", "--on-publish", on_publish, "--on-failure", on_failure
    )  # fmt: skip
    assert done.returncode == 4
    assert not Path(f"{on_publish}.json").exists()
    assert environment_of(on_failure)["HARMRANK_EXIT_CODE"] == "4"
    assert "rows_are_conserved" in facts_of(on_failure)["message"]
    building, end = last_refresh(scratch.home)[-3], last_refresh(scratch.home)[-1]
    assert (building["step"], building["outcome"], end["outcome"]) == ("building", "failed", "gate failed")
    assert any("rows_are_conserved" in sentence for sentence in building["details"])


def test_a_busy_home_and_wrong_use_run_the_failure_hook(
    scratch: PublishedHome, harmrank: Command, hook: Callable[..., str], tmp_path: Path
) -> None:
    """Exit codes 5 and 2: an unmounted share must not go unnoticed. The log has it if there is a home."""
    on_failure = hook("on_failure")
    with Home(scratch.home).lock():
        done = harmrank("refresh", scratch.extracts, "--home", scratch.home, "--on-failure", on_failure)
    assert (done.returncode, environment_of(on_failure)["HARMRANK_EXIT_CODE"]) == (5, "5")
    assert log_of(scratch.home)[-1]["outcome"] == "busy"
    done = harmrank("refresh", tmp_path / "not-mounted", "--home", scratch.home, "--on-failure", on_failure)
    assert (done.returncode, environment_of(on_failure)["HARMRANK_EXIT_CODE"]) == (2, "2")
    assert log_of(scratch.home)[-1]["outcome"] == "wrong use"
    harmrank("refresh", tmp_path / "not-mounted", "--home", tmp_path / "new", "--on-failure", on_failure)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program --loud", "no-such-program is not a program on this machine"),
        ("echo 'unclosed", "cannot be read as a command (no closing quotation)"),
        (" ", "the command is empty"),
    ],
)
def test_a_hook_that_cannot_run_is_wrong_use(
    scratch: PublishedHome, harmrank: Command, command: str, said: str
) -> None:
    """Reported at once, not in the night when the hook is needed."""
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home, "--on-failure", command)
    assert (done.returncode, said in " ".join(done.stderr.split())) == (2, True), done.stderr


def test_no_fact_becomes_part_of_a_command(tmp_path: Path) -> None:
    """Neither the command line nor a fact passes through a shell."""
    sign = tmp_path / "sign"
    evil = f"$(touch {sign}); touch {sign} & `touch {sign}`"
    shown = tmp_path / "shown"
    program = "import os, sys; open(sys.argv[1], 'w').write(sys.argv[2] + os.environ['HARMRANK_MESSAGE'])"
    command = hooks.split(f"{sys.executable} -c \"{program}\" {shown} '{evil}'")
    assert hooks.call("on-failure", command, {"message": f"{evil}\0\n"}, timedelta(minutes=1)) is None
    assert shown.read_text() == f"{evil}{evil}\\x00\\n"
    assert not sign.exists()


def test_a_hook_ends_with_every_process_it_started(tmp_path: Path) -> None:
    """After the time limit no process of the hook is left, not even a child that ignores SIGTERM."""
    child = tmp_path / "child"
    script = tmp_path / "hook.sh"
    script.write_text(f"trap '' TERM\nsh -c \"trap '' TERM; echo \\$\\$ > {child}; sleep 600\" &\nwait\nsleep 600\n")
    trouble = hooks.call("on-publish", ("sh", str(script)), {}, timedelta(seconds=1))
    assert trouble == "the hook on-publish was ended: it took longer than 1 second"
    number = int(child.read_text())
    for _ in range(100):
        status = Path(f"/proc/{number}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            break
        time.sleep(0.1)
    else:
        pytest.fail("a child of the hook lives on")


def test_a_hook_need_not_read_its_standard_input() -> None:
    """A hook may ignore a megabyte of warnings on its standard input."""
    assert hooks.call("on-publish", ("true",), {"details": ["x" * 1_000_000]}, timedelta(minutes=1)) is None


# --- SIGTERM ----------------------------------------------------------------------------------------------------------


def test_after_sigterm_it_says_so_runs_its_hook_and_leaves_the_home_whole(
    scratch: PublishedHome, harmrank: Command, hook: Callable[..., str]
) -> None:
    """SIGTERM during dbt's work, as systemd sends it after TimeoutStartSec or at shutdown."""
    on_failure = hook("on_failure")
    before = os.readlink(scratch.home / "published" / "current")
    command = homes.command("refresh", scratch.extracts, "--home", scratch.home, "--full", "--on-failure", on_failure)
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    # The first tenth of the nodes is built.
    assert any(re.match(r"  \d+ of \d+: ", line) for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    rest = process.stderr.read()
    assert process.wait() == 1, rest
    assert rest.splitlines()[-1] == "harmrank: stopped by SIGTERM: what was published before is still current"
    assert "Traceback" not in rest
    facts = facts_of(on_failure)
    assert (facts["exit_code"], facts["outcome"], facts["during"]) == (1, "stopped", "building")
    assert log_of(scratch.home)[-1]["outcome"] == "stopped"
    assert homes.check(scratch.home) == before
    assert homes.leftovers(scratch.home) == []
    said = " ".join(harmrank("status", "--home", scratch.home).stdout.split())
    assert "was stopped by SIGTERM while building: run harmrank refresh again" in said


def test_an_interrupted_query_counts_as_stopped() -> None:
    """DuckDB turns the signal into an error of its own: that must not show as an unexpected error."""
    # A query that ends by itself after some seconds: DuckDB 2.0 sometimes finishes what a thread has begun before it stops.
    code = (
        "import os, signal, threading, duckdb\n"
        "from harmrank.machine import signals\n"
        "with signals.listening():\n"
        "    threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "    try:\n"
        "        duckdb.sql('select count(*) from range(1000000000) where (range % 1013) * (range % 1019) % 7 = 3').fetchall()\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, signals.received())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["RuntimeError", "by", "SIGTERM"], done.stderr


def test_sigterm_after_publishing_ends_only_compacting(
    scratch: PublishedHome, tmp_path: Path, hook: Callable[..., str]
) -> None:
    """What is published stays published: exit code 0, the publish hook runs, the warehouse is unchanged."""
    on_publish = hook("on_publish")
    code = (
        "import os, signal\n"
        "from harmrank.cli import main as cli; from harmrank.home import compaction; from support import without_dbt\n"
        "without_dbt.stand_in_for_dbt()\n"
        "real = compaction._compact\n"
        "def stopped(*arguments):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    real(*arguments)\n"
        "compaction._compact = stopped\n"
        f"cli.main(['refresh', {str(scratch.extracts)!r}, '--home', {str(scratch.home)!r}, '--full', '--on-publish', {on_publish!r}])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=homes.ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the warehouse was not compacted: stopped by a signal" in done.stderr
    assert facts_of(on_publish)["build_id"] == homes.check(scratch.home)
    assert {line["step"]: line["outcome"] for line in last_refresh(scratch.home)}["compacting"] == "failed"


def test_sigterm_while_landing(tmp_path: Path, harmrank: Command) -> None:
    """No half extract and no unexpected error."""
    extracts, home = tmp_path / "extracts", tmp_path / "home"
    assert harmrank("sample", "--out", extracts, "--crimes", "20000", "--months", "6").returncode == 0
    command = homes.command("refresh", extracts, "--home", home, "--log-json")
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any('"step": "extract"' in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    end = json.loads(process.stderr.read().splitlines()[-1])
    assert process.wait() == 1
    assert end["outcome"] == "stopped" and end["during"] in ("landing", "extract"), end
    entry = journal.read(Home(home))
    assert entry is not None and entry["outcome"] == journal.STOPPED
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        halves = connection.execute(
            "select count(*) from raw.extract_files where rows_landed <> (select count(*) from raw.crimes as c "
            "where c.extract_id = extract_files.extract_id) and table_name = 'crimes'"
        ).fetchone()
    assert halves == (0,)


def test_an_ignored_signal_stays_ignored() -> None:
    """Ctrl-C in a shell must not end its background jobs."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals.listening():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


# --- freshness --------------------------------------------------------------------------------------------------------


def succeeded(home: Path, ago: timedelta | None, **facts: Any) -> None:
    """Set the time since a home's last successful refresh, and make the current build older."""
    moment = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ") if ago is not None else None
    path = home / "logs" / "last_refresh.json"
    entry = json.loads(path.read_text()) | {"ended_well_at": moment} | facts
    path.write_text(json.dumps(entry))
    manifest = home / "published" / "current" / "manifest.json"
    manifest.write_text(re.sub(r'"built_at": "\d{4}', '"built_at": "2020', manifest.read_text()))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("26h", timedelta(hours=26)),
        ("90m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("45s", timedelta(seconds=45)),
        ("1w", timedelta(days=7)),
    ],
)
def test_spans_are_read(text: str, span: timedelta) -> None:
    assert durations.parse(text) == span


@pytest.mark.parametrize("text", ["26", "h", "1.5h", "-2d", "0h", "2 days", "26H", "1000000000h", "٣h", ""])
def test_a_malformed_span_is_wrong_use(published: PublishedHome, harmrank: Command, text: str) -> None:
    """One line says what to write; a mistyped span is never accepted."""
    done = harmrank("status", "--home", published.home, "--max-age", text)
    assert (done.returncode, "write 26h, 90m or 2d" in " ".join(done.stderr.split())) == (2, True), done.stderr


def test_fresh_and_stale_are_one_line_and_an_exit_code(scratch: PublishedHome, harmrank: Command) -> None:
    """Just below and just above the limit; the answer is on stdout, where monitors look."""
    succeeded(scratch.home, timedelta(hours=25, minutes=59))
    fresh = harmrank("status", "--home", scratch.home, "--max-age", "26h")
    assert (fresh.returncode, fresh.stderr) == (0, "")
    assert fresh.stdout == "fresh: the last successful refresh ended 25 hours ago, the list is for 2026-06-30\n"
    succeeded(scratch.home, timedelta(hours=26, minutes=1))
    stale = harmrank("status", "--home", scratch.home, "--max-age", "26h")
    assert (stale.returncode, stale.stderr) == (1, "")
    assert (
        stale.stdout
        == "stale: the last successful refresh ended 26 hours ago, more than 26 hours: does the scheduler run?\n"
    )
    facts = json.loads(harmrank("status", "--home", scratch.home, "--max-age", "26h", "--json").stdout)
    assert facts["is_stale"] and 26 * 3600 < facts["age_seconds"] < 27 * 3600


def test_nothing_new_keeps_a_home_fresh_and_a_failure_does_not(scratch: PublishedHome, harmrank: Command) -> None:
    """A scheduler that finds nothing new is healthy; one whose refreshes fail is not, and the line says why."""
    succeeded(scratch.home, timedelta(days=9))
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")):
        assert harmrank("refresh", scratch.extracts, "--home", scratch.home).returncode == 5
    stale = harmrank("status", "--home", scratch.home, "--max-age", "26h")
    assert (stale.returncode, "the last successful refresh ended 9 days ago" in stale.stdout) == (1, True)
    assert "failed while landing" in stale.stdout and "is open in process" in stale.stdout
    assert harmrank("refresh", scratch.extracts, "--home", scratch.home).returncode == 0
    assert harmrank("status", "--home", scratch.home, "--max-age", "26h").returncode == 0
    assert "the last successful refresh" in " ".join(harmrank("status", "--home", scratch.home).stdout.split())
    add_unusable_extract(scratch)
    succeeded(scratch.home, timedelta(days=9))
    assert harmrank("refresh", scratch.extracts, "--home", scratch.home).returncode == 3
    assert harmrank("status", "--home", scratch.home, "--max-age", "26h").returncode == 0, (
        "everything usable was published"
    )


def test_the_age_of_the_list_has_its_own_limit(scratch: PublishedHome, harmrank: Command) -> None:
    """Refreshes that find nothing new do not change the date of the list."""
    succeeded(scratch.home, timedelta(minutes=1))
    done = harmrank("status", "--home", scratch.home, "--max-age", "26h", "--max-list-age", "40d")
    assert (done.returncode, "the list is for 2026-06-30" in done.stdout, "more than 40 days" in done.stdout) == (
        1,
        True,
        True,
    )
    assert harmrank("status", "--home", scratch.home, "--max-list-age", "99999d").returncode == 0


def test_a_home_in_use_is_judged_without_waiting(scratch: PublishedHome, harmrank: Command) -> None:
    """The last finished refresh counts. If the home is stale, the line names the running one."""
    entry = {"outcome": journal.RUNNING, "step": "building", "process": os.getpid(), "build_id": "b"}
    with Home(scratch.home).lock(), duckdb.connect(str(scratch.home / "warehouse.duckdb")):
        succeeded(scratch.home, timedelta(hours=1), **entry)
        assert harmrank("status", "--home", scratch.home, "--max-age", "26h").returncode == 0
        succeeded(scratch.home, timedelta(hours=30), **entry)
        stale = harmrank("status", "--home", scratch.home, "--max-age", "26h")
    assert (stale.returncode, f"a refresh is running (process {os.getpid()}" in stale.stdout) == (1, True), stale.stdout


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda home: (home / "warehouse.duckdb").write_text("x"), None),
        (lambda home: (home / "logs" / "last_refresh.json").write_text("{"), None),
        (lambda home: (home / "published" / "current" / "manifest.json").write_text("{"), "manifest.json is damaged"),
        (lambda home: os.truncate(home / "published" / "current" / "harm_mart.duckdb", 9), "its size has changed"),
        (lambda home: shutil.rmtree((home / "published" / "current").resolve()), "a build that is gone"),
        (lambda home: (home / "published" / "current").unlink(), "nothing has been published yet"),
        (lambda home: shutil.rmtree(home / "logs"), None),
    ],
    ids=["warehouse", "journal", "manifest", "mart", "build", "link", "logs"],
)
def test_a_damaged_home_gets_a_verdict(
    scratch: PublishedHome, harmrank: Command, harm: Callable[[Path], object], said: str | None
) -> None:
    """Damage that readers would notice is stale and named; damage that only the next refresh would notice is not."""
    harm(scratch.home)
    done = harmrank("status", "--home", scratch.home, "--max-age", "52w")
    assert (done.returncode, done.stderr) == (0 if said is None else 1, ""), done.stdout
    assert said is None or said in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_an_empty_home_is_stale_and_a_missing_one_is_wrong_use(tmp_path: Path, harmrank: Command) -> None:
    """A home without a refresh is stale; a wrong path is wrong use."""
    Home(tmp_path / "home").create()
    done = harmrank("status", "--home", tmp_path / "home", "--max-age", "26h")
    assert (done.returncode, done.stdout) == (
        1,
        "stale: nothing has been published yet; no refresh has succeeded yet\n",
    )
    (tmp_path / "other").mkdir()
    for place in ("none", "other"):
        assert harmrank("status", "--home", tmp_path / place, "--max-age", "26h").returncode == 2


def test_a_home_is_not_fresh_for_ever_after_the_clock_was_put_back(scratch: PublishedHome) -> None:
    """A negative age does not count as fresh."""
    succeeded(scratch.home, -timedelta(hours=2))
    judged = freshness.judge(Home(scratch.home), timedelta(hours=26), None)
    assert judged.is_stale and "clock" in judged.said


def test_the_age_of_a_home_by_an_older_harmrank_is_that_of_its_build(scratch: PublishedHome) -> None:
    """Its journal has no time of success: the start of the current build counts."""
    path = scratch.home / "logs" / "last_refresh.json"
    entry = json.loads(path.read_text())
    del entry["ended_well_at"]
    path.write_text(json.dumps(entry))
    assert not freshness.judge(Home(scratch.home), timedelta(hours=26), None).is_stale
    succeeded(scratch.home, None)
    assert freshness.judge(Home(scratch.home), timedelta(hours=26), None).is_stale


def test_status_for_monitors_loads_nothing_heavy(published: PublishedHome) -> None:
    """A monitor asks every minute: this loads neither dbt nor Great Expectations nor rich."""
    code = (
        "import sys, harmrank.cli.main as cli\n"
        "cli._exit = lambda code: print(code, *[m for m in ('dbt', 'great_expectations', 'rich') if m in sys.modules])\n"
        f"cli.main(['status', '--home', {str(published.home)!r}, '--max-age', '52w'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0", done.stdout
