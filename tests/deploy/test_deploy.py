"""harmrank and the machine understand everything in `deploy/`."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from conftest import REPOSITORY, PublishedHome

from harmrank.cli.main import cli
from harmrank.refreshing.hooks import FACTS

DEPLOY = REPOSITORY / "deploy"
UNITS = sorted(path for path in (DEPLOY / "systemd").iterdir() if path.suffix in (".service", ".timer"))
# The folder where the units expect the repository.
INSTALLED = "/opt/harmrank/"


class Unit(configparser.RawConfigParser):
    """A unit file, which may have the same key several times."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
        self.read_string(path.read_text(encoding="utf-8"))

    def optionxform(self, optionstr: str) -> str:
        """Keeps capitals: systemd distinguishes them."""
        return optionstr


def lines_of_cron() -> list[str]:
    """Returns the commands of the cron file as cron passes them to the shell."""
    text = (DEPLOY / "cron" / "harmrank").read_text()
    found = [line.split(None, 6) for line in text.splitlines() if re.match(r"[\d*]", line)]
    assert all(len(line) == 7 and line[5] == "harmrank" for line in found), "five fields of time, a user, a command"
    # An unescaped per cent sign would end the line.
    assert not any(re.search(r"(?<!\\)%", line[6]) for line in found)
    return [line[6].replace("\\%", "%") for line in found]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Returns every call of harmrank in `deploy/`, with its file."""
    for path in UNITS:
        for line in re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE):
            if line.split()[0].endswith("/harmrank"):
                yield path.name, shlex.split(line)[1:]
    for command in lines_of_cron():
        for call in re.findall(r"/harmrank ([^)]*?) 2>&1", command):
            yield "cron", shlex.split(call)
    container = (DEPLOY / "container" / "Containerfile").read_text()
    for call in re.findall(r"^(?:RUN| +&&) harmrank (.*?)(?: \\)?$", container, re.MULTILINE):
        yield "Containerfile", shlex.split(call)
    for call in re.findall(r'CMD \["harmrank", (.*)\]', container):
        yield "HEALTHCHECK", [word.strip(' "') for word in call.split(",")]
    (plain,) = re.findall(r"^CMD \[(.*)\]", container, re.MULTILINE)
    yield "CMD", [word.strip(' "') for word in plain.split(",")]
    service = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]["harmrank"]
    yield "compose", service["command"]


def test_harmrank_understands_every_call_of_it() -> None:
    """The command itself parses each call, so that a renamed option is found before the nightly run."""
    found = list(commands())
    assert {where for where, _ in found} == {
        "harmrank.service", "harmrank-watch.service", "cron", "Containerfile", "HEALTHCHECK", "CMD", "compose",
    }  # fmt: skip
    for where, arguments in found:
        command = cli.commands[arguments[0]]
        given = [*arguments[1:], *([] if "--home" in arguments or arguments[0] == "sample" else ["--home", "."])]
        try:
            command.make_context(arguments[0], given, resilient_parsing=False)
        except click.UsageError as error:
            pytest.fail(f"{where}: harmrank {shlex.join(arguments)}: {error.format_message()}")


def test_every_named_setting_exists() -> None:
    """A misspelt variable would be ignored silently."""
    known = {str(option.envvar) for command in cli.commands.values() for option in command.params if option.envvar}
    known |= {f"HARMRANK_{fact.upper()}" for fact in FACTS} | {"HARMRANK_MEMORY_LIMIT"}
    # Variables of the alarm and of the compose file.
    known |= {"HARMRANK_ALARM_TO", "HARMRANK_EXTRACTS"}
    for path in [path for path in DEPLOY.rglob("*") if path.is_file()]:
        assert set(re.findall(r"HARMRANK_[A-Z_]+", path.read_text())) - known == set(), path.name


def test_units_and_files_that_units_name_exist() -> None:
    """Units start each other and files of this repository by name."""
    names = {path.name for path in UNITS}
    for path in UNITS:
        text = path.read_text()
        for unit in re.findall(r"\bharmrank[\w-]*@?(?:%n)?\.(?:service|timer)", text):
            assert unit.replace("%n", "") in names, (path.name, unit)
        for file in re.findall(rf"{INSTALLED}(\S+)", text):
            is_made = file.startswith(".venv/") or file == "target"
            assert is_made or (REPOSITORY / file).exists(), (path.name, file)
        if path.suffix == ".timer":
            assert path.with_suffix(".service").exists()


def test_the_services_are_closed() -> None:
    """The settings that protect personal data are present."""
    needed = {
        "User": "harmrank", "UMask": "0077", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
        "PrivateTmp": "yes", "PrivateNetwork": "yes", "CapabilityBoundingSet": "",
    }  # fmt: skip
    for name in ("harmrank", "harmrank-watch"):
        service = Unit(DEPLOY / "systemd" / f"{name}.service")["Service"]
        assert {key: service[key] for key in needed} == needed
    refresh = Unit(DEPLOY / "systemd" / "harmrank.service")
    # A refused extract (3) must be seen, and repeated attempts do not repair a failed gate.
    assert "SuccessExitStatus" not in refresh["Service"]
    assert refresh["Service"]["RestartPreventExitStatus"].split() == ["1", "2", "3", "4", "SIGKILL"]
    assert refresh["Unit"]["OnFailure"] == "harmrank-alarm@%n.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """systemd's own check passes, in a root folder with the files that the units start."""
    units = tmp_path / "etc/systemd/system"
    targets = tmp_path / "usr/lib/systemd/system"
    for folder in (units, targets, tmp_path / "opt/harmrank/.venv/bin", tmp_path / "opt/harmrank/deploy/systemd"):
        folder.mkdir(parents=True)
    for path in UNITS:
        shutil.copy(path, units)
    for target in Path("/usr/lib/systemd/system").glob("*.target"):
        shutil.copy(target, targets)
    for program in (".venv/bin/harmrank", "deploy/systemd/alarm"):
        shutil.copy("/bin/sh", tmp_path / "opt/harmrank" / program)
    names = [str(units / path.name) for path in UNITS]
    verify = ["systemd-analyze", "verify", "--man=no", f"--root={tmp_path}"]
    done = subprocess.run([*verify, *names], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    broken = units / "harmrank.service"
    broken.write_text(broken.read_text().replace("ProtectSystem=strict", "ProtectSytem=strict"))
    assert "ProtectSytem" in subprocess.run([*verify, broken], capture_output=True, text=True, check=False).stderr


def run_as_cron_does(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs a line of the cron file with this harmrank, in the small environment that cron sets."""
    program = f"{sys.executable} -m harmrank"
    command = command.replace(f"{INSTALLED}.venv/bin/harmrank", program)
    command = command.replace("/srv/harmrank/extracts", str(home.parent / "extracts"))
    bare = {
        "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": str(home.parent), "LOGNAME": "harmrank",
        "HARMRANK_HOME": str(home), "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip
    return subprocess.run(["/bin/sh", "-c", command], env=bare, cwd="/", capture_output=True, text=True, check=False)


def test_the_lines_of_cron_are_silent_until_something_is_wrong(published: PublishedHome, tmp_path: Path) -> None:
    """cron mails all output: there is none while all is well; after a failure there is all of it, with the exit code."""
    home = tmp_path / "home"
    shutil.copytree(published.home, home, symlinks=True)
    shutil.copytree(published.extracts, tmp_path / "extracts")
    refresh, watch = lines_of_cron()
    done = run_as_cron_does(refresh, home)
    assert (done.stdout, done.stderr) == ("", "")
    assert run_as_cron_does(watch.replace("40d", "999w"), home).stdout == ""
    (tmp_path / "extracts" / "2026-07-31").mkdir()
    (tmp_path / "extracts" / "2026-07-31" / "crimes.csv").write_text("force\n")
    done = run_as_cron_does(refresh, home)
    assert done.stdout.startswith("harmrank refresh: exit code 3\n")
    assert "Extract 2026-07-31 was refused" in done.stdout
    shutil.rmtree(home / "published")
    assert run_as_cron_does(watch, home).stdout.startswith("stale: nothing has been published yet")


def test_the_image_has_every_file_of_the_package() -> None:
    """Every file of the wheel is copied into the build and not ignored; a home is ignored."""
    container = (DEPLOY / "container" / "Containerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (?!--)(.*)$", container, re.MULTILINE) for word in line.split()[:-1]}
    assert all((REPOSITORY / path).exists() for path in copied), copied
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        *wheel["force-include"],
        *wheel["packages"],
        project["project"]["readme"],
        *project["project"]["license-files"],
    }
    assert needed | {"pyproject.toml", "requirements.lock"} <= copied
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*", "all but what is named"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_the_image_is_pinned_and_runs_without_root() -> None:
    """The base has a full version, packages come from the lock by hash, nothing is fetched later, no root."""
    container = (DEPLOY / "container" / "Containerfile").read_text()
    assert re.search(r"^ARG BASE=python:\d+\.\d+\.\d+-slim-\w+$", container, re.MULTILINE)
    assert "--require-hashes --requirement requirements.lock" in container
    assert "--no-deps --no-build-isolation --no-index ." in container
    user = container.index("\nUSER 10001:10001\n")
    assert user < container.index("ENTRYPOINT") and "\nUSER" not in container[user + 5 :]


def test_the_resident_container_passes_signals_on(published: PublishedHome, tmp_path: Path) -> None:
    """It reports a failed run, runs again after its pause, and on SIGTERM stops together with the current run."""
    program = tmp_path / "harmrank"
    program.write_text(f'#!/bin/sh\necho run >> {tmp_path}/runs\nexec {sys.executable} -m harmrank "$@"\n')
    program.chmod(0o700)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    every = ["sh", str(DEPLOY / "container" / "harmrank-every"), "1"]
    arguments = ["status", "--home", str(published.home), "--max-list-age", "1d"]
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen([*every, *arguments], env=environment, stdout=said, stderr=said)
        while not (tmp_path / "runs").exists() or (tmp_path / "runs").read_text().count("run") < 2:
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        said.seek(0)
        assert "harmrank-every: exit code 1, again in 1 s" in said.read()
    home = tmp_path / "home"
    refresh = [*every, "refresh", str(published.extracts), "--home", str(home)]
    process = subprocess.Popen(refresh, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any(line.startswith("building and testing") for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    assert "stopped by SIGTERM" in process.stderr.read()
    assert process.wait() == 0
