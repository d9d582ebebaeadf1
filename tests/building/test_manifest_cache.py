"""The parsed project kept beside the code is used if it can be trusted, and replaced if not."""

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
    """A copy of the project, so that planted changes do not affect other tests."""
    copy = tmp_path_factory.mktemp("project")
    for name in PROJECT:
        source = REPOSITORY / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, copy / name, ignore=ignored) if source.is_dir() else shutil.copy(source, copy / name)
    return copy


# What a build hands to dbt, without building: dbt lists the nodes, and the SQL of one model is printed.
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
    """Returns the SQL of top_100 that a build with the code of the copy would hand to dbt."""
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
    """Returns the file of the kept project."""
    (path,) = (project / "target" / "parsed").glob("*.msgpack")
    return path


def test_a_build_uses_the_kept_project(project: Path, sql: str) -> None:
    """Parsing costs seconds and is not repeated: a change in the kept file shows in the build."""
    path = kept(project)
    content = path.read_bytes()
    assert b"select * from final" in content
    path.write_bytes(content.replace(b"select * from final", b"select * from nothi"))
    assert given_to_dbt(project) == sql.replace("select * from final", "select * from nothi") != sql
    path.write_bytes(content)
    assert given_to_dbt(project) == sql


def test_a_file_that_others_can_write_to_is_not_used(project: Path, sql: str) -> None:
    """The file holds code."""
    path = kept(project)
    path.write_bytes(path.read_bytes().replace(b"select * from final", b"select * from nothi"))
    path.chmod(0o666)
    assert given_to_dbt(project) == sql
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.thorough
def test_half_a_file_is_replaced(project: Path, sql: str) -> None:
    """A kill or a full disk may leave half a file, which must not stop the next run."""
    path = kept(project)
    whole = path.stat().st_size
    os.truncate(path, whole // 3)
    assert given_to_dbt(project) == sql
    assert kept(project).stat().st_size == whole


@pytest.mark.thorough
def test_a_changed_macro_is_parsed(project: Path, sql: str) -> None:
    """A stale copy would build by old rules."""
    before = kept(project)
    macro = project / "macros" / "ranking.sql"
    text = macro.read_text(encoding="utf-8")
    macro.write_text(text + "\n{#- Changed. -#}\n", encoding="utf-8")
    assert given_to_dbt(project) == sql
    assert kept(project) != before
    macro.write_text(text, encoding="utf-8")


@pytest.mark.thorough
def test_without_a_writable_folder_dbt_parses(project: Path, sql: str) -> None:
    """An installation that its user cannot write to parses every time."""
    shutil.rmtree(project / "target")
    (project / "target").write_text("in the way")
    assert given_to_dbt(project) == sql
    (project / "target").unlink()
