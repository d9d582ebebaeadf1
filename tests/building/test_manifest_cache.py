"""The parsed project that is kept beside the code: used where it can be trusted, made again where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

PROJECT = ("harmrank", "models", "macros", "seeds", "tests", "analyses", "expectations", "profiles", "dbt_project.yml")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that nothing that is planted there meets another test."""
    copy = tmp_path_factory.mktemp("project")
    for name in PROJECT:
        source = REPOSITORY / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, copy / name, ignore=ignored) if source.is_dir() else shutil.copy(source, copy / name)
    return copy


# What a build hands to dbt, without the build: dbt lists what it would do, and the SQL of one model is shown.
SQL_OF_TOP_100 = """
import sys
from pathlib import Path
from harmrank.building import run_dbt
from harmrank.home.folder import Home

home = Home(Path(sys.argv[1]))
home.create()
with run_dbt._environment(home, only_changes=False):
    outcome, project = run_dbt._run(home, "ls", False, run_dbt._Counter(lambda *_: None), run_dbt.DUCKDB)
assert outcome.success, outcome.exception
print(project.nodes["model.harmrank.top_100"].raw_code)
"""


def given_to_dbt(project: Path) -> str:
    """The SQL of top_100 that a build with the code of the copy would hand to dbt."""
    command = [sys.executable, "-c", SQL_OF_TOP_100, project.parent / "home"]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def sql(project: Path) -> str:
    """The SQL that the copy has parsed and kept."""
    return given_to_dbt(project)


def kept(project: Path) -> Path:
    """The one parsed project that is kept."""
    (path,) = (project / "target" / "parsed").glob("*.msgpack")
    return path


def test_what_is_kept_is_what_is_built(project: Path, sql: str) -> None:
    """Parsing costs seconds: it is not done again, which shows where what is kept says something else."""
    path = kept(project)
    content = path.read_bytes()
    assert b"select * from final" in content
    path.write_bytes(content.replace(b"select * from final", b"select * from nothi"))
    assert given_to_dbt(project) == sql.replace("select * from final", "select * from nothi") != sql
    path.write_bytes(content)
    assert given_to_dbt(project) == sql


def test_what_others_may_have_written_is_not_used(project: Path, sql: str) -> None:
    """It is code: a file that somebody else can write to is not read."""
    path = kept(project)
    path.write_bytes(path.read_bytes().replace(b"select * from final", b"select * from nothi"))
    path.chmod(0o666)
    assert given_to_dbt(project) == sql
    assert path.stat().st_mode & 0o777 == 0o600


def test_half_of_it_is_made_again(project: Path, sql: str) -> None:
    """A kill or a full disk may leave half a file; the next run must not stumble over it."""
    path = kept(project)
    whole = path.stat().st_size
    os.truncate(path, whole // 3)
    assert given_to_dbt(project) == sql
    assert kept(project).stat().st_size == whole


def test_a_changed_macro_is_parsed(project: Path, sql: str) -> None:
    """A stale copy would go on building yesterday's rules."""
    before = kept(project)
    macro = project / "macros" / "ranking.sql"
    text = macro.read_text(encoding="utf-8")
    macro.write_text(text + "\n{#- Changed. -#}\n", encoding="utf-8")
    assert given_to_dbt(project) == sql
    assert kept(project) != before
    macro.write_text(text, encoding="utf-8")


def test_without_a_place_to_keep_it_all_the_same(project: Path, sql: str) -> None:
    """An installation that its user cannot write to parses every time."""
    shutil.rmtree(project / "target")
    (project / "target").write_text("in the way")
    assert given_to_dbt(project) == sql
    (project / "target").unlink()
