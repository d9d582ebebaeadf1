"""The parsed project that is kept beside the code: used where it can be trusted, made again where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, PublishedHome
from reliability import homes

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


@pytest.fixture
def built(project: Path, published: PublishedHome, tmp_path: Path) -> PublishedHome:
    """A home that the copy has built anew, so that it has kept what it parsed."""
    home = PublishedHome(homes.copied(published.home, tmp_path / "home"), published.extracts)
    assert refresh(project, home) == ""
    return home


def refresh(project: Path, home: PublishedHome) -> str:
    """Build the home anew with the code of the copy; gives what went wrong."""
    command = [sys.executable, "-m", "harmrank", "refresh", home.extracts, "--home", home.home, "--full"]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def kept(project: Path) -> Path:
    """The one parsed project that is kept."""
    (path,) = (project / "target" / "parsed").glob("*.msgpack")
    return path


def test_what_is_kept_is_what_is_built(project: Path, built: PublishedHome) -> None:
    """Parsing costs seconds: it is not done again, which shows where what is kept says something else."""
    path = kept(project)
    content = path.read_bytes()
    assert b"select * from final" in content
    path.write_bytes(content.replace(b"select * from final", b"select * from nothi"))
    assert "nothi" in refresh(project, built)
    path.write_bytes(content)
    assert refresh(project, built) == ""


def test_what_others_may_have_written_is_not_used(project: Path, built: PublishedHome) -> None:
    """It is code: a file that somebody else can write to is not read."""
    path = kept(project)
    path.write_bytes(path.read_bytes().replace(b"select * from final", b"select * from nothi"))
    path.chmod(0o666)
    assert refresh(project, built) == ""
    assert path.stat().st_mode & 0o777 == 0o600


def test_half_of_it_is_made_again(project: Path, built: PublishedHome) -> None:
    """A kill or a full disk may leave half a file; the next run must not stumble over it."""
    path = kept(project)
    whole = path.stat().st_size
    os.truncate(path, whole // 3)
    assert refresh(project, built) == ""
    assert kept(project).stat().st_size == whole


def test_a_changed_macro_is_parsed(project: Path, built: PublishedHome) -> None:
    """A stale copy would go on building yesterday's rules."""
    before = kept(project)
    macro = project / "macros" / "ranking.sql"
    text = macro.read_text(encoding="utf-8")
    macro.write_text(text + "\n{#- Changed. -#}\n", encoding="utf-8")
    assert refresh(project, built) == ""
    assert kept(project) != before
    macro.write_text(text, encoding="utf-8")


def test_without_a_place_to_keep_it_all_the_same(project: Path, built: PublishedHome) -> None:
    """An installation that its user cannot write to parses every time."""
    shutil.rmtree(project / "target")
    (project / "target").write_text("in the way")
    assert refresh(project, built) == ""
    (project / "target").unlink()
