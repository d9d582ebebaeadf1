"""Every block of docs/tools.md that can run here runs unchanged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import openpyxl
import pytest
from conftest import REPOSITORY, PublishedHome
from support import postgres_server
from support.postgres_server import PASSWORD, Server

PAGE = REPOSITORY / "docs" / "tools.md"
# Environments to run a block in: the first that has its packages. pandas 3 and Polars are in that of the benchmarks.
PYTHONS = [Path(sys.executable), REPOSITORY / ".venv-bench" / "bin" / "python"]
RUNS = {"sh": ["bash", "-euo", "pipefail", "-c"], "r": ["Rscript", "-e"]}


@dataclass(frozen=True)
class Block:
    """A block of the page: its heading, language and text."""

    heading: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.heading}: {self.text.splitlines()[0][:40]}"


def blocks() -> list[Block]:
    """Returns the blocks of the page, in order."""
    found, heading = [], ""
    for part in re.finditer(r"^## ([^\n]+)$|^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        heading = part[1] or heading
        if part[2]:
            found.append(Block(heading, part[2], part[3]))
    return found


@dataclass(frozen=True)
class Desk:
    """The place to run the page: a folder with `home` and `.venv`, and the database settings of the shell."""

    folder: Path
    environment: dict[str, str]
    server: Server

    def fault(self, block: Block) -> str:
        """Runs a block unchanged. Returns its error or an empty text; some tools exit with 0 after an error."""
        command = [str(python_for(block)), "-c"] if block.language == "python" else RUNS[block.language]
        done = subprocess.run(
            [*command, block.text], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        return said or "nothing said" if done.returncode or "error" in said.lower() else ""


def python_for(block: Block) -> Path | None:
    """Returns the first Python that has what the block imports."""
    modules = set(re.findall(r"^(?:import|from) (\w+)", block.text, re.M))
    # pandas reads Parquet with a package that it does not require.
    modules |= {"pyarrow"} if "read_parquet" in block.text else set()
    asked = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))"
    for python in PYTHONS:
        if python.exists() and subprocess.run([python, "-c", asked, *modules], check=False).returncode == 0:
            return python
    return None


def missing(block: Block) -> str | None:
    """Returns what this machine lacks to run the block, or None."""
    if block.language == "python":
        return None if python_for(block) else "no Python here has what it imports"
    if block.language == "r":
        asked = ["Rscript", "-e", "library(DBI); library(RPostgreSQL)"]
        found = shutil.which("Rscript") and subprocess.run(asked, capture_output=True, check=False).returncode == 0
        return None if found else "R or its packages are not installed"
    tools = {line.split()[0] for line in re.findall(r"^(?:duckdb|psql|soffice)\b|(?<=\| )isql", block.text, re.M)}
    lacking = sorted(tool for tool in tools if shutil.which(tool) is None)
    return f"{', '.join(lacking)} not installed" if lacking else None


@pytest.fixture(scope="module")
def desk(published: PublishedHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with a published list and a PostgreSQL server, as the service and data source `police`."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "home").symlink_to(published.home)
    (folder / ".venv" / "bin").mkdir(parents=True)
    command = folder / ".venv" / "bin" / "harmrank"
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m harmrank "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    with postgres_server.running() as server:
        facts = {"host": "127.0.0.1", "port": server.port, "dbname": "postgres", "user": "postgres"}
        service = "\n".join(["[police]", *(f"{name}={value}" for name, value in facts.items())])
        (folder / "services").write_text(service + "\n", encoding="utf-8")
        (folder / "pgpass").write_text(f"127.0.0.1:{server.port}:*:postgres:{PASSWORD}\n", encoding="utf-8")
        (folder / "pgpass").chmod(0o600)
        (source,) = (block.text for block in blocks() if block.language == "ini")
        for stated, here in (
            ("Servername = db.example", "Servername = 127.0.0.1"),
            ("Port = 5432", f"Port = {server.port}"),
            ("Database = police", "Database = postgres"),
            ("UserName = analyst", "UserName = postgres"),
        ):
            assert stated in source
            source = source.replace(stated, here)
        (folder / "odbc.ini").write_text(source, encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(folder),
            "PGSERVICEFILE": str(folder / "services"),
            "PGPASSFILE": str(folder / "pgpass"),
            "ODBCINI": str(folder / "odbc.ini"),
        }
        yield Desk(folder, environment, server)


@pytest.mark.parametrize("block", [block for block in blocks() if block.language != "ini"], ids=str)
def test_a_block_of_the_page_runs(desk: Desk, block: Block) -> None:
    """A reader who pastes the block gets an answer."""
    lacking = missing(block)
    if lacking:
        pytest.skip(lacking)
    assert desk.fault(block) == ""


def test_the_blocks_that_need_nothing_but_harmrank_run_everywhere() -> None:
    """Skipping must not hide the page: the blocks for DuckDB from Python and CSV for spreadsheets run everywhere."""
    can_run = {block.heading for block in blocks() if block.language != "ini" and not missing(block)}
    assert can_run >= {"DuckDB from Python", "Spreadsheets"}
    assert {block.language for block in blocks()} == {"python", "sh", "r", "ini"}


def test_a_wrong_block_fails(desk: Desk) -> None:
    """The test above can fail: a missing table, in a block of each language that runs here."""
    for block in blocks():
        if block.language != "ini" and "top_100" in block.text and not missing(block) and "soffice" not in block.text:
            wrong = Block(block.heading, block.language, block.text.replace("top_100", "top_99"))
            assert desk.fault(wrong), block


def test_the_file_for_spreadsheets_is_the_list(desk: Desk, published: PublishedHome) -> None:
    """It has every place and column, and no value that a spreadsheet would run."""
    (block,) = (block for block in blocks() if block.heading == "Spreadsheets" and block.language == "python")
    assert desk.fault(block) == ""
    written = (desk.folder / "top_100.csv").read_text(encoding="utf-8-sig").splitlines()
    with duckdb.connect(str(published.mart), read_only=True) as mart:
        columns = mart.execute("select column_name from duckdb_columns() where table_name = 'top_100'").fetchall()
    assert written[0].split(",") == [name for (name,) in columns]
    assert len(written) == 2 and "met|p1" in written[1] and "019/08" in written[1]
    (convert,) = (block for block in blocks() if "soffice" in block.text)
    if not missing(convert):
        assert desk.fault(convert) == ""
        names, values = openpyxl.load_workbook(desk.folder / "top_100.xlsx").active.iter_rows(values_only=True)
        place = dict(zip(names, values, strict=True))
        assert (place["harm_rank"], place["harm_days"], place["most_serious_offence_code"]) == (1, 1835, "019/08")


def test_every_tool_of_the_table_has_its_section() -> None:
    """Every link at the top has its section."""
    text = PAGE.read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^## (.+)$", text, re.M)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= anchors
