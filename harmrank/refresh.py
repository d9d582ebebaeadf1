"""The main job: land what is new, build and test, publish. Each step stands alone; this module puts them in order."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from harmrank import publish, warehouse
from harmrank.contract import MAX_BAD_SHARE
from harmrank.errors import GateFailed, UsageError
from harmrank.home import Home
from harmrank.landing import LandingResult, extract_folders, land
from harmrank.project import code_version, project_root
from harmrank.reading import GATE_FAILED


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh did. `publication` is None where there was nothing new to publish."""

    landing: LandingResult
    list_date: date | None
    publication: publish.Publication | None
    warnings: list[str] = field(default_factory=list)
    tests: int = 0


@dataclass(frozen=True)
class Request:
    """One build asked for: what identifies its inputs, and the facts the manifest carries."""

    build_id: str
    requested_at: datetime
    list_date: date
    asked_list_date: date | None
    method: str
    code: str
    inputs_sha256: str
    extracts: list[str]


def refresh(
    extracts: Path,
    home: Home,
    *,
    list_date: date | None = None,
    method: str | None = None,
    full: bool = False,
    max_bad_share: float = MAX_BAD_SHARE,
    published_mode: int | None = None,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
) -> RefreshResult:
    """Land, build, test and publish; do nothing where nothing is new, unless `full` asks for it.

    `published_mode` sets the permissions of the published folder; without it they stay as they are.
    Raises GateFailed when a model or a test fails (the last published build still stands), HomeBusy when another
    refresh holds the home, UsageError when there is nothing to build from.
    """
    chosen_method = _method(method)
    extract_folders(extracts, home)
    with home.lock():
        if published_mode is not None:
            publish.share(home, published_mode)
        landed = land(extracts, home, say, max_bad_share)
        with warehouse.connect(home) as connection:
            _refuse_unknown_index(connection, chosen_method)
            request = _request(connection, list_date, chosen_method["method"], landed)
            if request is None:
                return RefreshResult(landed, None, None)
            if not full and _stands(home, request):
                _note(home, request, "nothing new", [])
                return RefreshResult(landed, request.list_date, None)
            _record(connection, request)
        return _build_and_publish(home, request, landed, say, progress)


def _seed(name: str) -> list[dict[str, str]]:
    with (project_root() / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _method(asked: str | None) -> dict[str, str]:
    """The row of the method asked for, or of the default one. Raises UsageError for one that the seed does not have."""
    methods = _seed("ranking_methods")
    for row in methods:
        if row["method"] == asked or (asked is None and row["is_default"] == "true"):
            return row
    known = ", ".join(row["method"] for row in methods)
    raise UsageError(f"{asked} is no method of seeds/ranking_methods.csv; it has {known}")


def _refuse_unknown_index(connection: duckdb.DuckDBPyConnection, method: dict[str, str]) -> None:
    known = {row["harm_index"] for row in _seed("harm_indices")}
    known |= {name for (name,) in connection.execute("select distinct harm_index from raw.imported_weights").fetchall()}
    index = method["harm_index"]
    if index not in known:
        raise UsageError(
            f"method {method['method']} ranks by the harm index {index}, which this home does not have: "
            f"harmrank weights import WORKBOOK --name {index}"
        )


def _build_and_publish(
    home: Home,
    request: Request,
    landed: LandingResult,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
) -> RefreshResult:
    from harmrank.build import build

    say(f"building and testing the list for {request.list_date}")
    result = build(home, progress)
    warnings = [*_doubts(request), *result.warnings]
    if result.failures:
        _note(home, request, GATE_FAILED, result.failures)
        listed = "; ".join(result.failures[:3])
        more = f" (and {len(result.failures) - 3} more)" if len(result.failures) > 3 else ""
        raise GateFailed(f"nothing was published, the last good list still stands. {listed}{more}")
    passed = result.tests - len(result.warnings)
    said = f" and {len(result.warnings)} with a warning" if result.warnings else ""
    say(f"{result.models} models built, {passed} tests passed{said}; publishing")
    publication = publish.publish(home, request.build_id, _facts(request, warnings))
    _note(home, request, "published", warnings)
    return RefreshResult(landed, request.list_date, publication, warnings, result.tests)


def _doubts(request: Request) -> list[str]:
    """What is odd about the date of the list; it is made all the same."""
    newest = max(request.extracts)[:10]
    if request.list_date > datetime.now(UTC).date():
        return [f"the list date {request.list_date} is in the future: is it right, and the id of the newest extract?"]
    if str(request.list_date) > newest:
        return [
            f"the list date {request.list_date} is later than the newest extract ({newest}): reports may be missing"
        ]
    return []


def _request(
    connection: duckdb.DuckDBPyConnection, list_date: date | None, method: str, landed: LandingResult
) -> Request | None:
    rows = connection.execute(
        "select extract_id, content_sha256, extract_on from raw.extracts order by extract_id"
    ).fetchall()
    if not rows:
        if landed.refused:
            return None
        raise UsageError("no extract has been landed yet and the folder holds none: nothing to build from")
    chosen = list_date or max(row[2] for row in rows)
    code = code_version()
    weights = connection.execute("select * from raw.imported_weights order by all").fetchall()
    inputs = json.dumps([[r[:2] for r in rows], str(chosen), method, code, duckdb.__version__, str(weights)])
    digest = hashlib.sha256(inputs.encode()).hexdigest()
    now = datetime.now(UTC).replace(tzinfo=None)
    build_id = f"{now:%Y%m%dT%H%M%S%f}Z-{digest[:8]}"
    return Request(build_id, now, chosen, list_date, method, code, digest, [row[0] for row in rows])


def _stands(home: Home, request: Request) -> bool:
    manifest = publish.read_manifest(home)
    return manifest is not None and manifest.get("inputs_sha256") == request.inputs_sha256


def _record(connection: duckdb.DuckDBPyConnection, request: Request) -> None:
    from importlib.metadata import version

    connection.execute("begin")
    connection.execute("delete from raw.build_request")
    connection.execute(
        "insert into raw.build_request (build_id, requested_at, list_date, method, code_version, duckdb_version, "
        "dbt_version) values (?, ?, ?, ?, ?, ?, ?)",
        [
            request.build_id,
            request.requested_at,
            request.asked_list_date,
            request.method,
            request.code,
            duckdb.__version__,
            version("dbt-core"),
        ],
    )
    connection.execute("commit")


def _facts(request: Request, warnings: list[str]) -> dict[str, Any]:
    return {
        "built_at": request.requested_at.isoformat() + "Z",
        "list_date": str(request.list_date),
        "method": request.method,
        "code_version": request.code,
        "duckdb_version": duckdb.__version__,
        "inputs_sha256": request.inputs_sha256,
        "extracts": request.extracts,
        "warnings": warnings,
    }


def _note(home: Home, request: Request, outcome: str, details: list[str]) -> None:
    """Leave the outcome for `harmrank status`, which must not need the warehouse."""
    path = home.logs / "last_refresh.json"
    entry = {
        "build_id": request.build_id,
        "requested_at": request.requested_at.isoformat() + "Z",
        "list_date": str(request.list_date),
        "outcome": outcome,
        "details": details,
    }
    path.write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
