"""Runs dbt in this process and reports what it found. All rules are in the models."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import duckdb

from harmrank.building import manifest_cache
from harmrank.building.mart_keys import Keys, of_marts, relations_of, views_of_changes
from harmrank.building.project import project_root
from harmrank.home.folder import Home
from harmrank.machine import duck, signals, system_errors
from harmrank.text.printable import without_values
from harmrank.text.wording import plural

DUCKDB = "duckdb"
"""The target of the profile that is the home's own warehouse."""

# Leaves out seeds, and tests that read nothing but seeds.
WITHOUT_SEEDS = ("--exclude", "path:seeds", "--indirect-selection", "cautious")
# Leaves out views, but none of their tests; names of views may follow.
WITHOUT_VIEWS = ("--select", "resource_type:test", "config.materialized:table", "config.materialized:incremental")
# The generic tests of several columns name each column that fails (tests/generic).
_NAME_COLUMNS = ("complete", "at_least", "multiple_of_half")


@dataclass(frozen=True)
class BuildResult:
    """What dbt built and tested.

    Counts; the seconds of each model, seed and test by name; one sentence for each failure and warning; the keys of the
    marts; schema and name of every table and view of the project; and the parsed project (dbt's Manifest), None if it could not be parsed.
    """

    models: int
    tests: int
    seconds: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    keys: Keys = field(default_factory=dict)
    relations: frozenset[tuple[str, str]] = frozenset()
    project: Any = None


def build(
    home: Home, progress: Callable[[str, int, int], None], only_changes: bool = False, target: str = DUCKDB
) -> BuildResult:
    """Builds and tests all models in the home's warehouse, or in that of another target of the profile.

    With `only_changes`, only rows that extracts landed since the last build touch are rebuilt and tested; the caller
    knows that the tables can be trusted and that the rules are unchanged. `progress` is called with (name, nodes done,
    nodes in all) as nodes finish. Unit tests are left out: they test the rules, not the data. Raises HarmrankError for
    a full disk, too little memory or a warehouse that is open elsewhere: no model or test has failed then.
    """
    return _outcome(home, "build", progress, only_changes, target)


def test(home: Home, progress: Callable[[str, int, int], None], target: str = DUCKDB) -> BuildResult:
    """Runs every data test on all rows of the existing tables. Builds nothing."""
    return _outcome(home, "test", progress, only_changes=False, target=target)


def _outcome(
    home: Home, command: str, progress: Callable[[str, int, int], None], only_changes: bool, target: str = DUCKDB
) -> BuildResult:
    importlib.import_module("dbt.cli.main")
    counter = _Counter(progress)
    with _environment(home, only_changes):
        try:
            outcome, project = _run(home, command, only_changes, counter, target)
        finally:
            if target == DUCKDB:
                _release_warehouse()
    signals.raise_if_stopped()
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    if outcome.exception is not None:
        stopped_by = system_errors.cause(outcome.exception) or system_errors.cause(str(outcome.exception))
        if stopped_by:
            raise stopped_by
        kind, reason = type(outcome.exception).__name__, without_values(str(outcome.exception))
        return BuildResult(0, 0, failures=[f"dbt could not run ({kind}): {reason}"])
    columns: Callable[[Any], list[str]] = partial(_columns_found, home) if target == DUCKDB else lambda _: []
    return replace(
        _summarise(outcome.result, of_marts(project), columns), relations=relations_of(project), project=project
    )


def _run(home: Home, command: str, only_changes: bool, counter: _Counter, target: str) -> tuple[Any, Any]:
    """Builds or tests the project, parsed now or (for DuckDB) earlier. Returns dbt's result and the parsed project."""
    from dbt.cli.main import dbtRunner

    path = manifest_cache.path_now()
    project = manifest_cache.load(path) if target == DUCKDB else None
    if project is None:
        outcome = dbtRunner().invoke(_arguments(home, target, "parse", "--no-partial-parse"))
        if not outcome.success:
            return outcome, None
        project = outcome.result
        # If a file has changed in the meantime, it is not known which version was parsed.
        if target == DUCKDB and manifest_cache.path_now() == path:
            manifest_cache.save(project, path)
    left_out = ["--exclude-resource-type", "unit_test"]
    if only_changes and command == "build":
        # Seeds and views are part of the rules. The rules are unchanged, and so are they and the results of the seeds' tests.
        left_out += [*WITHOUT_SEEDS, *WITHOUT_VIEWS, *views_of_changes(project)]
    return dbtRunner(manifest=project, callbacks=[counter]).invoke(
        _arguments(home, target, command, *left_out)
    ), project


def _arguments(home: Home, target: str, command: str, *arguments: str) -> list[str]:
    return [
        "--quiet",
        "--log-level",
        "none",
        "--no-use-colors",
        command,
        *arguments,
        "--no-write-json",
        "--project-dir",
        str(project_root()),
        "--profiles-dir",
        str(project_root() / "profiles"),
        "--target",
        target,
        "--target-path",
        str(home.target.resolve()),
        "--log-path",
        str(home.logs.resolve()),
    ]


@contextmanager
def _environment(home: Home, only_changes: bool) -> Iterator[None]:
    settings = {
        "HARMRANK_HOME": str(home.work_folder.resolve()),
        "HARMRANK_ONLY_CHANGES": "yes" if only_changes else "no",
        system_errors.MEMORY_SETTING: duck.memory_limit(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _release_warehouse() -> None:
    """Closes dbt's connections, so that the warehouse can be opened read-only for publishing."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


class _Counter:
    """Counts finished nodes from dbt's own events."""

    def __init__(self, progress: Callable[[str, int, int], None]) -> None:
        self._progress = progress

    def __call__(self, event: Any) -> None:
        if event.info.name not in ("LogModelResult", "LogTestResult", "LogSeedResult"):
            return
        # dbt has another name for this number in test events.
        total = event.data.num_models if event.info.name == "LogTestResult" else event.data.total
        self._progress(event.data.node_info.node_name, event.data.index, total)


def _summarise(run: Any, keys: Keys, columns: Callable[[Any], list[str]]) -> BuildResult:
    failures, warnings, models, tests = [], [], 0, 0
    seconds = {}
    for result in run.results:
        kind = str(result.node.resource_type)
        models += kind in ("model", "seed")
        tests += kind == "test"
        if kind in ("model", "seed", "test"):
            seconds[str(result.node.name)] = float(result.execution_time)
        status = str(result.status)
        if status in ("error", "runtime error"):
            stopped_by = system_errors.cause(str(result.message or ""))
            if stopped_by:
                raise stopped_by
        if status in ("error", "fail", "runtime error"):
            failures.append(_sentence(result, kind, columns))
        elif status == "warn":
            warnings.append(_sentence(result, kind, columns))
    return BuildResult(models, tests, seconds, failures, warnings, keys)


def _sentence(result: Any, kind: str, columns: Callable[[Any], list[str]]) -> str:
    meaning = _one_line(result.node.description or "")
    if kind == "test" and result.failures is not None:
        where = ", ".join(columns(result.node)) if result.failures else ""
        # A test that names columns finds one value at a time.
        found = f"{plural(result.failures, 'value')} ({where})" if where else plural(result.failures, "row")
        return f"{kind} {result.node.name} found {found}. {meaning}".strip()
    return f"{kind} {result.node.name}: {without_values(str(result.message or 'failed'))}. {meaning}".strip()


def _columns_found(home: Home, test: Any) -> list[str]:
    """Returns the columns in which a failed test found rows, if the test names them."""
    if getattr(getattr(test, "test_metadata", None), "name", None) not in _NAME_COLUMNS:
        return []
    query = f"select distinct column_name from ({test.compiled_code}) order by 1"  # noqa: S608 - the SQL of a test of this project
    # The failure counts, with or without the names of its columns.
    with suppress(duckdb.Error), duck.open_database(home.warehouse, read_only=True) as connection:
        return [column for (column,) in connection.execute(query).fetchall()]
    return []


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]
