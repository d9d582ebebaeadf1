"""What a refresh is asked to do, and the build that follows: its extracts, its method and the digest of its inputs."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from harmrank.building.project import code_version, seed_rows
from harmrank.contract import MAX_BAD_SHARE
from harmrank.errors import UsageError
from harmrank.home.folder import Home
from harmrank.landing.outcome import LandingResult
from harmrank.machine import duck
from harmrank.machine.clock import utc_now
from harmrank.publishing.current_build import KEPT_BUILDS


@dataclass(frozen=True)
class Options:
    """What a refresh is asked to do: the options of `harmrank refresh`, by their names.

    `method` is a row of the seed ranking_methods, None for its default. `max_bad_share` is from 0 to 1. `keep_builds` (at
    least 1) earlier builds stay beside the new one. `published_mode` is the mode of the published folder, `operational_mode` that of
    the folder with names in each build; None leaves them unchanged. `engine` is duckdb or spark; a home keeps the engine
    that landed its extracts. `accept_list` publishes a list that would wait otherwise.

    With `known_at` the list is made from the extracts taken up to that day, in a home of its own: `out`, or a folder in
    `home`. The published list of `home` does not change.
    """

    extracts: Path
    home: Home
    list_date: date | None = None
    method: str | None = None
    full: bool = False
    known_at: date | None = None
    out: Path | None = None
    max_bad_share: float = MAX_BAD_SHARE
    engine: str | None = None
    keep_builds: int = KEPT_BUILDS
    published_mode: int | None = None
    operational_mode: int | None = None
    accept_list: bool = False

    @property
    def accept_command(self) -> str:
        """The command that publishes on purpose a list that these options made."""
        words = ["harmrank", "refresh", str(self.extracts), "--home", str(self.home.root)]
        if self.list_date:
            words += ["--list-date", str(self.list_date)]
        if self.method:
            words += ["--method", self.method]
        return shlex.join([*words, "--accept-list"])


@dataclass(frozen=True)
class Request:
    """One requested build: what identifies its inputs, and the facts for its manifest. Times are UTC, without a zone.

    `rules` is a digest of everything that decides the content of the tables except the extracts and the list date.
    """

    build_id: str
    requested_at: datetime
    list_date: date
    asked_list_date: date | None
    method: str
    code: str
    rules: str
    inputs_sha256: str
    extracts: list[str]
    known_at: date | None

    @property
    def name(self) -> dict[str, str]:
        """Returns what the journal says about a build."""
        return {
            "build_id": self.build_id,
            "requested_at": self.requested_at.isoformat() + "Z",
            "list_date": str(self.list_date),
        }

    def manifest(self, warnings: list[str], silent: list[str]) -> dict[str, Any]:
        """Returns the facts for the manifest of the build. `silent` are the warnings about forces that send nothing."""
        return {
            "built_at": self.requested_at.isoformat() + "Z",
            "list_date": str(self.list_date),
            "known_at": self.known_at and str(self.known_at),
            "method": self.method,
            "code_version": self.code,
            "duckdb_version": duckdb.__version__,
            "inputs_sha256": self.inputs_sha256,
            "extracts": self.extracts,
            "warnings": warnings,
            "silent": silent,
        }

    def record(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Writes the request to the warehouse, where the models read it."""
        connection.execute("begin")
        connection.execute("delete from raw.build_request")
        connection.execute(
            "insert into raw.build_request (build_id, requested_at, list_date, method, code_version, duckdb_version, "
            "dbt_version, known_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                self.build_id,
                self.requested_at,
                self.asked_list_date,
                self.method,
                self.code,
                duckdb.__version__,
                version("dbt-core"),
                self.known_at,
            ],
        )
        connection.execute("commit")


def method_row(asked: str | None) -> dict[str, str]:
    """Returns the row of the seed for a method, or for the default one. Raises UsageError if it cannot be published."""
    methods = seed_rows("ranking_methods")
    known = ", ".join(row["method"] for row in methods if row["is_illustrative"] == "false")
    for row in methods:
        if row["method"] == asked or (asked is None and row["is_default"] == "true"):
            if row["is_illustrative"] != "false":
                raise UsageError(
                    f"{row['method']} is illustrative: it is only compared and cannot be published; use one of {known}"
                )
            return row
    raise UsageError(f"{asked} is not a method of seeds/ranking_methods.csv; use one of {known}")


def make(
    connection: duckdb.DuckDBPyConnection, options: Options, method: dict[str, str], landed: LandingResult
) -> Request | None:
    """Returns the build that the options ask for; None if every extract was refused.

    Raises UsageError if the home lacks the harm index of the method, or if there is nothing to build from.
    """
    refuse_unknown_index(connection, method)
    rows = connection.execute(
        "select extract_id, content_sha256, extract_on from raw.extracts where extract_on <= ? order by extract_id",
        [options.known_at or date.max],
    ).fetchall()
    if not rows and landed.refused:
        return None
    if not rows:
        raise _nothing_to_build_from(connection, options.known_at)
    list_date, code = options.list_date or max(row[2] for row in rows), code_version()
    weights = connection.execute("select * from raw.imported_weights order by all").fetchall()
    rules = _digest(
        method["method"], code, duckdb.__version__, version("dbt-core"), version("dbt-duckdb"), str(weights)
    )
    inputs = _digest(rules, str(list_date), str(options.known_at), *(text for row in rows for text in row[:2]))
    now = utc_now()
    return Request(
        build_id=f"{now:%Y%m%dT%H%M%S%f}Z-{inputs[:8]}",
        requested_at=now,
        list_date=list_date,
        asked_list_date=options.list_date,
        method=method["method"],
        code=code,
        rules=rules,
        inputs_sha256=inputs,
        extracts=[row[0] for row in rows],
        known_at=options.known_at,
    )


def refuse_unknown_index(connection: duckdb.DuckDBPyConnection, method: dict[str, str]) -> None:
    """Raises UsageError if this home lacks the harm index of a method."""
    known = {row["harm_index"] for row in seed_rows("harm_indices")}
    known |= {name for (name,) in connection.execute("select distinct harm_index from raw.imported_weights").fetchall()}
    index = method["harm_index"]
    if index not in known:
        raise UsageError(
            f"method {method['method']} ranks by the harm index {index}, which this home does not have: "
            f"harmrank weights import WORKBOOK --name {index}"
        )


def _nothing_to_build_from(connection: duckdb.DuckDBPyConnection, known_at: date | None) -> UsageError:
    first = duck.one_value(connection, "select min(extract_on) from raw.extracts")
    if known_at is not None and first is not None:
        return UsageError(f"nothing was known on {known_at}: the first extract was taken on {first}")
    by_then = f" taken by {known_at}" if known_at else ""
    return UsageError(f"nothing to build from: no extract{by_then} has landed yet, and the folder has none")


def _digest(*facts: str) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
