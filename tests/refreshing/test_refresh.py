"""The command from extracts to the published list, as a scheduler and a reader see it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY, SMALL_FEED, Command, PublishedHome, write_extract


def build_id(home: Path) -> str:
    """Returns the build that `current` points to."""
    return os.readlink(home / "published" / "current")


def rows(mart: Path, query: str) -> list[tuple[object, ...]]:
    """Returns what a BI tool would read."""
    with duckdb.connect(str(mart), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_small_feed_gives_the_list_worked_out_by_hand(published: PublishedHome) -> None:
    """One man with one victim has 1825 days (rape, 19/8) and 10 (ABH)."""
    place = rows(
        published.mart,
        "select list_date::varchar, harm_rank, offender_key, harm_days, allegations, female_victims, "
        "most_serious_offence_code, harm_days_named, harm_days_charged, previous_rank, months_on_list, is_tied "
        "from mart.top_100",
    )
    assert place == [("2026-06-30", 1, "met|p1", 1835.0, 2, 1, "019/08", 10.0, 1825.0, 1, 2, False)]
    evidence = rows(published.mart, "select crime_ref, harm_days, status from mart.top_100_evidence order by 1")
    assert evidence == [("c1", 1825.0, "charged"), ("c2", 10.0, "named")]
    history = rows(
        published.mart,
        "select list_date::varchar, harm_days, harm_days_named, harm_days_charged, harm_days_convicted "
        "from mart.list_history order by 1",
    )
    assert history == [("2026-05-31", 1825.0, 0.0, 1825.0, 0.0), ("2026-06-30", 1835.0, 10.0, 1825.0, 0.0)]


def test_cases_closed_without_a_charge_show_in_every_table(scratch: PublishedHome, harmrank: Command) -> None:
    """Both crimes get outcome 16: the man stays charged with the rape, the assault is closed. An outcome also changes past
    lists."""
    header = "force,crime_ref,offence_code,reported_on,outcome_type,updated_at\n"
    crimes = "met,c1,19/8,2026-05-01,16,2026-07-02\nmet,c2,008/06,2026-06-01,16,2026-07-02\n"
    write_extract(scratch.extracts, "2026-07-31", {"crimes": header + crimes})
    before = harmrank("explain", "met|p1", "--home", scratch.home).stdout
    assert "None of the harm rests on cases that were closed without a charge." in " ".join(before.split())
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home)
    assert done.returncode == 0, done.stderr
    closed = "harm_days_named, harm_days_closed_without_charge, share_closed_without_charge"
    for table in ("top_100", "offender_harm"):
        assert rows(scratch.mart, f"select {closed} from mart.{table}") == [(10.0, 10.0, 10 / 1835)]
    history = rows(scratch.mart, f"select {closed} from mart.list_history order by list_date")
    assert history == [(0.0, 0.0, 0.0), (10.0, 10.0, 10 / 1835), (10.0, 10.0, 10 / 1835)]
    explained = " ".join(harmrank("explain", "met|p1", "--home", scratch.home).stdout.split())
    assert "Less than 1 % of the harm (10 days) rests on cases that were closed without a charge." in explained
    assert explained.count("The case was closed without a charge (Home Office outcome 16).") == 1
    top = " ".join(harmrank("top", "--home", scratch.home, COLUMNS="130").stdout.split())
    assert "1/99/0" in top


def test_the_manifest_describes_exactly_what_was_published(published: PublishedHome) -> None:
    """A reader can check every file and column against the manifest."""
    folder = published.mart.parent
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["list_date"] == "2026-06-30"
    assert manifest["extracts"] == ["2026-06-30"]
    assert manifest["method"] == "v100"
    assert manifest["harm_index"] == "cchi_2020_supplemented"
    assert "Cambridge Crime Harm Index 2020" in manifest["harm_index_source"]
    for name, table in manifest["tables"].items():
        parquet = folder / table["file"]
        assert hashlib.sha256(parquet.read_bytes()).hexdigest() == table["sha256"]
        with duckdb.connect() as connection:
            described = connection.execute("describe select * from read_parquet(?)", [str(parquet)]).fetchall()
            counted = connection.execute("select count(*) from read_parquet(?)", [str(parquet)]).fetchone()
            assert table["keys"], f"{name} says by which columns a row is known"
            for key in table["keys"]:
                query = f"select count(*) from (select distinct {', '.join(key)} from read_parquet(?))"
                assert connection.execute(query, [str(parquet)]).fetchone() == counted, (name, key)
        assert [(c["name"], c["type"]) for c in table["columns"]] == [(d[0], d[1]) for d in described], name
        assert counted == (table["rows"],)
    assert manifest["tables"]["top_100"]["keys"] == [["harm_rank"], ["offender_key"]]
    assert manifest["tables"]["list_history"]["keys"] == [["list_date", "harm_rank"], ["list_date", "offender_key"]]


def test_the_contract_tables_are_there_with_their_comments(published: PublishedHome) -> None:
    """BI users find every table of the contract, and every column has a description."""
    listed = "select table_name from duckdb_tables() where schema_name='mart'"
    assert rows(published.names, listed) == [("offender_people",)]
    tables = {row[0] for row in rows(published.mart, listed)}
    assert tables >= {
        "top_100",
        "top_100_evidence",
        "offender_harm",
        "list_history",
        "crime_harm_monthly",
        "harm_concentration",
        "extract_reconciliation",
        "data_defects",
        "build_info",
    }
    columns = [
        row
        for file in (published.mart, published.names)
        for row in rows(
            file, "select table_name, column_name, data_type, comment from duckdb_columns() where schema_name = 'mart'"
        )
    ]
    assert [row for row in columns if row[3] is None] == []
    assert {kind for _, _, kind, _ in columns} <= {
        "VARCHAR",
        "DATE",
        "TIMESTAMP",
        "DOUBLE",
        "INTEGER",
        "BIGINT",
        "BOOLEAN",
    }


def test_older_clients_can_read_the_published_file(published: PublishedHome) -> None:
    """DuckDB clients from 1.1 on can open storage version 64, whichever version wrote the file."""
    header = published.mart.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64


def test_every_table_and_column_of_the_warehouse_is_described(published: PublishedHome) -> None:
    """In the warehouse, everything that dbt made has a description, not only the marts."""
    silent = rows(
        published.home / "warehouse.duckdb",
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where comment is null and schema_name in ('reference', 'staging', 'intermediate', 'mart') "
        "union all select schema_name, table_name, null from duckdb_tables() "
        "where comment is null and schema_name in ('reference', 'staging', 'intermediate', 'mart')",
    )
    assert silent == []


def test_nothing_new_publishes_nothing(scratch: PublishedHome, harmrank: Command) -> None:
    """Idempotent: after the same extracts the same build is current, with exit code 0."""
    before = build_id(scratch.home)
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home)
    assert done.returncode == 0, done.stderr
    assert "nothing new" in done.stderr
    assert build_id(scratch.home) == before


def test_a_later_extract_changes_the_list(scratch: PublishedHome, harmrank: Command) -> None:
    """An update, a tombstone and a merge change the list; the old build stays beside the new one."""
    before = build_id(scratch.home)
    write_extract(
        scratch.extracts,
        "2026-07-31",
        {
            "crimes": "force,crime_ref,offence_code,reported_on,updated_at,deleted\nmet,c2,,,2026-07-01T00:00:00,Y\n",
            "person_merges": "force,person_ref,merged_into_ref,updated_at\nmet,p1,p9,2026-07-01T00:00:00\n",
            "people": "force,person_ref,sex,updated_at\nmet,p9,M,2026-07-01T00:00:00\n",
        },
    )
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home)
    assert done.returncode == 0, done.stderr
    assert rows(scratch.mart, "select offender_key, harm_days, list_date::varchar from mart.top_100") == [
        ("met|p9", 1825.0, "2026-07-31")
    ]
    people = rows(scratch.names, "select person_ref, is_surviving_record from mart.offender_people order by 1")
    assert people == [("p1", False), ("p9", True)]
    assert (scratch.home / "published" / before / "manifest.json").exists()
    reconciled = rows(
        scratch.mart,
        "select sum(rows_read), sum(rows_current), sum(rows_superseded), sum(rows_deleted) "
        "from mart.extract_reconciliation",
    )
    assert reconciled == [(11, 9, 1, 1)]


def test_a_refused_extract_gives_3_and_the_rest_is_published(scratch: PublishedHome, without_dbt: Command) -> None:
    """One broken extract does not stop the others."""
    write_extract(scratch.extracts, "2026-07-31", {"crimes": "force,crime_ref\nmet,c3\n"})
    write_extract(
        scratch.extracts,
        "2026-08-31",
        {"crimes": "force,crime_ref,offence_code,reported_on,updated_at\nmet,c9,46,2026-08-01,2026-08-02T00:00:00\n"},
    )
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home)
    assert done.returncode == 3
    assert "2026-07-31" in done.stderr
    assert "offence_code" in done.stderr
    assert "Traceback" not in done.stderr
    assert rows(scratch.mart, "select distinct list_date::varchar from mart.top_100") == [("2026-08-31",)]


def test_the_accepted_share_of_bad_rows_can_be_set(scratch: PublishedHome, harmrank: Command) -> None:
    """One row of two is bad: more than a tenth, so the extract is refused, unless the limit is a half."""
    write_extract(
        scratch.extracts,
        "2026-07-31",
        {
            "crimes": "force,crime_ref,offence_code,reported_on,updated_at\n"
            "met,c9,46,2026-07-01,2026-07-02T00:00:00\nmet,c10,46,soon,2026-07-02T00:00:00\n"
        },
    )
    refused = harmrank("land", scratch.extracts, "--home", scratch.home)
    assert (refused.returncode, "line 3, column reported_on" in refused.stderr) == (3, True)
    borne = harmrank("land", scratch.extracts, "--home", scratch.home, "--max-bad-share", "0.5")
    assert borne.returncode == 0, borne.stderr
    assert "1 row landed, 1 in quarantine" in borne.stderr
    assert harmrank("land", scratch.extracts, "--home", scratch.home, "--max-bad-share", "50").returncode == 2


def test_a_failed_gate_leaves_the_last_list_and_gives_4(
    scratch: PublishedHome, harmrank: Command, without_dbt: Command
) -> None:
    """A row that landing counted is missing from raw: the conservation test must stop the publication. Once the row is
    back, the next refresh publishes, and `status` no longer shows the failure."""
    before = build_id(scratch.home)
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        connection.execute("create table kept as from raw.crimes")
        connection.execute("delete from raw.crimes where crime_ref = 'c2'")
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home, "--full")
    assert done.returncode == 4
    assert "rows_are_conserved" in done.stderr
    assert build_id(scratch.home) == before
    assert rows(scratch.mart, "select harm_days from mart.top_100") == [(1835.0,)]
    status = harmrank("status", "--home", scratch.home)
    assert "rows_are_conserved" in status.stdout
    assert "did not pass its tests" in " ".join(status.stdout.split())
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw.crimes")
        connection.execute("insert into raw.crimes from kept")
    assert without_dbt("refresh", scratch.extracts, "--home", scratch.home).returncode == 0
    assert "rows_are_conserved" not in harmrank("status", "--home", scratch.home).stdout


def test_a_home_in_use_gives_5_until_its_owner_dies(scratch: PublishedHome, harmrank: Command) -> None:
    """Two refreshes never work in one home; a killed one leaves it free."""
    hold = (
        "import sys, time; from pathlib import Path; from harmrank.home.folder import Home\n"
        "with Home(Path(sys.argv[1])).lock():\n    print('held', flush=True); time.sleep(120)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", hold, str(scratch.home)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline().strip() == "held"
        busy = harmrank("refresh", scratch.extracts, "--home", scratch.home)
        assert busy.returncode == 5
        assert str(owner.pid) in busy.stderr
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert harmrank("refresh", scratch.extracts, "--home", scratch.home).returncode == 0


def test_a_reader_keeps_its_build_during_a_publication(scratch: PublishedHome, without_dbt: Command) -> None:
    """Readers never wait and never see half a build: a connection that is open during a publication still answers."""
    with duckdb.connect(str(scratch.mart.resolve()), read_only=True) as reader:
        asked = ("--list-date", "2026-07-31", "--accept-list")
        done = without_dbt("refresh", scratch.extracts, "--home", scratch.home, *asked)
        assert done.returncode == 0, done.stderr
        assert reader.execute("select list_date::varchar from mart.top_100").fetchall() == [("2026-06-30",)]
    assert rows(scratch.mart, "select list_date::varchar from mart.top_100") == [("2026-07-31",)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["refresh", "/nowhere/at/all", "--home", "{home}"], "is not a folder"),
        (["refresh", "{extracts}", "--home", "{home}", "--method", "v101"], "v101"),
        (
            ["refresh", "{extracts}", "--home", "{home}", "--method", "recency_frequency_gravity_victims"],
            "illustrative",
        ),
        (["refresh", "{extracts}", "--home", "{home}", "--list-date", "31/10/2026"], "list-date"),
        (["explain", "met|nobody", "--home", "{home}"], "met|nobody"),
        (["top", "--home", "{home}/none"], "there is no home at"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_use_gives_2_and_a_sentence(
    published: PublishedHome, harmrank: Command, arguments: list[str], said: str
) -> None:
    """Every mistake of the caller gets one clear message and no traceback."""
    done = harmrank(*[a.format(home=published.home, extracts=published.extracts) for a in arguments])
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_explain_adds_up_and_names_nobody(published: PublishedHome, harmrank: Command) -> None:
    """The sentences contain each allegation and the sum, and no name of a person."""
    done = harmrank("explain", "met|p1", "--home", published.home)
    text = " ".join(done.stdout.split())
    assert "Number 1 on the list of 30 June 2026" in text
    assert "1,825 + 10 = 1,835 days" in text
    assert "Rape of a female aged 16 or over (019/08)" in text
    assert "Reported on 1 May 2026" in text
    assert "the person is on the list in 100 % of the redraws" in text
    assert "On the list under 8 of 10 methods: v100 (place 1)" in text
    assert "Not on the list under convicted_only, v100_two_victims." in text
    assert 'A single changed rule would take this person off the list: "At least two female victims".' in text
    assert "What would take this person off the list" in text
    assert "Mann" not in done.stdout
    assert "Frau" not in done.stdout


def test_the_page_of_a_person_says_the_same_and_needs_no_network(published: PublishedHome, harmrank: Command) -> None:
    """A page for printing: each sentence of the terminal, nothing to fetch or run, no name."""
    said = harmrank("explain", "met|p1", "--home", published.home).stdout
    page = harmrank("explain", "met|p1", "--home", published.home, "--format", "html").stdout
    text = " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)).split())
    without_marks = " ".join(re.sub(r"(?m)^ *(\d+\. |- )?", "", said).split())
    missing = [sentence for sentence in re.split(r"(?<=\.) ", without_marks) if sentence not in text]
    assert missing == []
    assert "Mann" not in page
    assert not re.search(r"<(script|link|img|iframe)|https?://|@import|url\(", page)


def test_json_of_a_person_is_the_same_by_either_option(published: PublishedHome, harmrank: Command) -> None:
    """`--json` is short for `--format json`."""
    by_json, by_format = (
        harmrank("explain", "met|p1", "--home", published.home, *form).stdout
        for form in (["--json"], ["--format", "json"])
    )
    assert by_json == by_format
    explained = json.loads(by_json)
    assert {row["method"] for row in explained["methods"] if row["method_rank"] is not None} >= {"v100", "v100_count"}
    assert explained["certainty"]["listed_in_redraws"] == 1


def test_json_output_is_json(published: PublishedHome, harmrank: Command) -> None:
    """Machine output parses and carries the same figures."""
    top = json.loads(harmrank("top", "--home", published.home, "--json").stdout)
    assert top["places"][0]["harm_days"] == 1835.0
    explained = json.loads(harmrank("explain", "met|p1", "--home", published.home, "--json").stdout)
    assert sum(row["harm_days"] for row in explained["evidence"]) == explained["offender"]["harm_days"]
    status = json.loads(harmrank("status", "--home", published.home, "--json").stdout)
    assert status["published"]["list_date"] == "2026-06-30"


def test_top_and_explain_need_no_dbt(published: PublishedHome, harmrank: Command) -> None:
    """Reading commands stay quick: they do not load what only a build needs."""
    code = (
        "import sys; from harmrank.cli import main as cli\n"
        "try:\n    cli.main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in ('dbt', 'numpy', 'openpyxl')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "top", "--home", str(published.home)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_last_twelve_builds_are_kept(scratch: PublishedHome) -> None:
    """Retention removes the oldest builds and never the current one."""
    from harmrank.home.folder import Home
    from harmrank.publishing import publish

    home = Home(scratch.home)
    marts = publish.of_warehouse(home, {"build_info", "top_100"})
    for number in range(14):
        name, facts = f"20990101T0000{number:02d}000000Z-00000000", {"extracts": [], "warnings": []}
        publish.switch(home, publish.prepare(home, name, facts, lambda folder, manifest: [], marts))
    builds = sorted(p.name for p in home.published.iterdir() if p.is_dir() and not p.is_symlink())
    assert builds == [f"20990101T0000{number:02d}000000Z-00000000" for number in range(1, 14)]
    assert build_id(scratch.home) == "20990101T000013000000Z-00000000"


@pytest.mark.thorough
def test_a_refresh_killed_while_building_leaves_the_list(scratch: PublishedHome, harmrank: Command) -> None:
    """kill -9 in the middle: the old build stays readable, and the next refresh succeeds."""
    before = build_id(scratch.home)
    write_extract(scratch.extracts, "2026-07-31", SMALL_FEED)
    process = subprocess.Popen(
        [sys.executable, "-m", "harmrank", "refresh", str(scratch.extracts), "--home", str(scratch.home)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "building" in line:
            break
    time.sleep(2.5)
    process.kill()
    process.wait()
    assert build_id(scratch.home) == before
    assert rows(scratch.mart, "select harm_days from mart.top_100") == [(1835.0,)]
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home)
    assert done.returncode == 0, done.stderr
    assert rows(scratch.mart, "select list_date::varchar, harm_days from mart.top_100") == [("2026-07-31", 1835.0)]


def test_a_warehouse_open_elsewhere_gives_5_and_says_where(scratch: PublishedHome, harmrank: Command) -> None:
    """One line names the process of an analyst who left the warehouse open."""
    hold = (
        "import sys, time, duckdb\n"
        "c = duckdb.connect(sys.argv[1], read_only=True)\nprint('open', flush=True); time.sleep(120)\n"
    )
    warehouse = str(scratch.home / "warehouse.duckdb")
    analyst = subprocess.Popen([sys.executable, "-c", hold, warehouse], stdout=subprocess.PIPE, text=True)
    try:
        assert analyst.stdout is not None
        assert analyst.stdout.readline().strip() == "open"
        busy = harmrank("refresh", scratch.extracts, "--home", scratch.home)
        assert (busy.returncode, f"process {analyst.pid}" in busy.stderr) == (5, True), busy.stderr
    finally:
        analyst.kill()
        analyst.wait()


def test_a_file_that_is_not_a_warehouse_is_named(scratch: PublishedHome, harmrank: Command) -> None:
    """One clear line, and the published list stays readable."""
    (scratch.home / "warehouse.duckdb").write_text("not a database, " * 1000)
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home)
    assert (done.returncode, "is no DuckDB file" in done.stderr) == (1, True), done.stderr
    assert harmrank("top", "--home", scratch.home).returncode == 0


def test_an_interrupt_is_not_a_failed_gate(scratch: PublishedHome) -> None:
    """Ctrl-C while building: exit code 1, and no word of failed tests."""
    command = [
        sys.executable,
        "-m",
        "harmrank",
        "refresh",
        str(scratch.extracts),
        "--home",
        str(scratch.home),
        "--full",
    ]
    # A shell that runs the tests in the background has its children ignore interrupts.
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    # The first tenth of the nodes is built.
    assert any(re.match(r"  \d+ of \d+: ", line) for line in process.stderr)
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 1, rest
    assert "what was published before is still current" in rest
    assert "Traceback" not in rest


def test_a_home_is_private_and_a_build_takes_over_the_permissions_of_its_folder(
    scratch: PublishedHome, without_dbt: Command
) -> None:
    """Private whatever the umask (conftest's home is built under one that grants everything); readers of the builds can read
    the next one, too."""
    home = scratch.home
    everything = [path for path in (home, *home.rglob("*")) if not path.is_symlink()]
    assert [path for path in everything if path.stat().st_mode & 0o077] == []
    (home / "published").chmod(0o750)
    assert without_dbt("refresh", scratch.extracts, "--home", home, "--full").returncode == 0
    build = (home / "published" / "current").resolve()
    assert build.stat().st_mode & 0o777 == 0o750
    assert {path.stat().st_mode & 0o777 for path in build.iterdir() if path.is_file()} == {0o640}


def test_missing_weights_show_beside_the_score(scratch: PublishedHome, harmrank: Command) -> None:
    """An offence without a weight marks the score; `explain` names an offence whose code no table knows."""
    known = "force,person_ref,sex,updated_at\nmet,p2,M,2026-07-01\nmet,p3,M,2026-07-01\n"
    links = "".join(
        f"met,{crime},{person},suspect,2026-07-01\nmet,{crime},v1,victim,2026-07-01\n"
        for crime, person in (("c7", "p2"), ("c8", "p3"))
    )
    write_extract(
        scratch.extracts,
        "2026-07-31",
        {
            "crimes": "force,crime_ref,offence_code,reported_on,updated_at\n"
            "met,c7,2,2026-07-01,2026-07-01\nmet,c8,NO/SUCH,2026-07-01,2026-07-01\n",
            "people": known,
            "involvements": "force,crime_ref,person_ref,role,updated_at\n" + links,
        },
    )
    refreshed = harmrank("refresh", scratch.extracts, "--home", scratch.home, "--method", "v100_ons_css")
    assert refreshed.returncode == 0, refreshed.stderr
    assert rows(scratch.mart, "select offender_key, crime_ref, offence_code from mart.unclassified_allegations") == [
        ("met|p3", "c8", "NO/SUCH")
    ]
    explained = harmrank("explain", "met|p3", "--home", scratch.home)
    assert (explained.returncode, "c8 (NO/SUCH)" in explained.stderr) == (2, True)
    top = " ".join(harmrank("top", "--home", scratch.home).stdout.split())
    assert "not meant for ranking single offences" in top


def test_a_list_date_in_the_future_waits_and_then_gives_a_warning(scratch: PublishedHome, without_dbt: Command) -> None:
    """A wrong year in an id or on the command line is published on purpose only, with a warning."""
    asked = ("refresh", scratch.extracts, "--home", scratch.home, "--list-date", "2126-06-30")
    done = without_dbt(*asked)
    assert done.returncode == 4
    assert "in the future" in done.stderr
    done = without_dbt(*asked, "--accept-list")
    assert done.returncode == 0
    assert "in the future" in done.stderr
    assert "in the future" in without_dbt("status", "--home", scratch.home).stdout


def test_a_list_warns_of_whatever_is_new_to_it(scratch: PublishedHome, without_dbt: Command) -> None:
    """A bad extract of long ago that lands today is spoken of, by the worst one; once it is published, no longer."""
    header = "force,crime_ref,offence_code,reported_on,updated_at\n"
    bad = [f"met,o{number},19/8,2026-01-01,2099-01-01\n" for number in range(3)]
    write_extract(scratch.extracts, "2026-01-31", {"crimes": header + "".join(bad)})
    write_extract(scratch.extracts, "2026-02-28", {"crimes": header + "met,o9,19/8,2026-01-01,2099-01-01\n"})
    assert without_dbt("land", scratch.extracts, "--home", scratch.home).returncode == 0
    warning = "not true for 3 of 3 rows of extract 2026-01-31 (and 1 other extract)"
    assert warning in without_dbt("refresh", scratch.extracts, "--home", scratch.home).stderr
    write_extract(scratch.extracts, "2026-07-31", {"crimes": header + "met,c9,46,2026-07-01,2026-07-02\n"})
    done = without_dbt("refresh", scratch.extracts, "--home", scratch.home)
    assert (done.returncode, "not true for" in done.stderr) == (0, False), done.stderr


def test_wrong_use_leaves_no_home_behind(tmp_path: Path, published: PublishedHome, harmrank: Command) -> None:
    """A mistyped path creates no home."""
    one_extract = next(published.extracts.iterdir())
    for command in ("land", "refresh"):
        for extracts in (tmp_path / "nowhere", one_extract, tmp_path):
            assert harmrank(command, extracts, "--home", tmp_path / "home").returncode == 2
    assert not (tmp_path / "home").exists()


def test_a_method_whose_index_was_never_imported_is_wrong_use(scratch: PublishedHome) -> None:
    """Found before anything is built; the message names the command that loads the index."""
    from harmrank.errors import UsageError
    from harmrank.home import warehouse
    from harmrank.home.folder import Home
    from harmrank.refreshing import request

    with warehouse.connect(Home(scratch.home)) as connection:
        request.refuse_unknown_index(connection, {"method": "v100", "harm_index": "cchi_2020_supplemented"})
        with pytest.raises(UsageError, match="weights import WORKBOOK --name cchi_2031"):
            request.refuse_unknown_index(connection, {"method": "mine", "harm_index": "cchi_2031"})
        connection.execute(
            "insert into raw.imported_weights values ('cchi_2031', '001/01', '1', 1, 1, '1', 'basis', 'source')"
        )
        request.refuse_unknown_index(connection, {"method": "mine", "harm_index": "cchi_2031"})


@pytest.mark.parametrize(
    "command",
    [[], ["sample"], ["refresh"], ["land"], ["top"], ["explain"], ["briefing"], ["status"], ["shape"], ["weights"],
     ["weights", "import"]],
    ids=" ".join,
)  # fmt: skip
def test_every_command_has_help_with_an_example(harmrank: Command, command: list[str]) -> None:
    """The help of each command shows how to call it."""
    done = harmrank(*command, "--help")
    assert done.returncode == 0
    assert "  Example:\n    harmrank " in done.stdout
