"""Plain dbt from the repository, as an analyst runs it: every unit test, other dates and methods, the documentation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import REPOSITORY, Command, PublishedHome, write_extract
from support import forked

from harmrank.building import run_dbt

DBT = Path(sys.executable).with_name("dbt")


def dbt(home: Path, *arguments: str, cold: bool = False) -> subprocess.CompletedProcess[str]:
    """Run dbt from the repository with nothing set but the home, in a process that has it loaded unless `cold`.

    Its output goes beside the home.
    """
    words = ["--no-use-colors", *arguments, "--target-path", str(home.parent / "target")]
    environment = {**os.environ, "HARMRANK_HOME": str(home), "DBT_LOG_PATH": str(home.parent / "dbt_logs")}
    if not cold:
        return forked.run(words, "dbt.cli.main", REPOSITORY, environment)
    return subprocess.run(
        [str(DBT), *words], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.thorough
def test_only_tests_of_seeds_are_left_out_if_nothing_else_changes(scratch: PublishedHome) -> None:
    """A test that reads a model beside a seed reads new data, so it runs in every build, and so does one of a view that is
    not made again."""

    def tests(*arguments: str) -> dict[str, list[str]]:
        keys = "name original_file_path depends_on"
        done = dbt(
            scratch.home,
            "--quiet",
            "ls",
            "--resource-type",
            "test",
            "--output",
            "json",
            "--output-keys",
            keys,
            *arguments,
        )
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return {test["name"]: [test["original_file_path"], *test["depends_on"]["nodes"]] for test in found}

    everything, kept = tests(), tests(*run_dbt.WITHOUT_SEEDS, *run_dbt.WITHOUT_VIEWS)
    of_seeds = {
        name
        for name, (path, *parents) in everything.items()
        if path.startswith("seeds/") or all(parent.startswith("seed.") for parent in parents)
    }
    assert everything.keys() - kept.keys() == of_seeds
    assert len(of_seeds) > 50


def test_touched_keys_are_built_before_the_tests_that_read_them(scratch: PublishedHome) -> None:
    """A test of new rows finds them by touched keys. Run before those are built, it would read the keys of the last build
    and miss a repeated row of this one."""
    assert dbt(scratch.home, "--quiet", "parse").returncode == 0
    nodes = json.loads((scratch.home.parent / "target" / "manifest.json").read_text())["nodes"]

    @cache
    def above(key: str) -> frozenset[str]:
        parents = nodes.get(key, {}).get("depends_on", {}).get("nodes", [])
        return frozenset(parents).union(*map(above, parents))

    looked_for = {
        (tested, keys["by"])
        for test in nodes.values()
        if (test.get("test_metadata") or {}).get("name") == "unique_key" and (tested := test["attached_node"]) in nodes
        for meta in [nodes[tested]["config"]["meta"]]
        for keys in meta.get("tested", meta.get("touched", []))
        if "by" in keys
    }
    assert len(looked_for) > 10
    too_late = {(tested, by) for tested, by in looked_for if f"model.harmrank.{by}" not in above(tested)}
    assert too_late == set()


def test_dbt_build_passes_every_unit_test_and_every_data_test(scratch: PublishedHome) -> None:
    """Every rule of the method has its unit tests at its edges; every one in the YAML files runs, and passes."""
    done = dbt(scratch.home, "build", cold=True)
    assert done.returncode == 0, done.stdout[-3000:]
    results = json.loads((scratch.home.parent / "target" / "run_results.json").read_text())["results"]
    ran = Counter(result["unique_id"].split(".")[0] for result in results)
    written = [
        test["name"]
        for path in (REPOSITORY / "models").rglob("*_unit_tests.yml")
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]
    ]
    assert ran["unit_test"] == len(written) > 50
    assert len(set(written)) == len(written)
    # The small feed has one offender, so one test warns that the list is short; there is no other warning. dbt lists
    # exposures among the results and does nothing for them.
    built = [result for result in results if not result["unique_id"].startswith("exposure.")]
    unhappy = {r["unique_id"].split(".")[2] for r in built if r["status"] not in ("success", "pass")}
    assert unhappy <= {"list_is_full"}


@pytest.mark.thorough
def test_dbt_variables_choose_another_date_and_method_without_publishing(scratch: PublishedHome) -> None:
    """An analyst's build changes the warehouse, never the published tables."""
    before = os.readlink(scratch.home / "published" / "current")
    done = dbt(scratch.home, "run", "--vars", "{list_date: 2026-05-31, method: v100_count}")
    assert done.returncode == 0, done.stdout[-3000:]
    query = "select list_date::varchar, harm_days, allegations from mart.top_100"
    with duckdb.connect(str(scratch.home / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute(query).fetchall() == [("2026-05-31", 1.0, 1)]
    with duckdb.connect(str(scratch.mart), read_only=True) as connection:
        assert connection.execute(query).fetchall() == [("2026-06-30", 1835.0, 2)]
    assert os.readlink(scratch.home / "published" / "current") == before


@pytest.mark.thorough
def test_a_method_that_no_row_names_fails_with_a_sentence(scratch: PublishedHome) -> None:
    """A misspelt method must not pass as an empty list."""
    assert dbt(scratch.home, "run", "--select", "int_build", "int_rules", "--vars", "{method: v101}").returncode == 0
    done = dbt(scratch.home, "test", "--select", "rules_are_one_row", "--vars", "{method: v101}")
    assert done.returncode == 1
    assert "FAIL 1 rules_are_one_row" in done.stdout


@pytest.mark.thorough
def test_the_documentation_is_one_page_with_every_mart_column(scratch: PublishedHome) -> None:
    """`make docs`: one self-contained file, so that it can be read where nothing can be fetched."""
    done = dbt(scratch.home, "docs", "generate", "--static")
    assert done.returncode == 0, done.stdout[-3000:]
    page = (scratch.home.parent / "target" / "static_index.html").read_text(encoding="utf-8")
    assert "harm_days_above_line" in page
    assert "The person an allegation is made against" in page


@pytest.mark.thorough
def test_plain_dbt_works_on_a_home_where_extracts_were_only_landed(tmp_path: Path, harmrank: Command) -> None:
    """`harmrank land` and then `dbt build`, as an analyst runs it to look before anything is published."""
    write_extract(
        tmp_path / "extracts",
        "2026-06-30",
        {"crimes": "force,crime_ref,offence_code,reported_on,updated_at\nmet,c1,19/8,2026-05-01,2026-05-02\n"},
    )
    assert harmrank("land", tmp_path / "extracts", "--home", tmp_path / "home").returncode == 0
    done = dbt(tmp_path / "home", "build", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout[-3000:]
    with duckdb.connect(str(tmp_path / "home" / "warehouse.duckdb"), read_only=True) as connection:
        facts = connection.execute("select list_date::varchar, method from mart.build_info").fetchall()
    assert facts == [("2026-06-30", "v100")]


@pytest.mark.thorough
def test_a_home_follows_a_seed_that_got_another_column(scratch: PublishedHome, harmrank: Command) -> None:
    """A home made by an older harmrank must refresh: its seed tables lack what newer seeds have."""
    with duckdb.connect(str(scratch.home / "warehouse.duckdb")) as connection:
        connection.execute(
            "create or replace table reference.harm_indices as select harm_index from reference.harm_indices"
        )
    done = harmrank("refresh", scratch.extracts, "--home", scratch.home, "--full")
    assert done.returncode == 0, done.stderr
