"""Changes each rule of the method in a copy of the project and checks that a test fails.

A changed model or macro must fail one of dbt's unit tests; a changed row of the seed must fail the comparison with the
independent computation, or the one with the rules that the unit tests use. A change that only makes a model invalid
proves nothing and is an error, as is a change whose text is no longer in its file exactly once.

    PYTHONPATH=tests .venv/bin/python -m reliability.mutations [--record]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reliability.changed_rules import MUTATIONS, SEED_MUTATIONS, Mutation
from reliability.faults import build_home
from reliability.record import record

REPOSITORY = Path(__file__).resolve().parents[2]
COPIED = ("analyses", "dbt_project.yml", "harmrank", "macros", "models", "profiles", "pyproject.toml", "seeds", "tests")
# The tests of pytest that read the row of the seed: the second computation, and the unit tests' own copy of the row.
INDEPENDENT = ("tests/models/test_independent.py", "(offender_agrees or hundred_agree) and 1 and newest")
SAME_RULES = ("tests/models/test_gates.py", "test_the_unit_tests_rank_by_the_published_method")


@dataclass(frozen=True)
class Verdict:
    """The tests that a change fails, and whether they could run at all."""

    mutation: Mutation
    caught_by: list[str]
    is_invalid: bool = False


def out_of_date() -> list[Mutation]:
    """Returns the changes whose text is not in its file exactly once."""
    texts = {mutation.file: "" for mutation in [*MUTATIONS, *SEED_MUTATIONS]}
    for file in texts:
        path = REPOSITORY / file
        texts[file] = path.read_text(encoding="utf-8") if path.is_file() else ""
    return [
        mutation
        for mutation in [*MUTATIONS, *SEED_MUTATIONS]
        if texts[mutation.file].count(mutation.old) != 1 or mutation.old == mutation.new
    ]


class Project:
    """A copy of the project that may be changed, and a home whose tables its unit tests take their types from."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.root = folder / "project"
        self.home = home
        self.root.mkdir()
        for name in COPIED:
            source = REPOSITORY / name
            if source.is_dir():
                shutil.copytree(source, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, self.root / name)

    @contextmanager
    def changed(self, mutation: Mutation) -> Iterator[None]:
        """The project with one rule changed, restored afterwards."""
        path = self.root / mutation.file
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace(mutation.old, mutation.new), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")

    def unit_tests(self, selection: str) -> tuple[list[str], list[str]]:
        """Runs the selected unit tests. Returns the names of those that fail, and of those that could not run."""
        result = self._dbt("test", "--select", selection)
        if result.exception is not None or result.result is None:
            return [], [str(result.exception)]
        ran = [(item.node.name, str(item.status)) for item in result.result.results]
        return [name for name, status in ran if status == "fail"], [name for name, status in ran if status == "error"]

    def models_that_use(self, file: str) -> list[str]:
        """Returns the models whose SQL needs a macro of this file, directly or through another macro."""
        manifest = self._dbt("parse").result
        changed = {name for name, macro in manifest.macros.items() if macro.original_file_path == file}
        while users := {n for n, macro in manifest.macros.items() if changed & set(macro.depends_on.macros)} - changed:
            changed |= users
        return sorted(
            node.name
            for node in manifest.nodes.values()
            if node.resource_type == "model" and changed & set(node.depends_on.macros)
        )

    def _dbt(self, command: str, *arguments: str) -> Any:
        from dbt.cli.main import dbtRunner

        return dbtRunner().invoke(
            [
                *(
                    "--quiet",
                    "--log-level",
                    "none",
                    "--no-use-colors",
                    command,
                    "--target",
                    "duckdb",
                    "--no-write-json",
                ),
                *("--project-dir", str(self.root), "--profiles-dir", str(self.root / "profiles")),
                *("--target-path", str(self.root / "target"), "--log-path", str(self.root / "logs")),
                *arguments,
            ]
        )

    def python_tests(self, file: str, names: str) -> list[str]:
        """Runs tests of pytest in the copy. Returns the names of those that fail."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "-p", "no:cacheprovider", file, "-k", names],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        said = (line.split() for line in done.stdout.splitlines())
        return sorted({words[1].split("::")[-1].split("[")[0] for words in said if words[:1] == ["FAILED"]})


@contextmanager
def project(folder: Path, home: Path) -> Iterator[Project]:
    """A changeable copy of the project whose dbt runs in this process on the home; closes dbt's connections at the end."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    wanted = {"HARMRANK_HOME": str(home), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield Project(folder, home)
    finally:
        DuckDBConnectionManager.close_all_connections()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def try_rule(copy: Project, mutation: Mutation) -> Verdict:
    """Changes a model or a macro and runs the unit tests of the model, or of the models that use the macro."""
    path = Path(mutation.file)
    # A unit test provides the rows of its inputs, so that only the model's own tests run its SQL.
    models = [path.stem] if path.parts[0] == "models" else copy.models_that_use(mutation.file)
    selection = " ".join(f"{model},test_type:unit" for model in models)
    with copy.changed(mutation):
        failed, broken = copy.unit_tests(selection)
    return Verdict(mutation, failed, is_invalid=bool(broken))


def try_seed(copy: Project, mutation: Mutation) -> Verdict:
    """Changes the row of the seed, then runs the second computation and the comparison with the unit tests' rules."""
    with copy.changed(mutation):
        return Verdict(mutation, copy.python_tests(*INDEPENDENT) or copy.python_tests(*SAME_RULES))


def attack(copy: Project, rules: list[Mutation], seeds: list[Mutation]) -> Iterator[Verdict]:
    """Tries every change. Raises ValueError if a unit test fails without a change."""
    failed, broken = copy.unit_tests("test_type:unit")
    if failed or broken:
        raise ValueError(f"these fail without any change: {', '.join(failed + broken)}")
    for mutation in rules:
        yield try_rule(copy, mutation)
    for mutation in seeds:
        yield try_seed(copy, mutation)


def line(verdict: Verdict) -> str:
    """Returns the result of one change as a line."""
    said = "INVALID" if verdict.is_invalid else "caught" if verdict.caught_by else "MISSED"
    return f"{said}  {verdict.mutation.file}: {verdict.mutation.means} ({', '.join(verdict.caught_by) or 'nothing'})"


def summary(verdicts: list[Verdict], seconds: float) -> list[str]:
    """Returns the figures as Markdown, by the kind of test that fails."""
    caught = [verdict for verdict in verdicts if verdict.caught_by and not verdict.is_invalid]
    kinds = {verdict.mutation: _kind(verdict) for verdict in caught}
    tests = {name for verdict in caught for name in verdict.caught_by}
    lines = [
        f"{len(verdicts)} rules changed, one at a time, in {len({v.mutation.file for v in verdicts})} files: "
        f"{len(caught)} caught, by {len(tests)} different tests. {seconds:.0f} s.",
        "",
        "| where the rule is | changed | caught | by |",
        "|---|---:|---:|---|",
    ]
    places = Counter(_place(verdict.mutation) for verdict in verdicts)
    for place, number in places.items():
        there = [verdict for verdict in caught if _place(verdict.mutation) == place]
        by = Counter(kinds[verdict.mutation] for verdict in there)
        said = ", ".join(f"{kind} ({count})" for kind, count in by.most_common())
        lines.append(f"| {place} | {number} | {len(there)} | {said} |")
    return lines


def _place(mutation: Mutation) -> str:
    path = Path(mutation.file)
    return f"`{mutation.file}`" if path.parts[0] == "seeds" else f"`{path.parent}`"


def _kind(verdict: Verdict) -> str:
    if Path(verdict.mutation.file).parts[0] != "seeds":
        return "dbt unit tests"
    if SAME_RULES[1] in verdict.caught_by:
        return "the comparison with the rules of the unit tests"
    return "the second computation of the list"


def main() -> int:
    """Attacks, prints, and with --record writes the page. Returns 1 if a change is missed, invalid or out of date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--record", action="store_true", help="write the figures into docs/reliability.md")
    parser.add_argument("--only", default="", help="only files whose path has this in it")
    arguments = parser.parse_args()
    stale = out_of_date()
    for mutation in stale:
        print(f"{mutation.file} no longer says exactly once: {mutation.old!r}", file=sys.stderr)
    if stale:
        return 1
    rules, seeds = ([m for m in some if arguments.only in m.file] for some in (MUTATIONS, SEED_MUTATIONS))
    started, verdicts = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="harmrank-mutations-") as name:
        folder = Path(name)
        with project(folder, build_home(folder)) as copy:
            for verdict in attack(copy, rules, seeds):
                verdicts.append(verdict)
                print(line(verdict), flush=True)
    lines = summary(verdicts, time.monotonic() - started)
    print("\n".join(["", *lines]))
    failed = any(verdict.is_invalid or not verdict.caught_by for verdict in verdicts)
    if arguments.record and not failed:
        record("mutations", lines)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
