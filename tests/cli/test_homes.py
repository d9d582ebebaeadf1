"""No command makes a home by mistake, and no path is taken for another one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from conftest import SMALL_FEED, Command, PublishedHome, write_extract
from support import forked

from harmrank.cli.main import cli
from harmrank.cli.options import existing_home

MAKERS = {"refresh", "land", "weights import"}


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yields every command with a home, by its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} ")
        elif any(option.name == "root" for option in command.params):
            yield before + name, command


def needed(command: click.Command) -> Iterator[str]:
    """Yields what a command needs beside its home."""
    for parameter in command.params:
        if parameter.required and parameter.name != "root":
            yield from ["x"] if isinstance(parameter, click.Argument) else [parameter.opts[0], "x"]


OTHERS = sorted(words for words, _ in commands(cli) if words not in MAKERS)


@pytest.mark.parametrize("words", [*OTHERS, "status --max-age 1h"])
def test_only_what_lands_makes_a_home(words: str, harmrank: Command, tmp_path: Path) -> None:
    """In a folder that is no home, every other command ends with 2 and one line that says what to run. The folder stays as it was."""
    folder = tmp_path / "somebody's"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    (folder / "logs").mkdir()
    command = dict(commands(cli)).get(words.split(" --")[0], cli)
    done = harmrank(*words.split(), *needed(command), "--home", folder)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert str(folder) in line and "harmrank refresh EXTRACTS --home" in line
    assert sorted(path.name for path in folder.rglob("*")) == ["letter.txt", "logs"]


def test_a_home_without_a_warehouse_gets_none_from_a_check(published: PublishedHome, harmrank: Command) -> None:
    """An empty warehouse would pass as one that has lost its rows."""
    (published.home / "warehouse.duckdb").rename(published.home / "away")
    try:
        done = harmrank("check", "--home", published.home)
        assert (done.returncode, (published.home / "warehouse.duckdb").exists()) == (2, False)
    finally:
        (published.home / "away").rename(published.home / "warehouse.duckdb")
    assert done.stderr.endswith("has no warehouse yet: run harmrank refresh or harmrank land first.\n")


@pytest.mark.parametrize("sign", ["?", "*", "[", "\\", "#"])
@pytest.mark.parametrize("command", ["land", "status"])
def test_a_path_that_would_be_read_as_another_one(sign: str, command: str, harmrank: Command, tmp_path: Path) -> None:
    """One line names the folder and the sign. Nothing is made."""
    home = tmp_path / f"a{sign}b" / "home"
    extracts = [write_extract(tmp_path / "extracts", "2026-06-30", SMALL_FEED).parent] if command == "land" else []
    done = harmrank(command, *extracts, "--home", home)
    assert done.returncode == 2
    assert done.stderr.startswith(f"harmrank: {home} cannot be a home, because of {sign} in its path: ")
    assert done.stderr.count("\n") == 1
    assert not home.parent.exists()


def test_a_link_does_not_hide_such_a_path(harmrank: Command, tmp_path: Path) -> None:
    """The files are opened at the end of the link."""
    (tmp_path / "a#b").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "a#b")
    done = harmrank("status", "--home", tmp_path / "home")
    assert (done.returncode, "because of # in its path" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "name", ["a'b\"c%d%20 e{{x}}{y};$HOME&|~", "Ynys Môn\n\t日本", "~somebody", "s3:bucket", "-dash"]
)
def test_every_other_path_works(name: str, tmp_path: Path) -> None:
    """For the home and for the extracts, as a path of this folder or from the root."""
    write_extract(tmp_path / name / "extracts", "2026-06-30", SMALL_FEED)
    for extracts, home in ((f"{name}/extracts", f"{name}/home"), (tmp_path / name / "extracts", tmp_path / name / "2")):
        done = forked.run(["land", "--home", home, "--", extracts], "harmrank", tmp_path, os.environ)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "1 landed, 0 unchanged, 0 refused")
        done = forked.run(["quarantine", "--home", home], "harmrank", tmp_path, os.environ)
        assert (done.returncode, "0 open rows" in done.stdout) == (0, True)


@pytest.mark.parametrize("name", ["a?b", "a*b", "a[b]", "a\\b", "a#b"])
def test_extracts_may_lie_anywhere(name: str, harmrank: Command, tmp_path: Path) -> None:
    """A pattern in the path of an extract fits its own files alone."""
    extracts = write_extract(tmp_path / name, "2026-06-30", SMALL_FEED).parent
    done = harmrank("land", extracts, "--home", tmp_path / "home")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "1 landed, 0 unchanged, 0 refused")


@pytest.mark.parametrize(
    ("home", "said"),
    [
        ("file", "file is a file: name a folder"),
        ("file/home", "there is no home at "),
        ("", "--home is empty: name a folder"),
        (b"a\xffb", r"a\udcffb is not UTF-8 text: rename that folder"),
        ("x" * 300, " cannot be a path (File name too long): name another one"),
        ("x/" * 3000, " cannot be a path (File name too long): name another one"),
        ("loop/home", " cannot be a path (Too many levels of symbolic links): name another one"),
    ],
)
def test_what_cannot_be_a_folder_is_named(home: str | bytes, said: str, harmrank: Command, tmp_path: Path) -> None:
    """One line, exit code 2."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    path = f"{tmp_path}/{os.fsdecode(home)}" if home else ""
    done = harmrank("status", "--home", path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_a_home_that_one_may_not_look_into_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the message would say to create another one."""

    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", forbidden)
    with pytest.raises(PermissionError):
        existing_home(tmp_path)


def test_the_advice_can_be_pasted(harmrank: Command, tmp_path: Path) -> None:
    """A blank in the path is quoted for the shell."""
    done = harmrank("top", "--home", tmp_path / "my home")
    assert shlex.split(done.stderr.split("harmrank refresh EXTRACTS ")[1]) == ["--home", str(tmp_path / "my home")]
