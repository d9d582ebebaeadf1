"""Reads the suites in `expectations/`: what is checked, how severe a failure is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harmrank.building.project import project_root


@dataclass(frozen=True)
class Expectation:
    """One expectation, with the `type` and `arguments` of Great Expectations.

    `sentence` says what is expected, `mend` what to do if it is not true. A fatal expectation refuses the extract or
    stops the publication, unless fewer than `fatal_from_rows` rows were checked: a share of a few rows says little. With
    fewer than `least_unexpected` unexpected rows an expectation is met. A list with a fatal finding that `can_be_accepted` is
    kept, and published only on purpose.
    """

    name: str
    type: str
    arguments: dict[str, Any]
    table: str
    column: str
    sentence: str
    mend: str
    is_fatal: bool
    fatal_from_rows: int
    least_unexpected: int = 0
    can_be_accepted: bool = False


@dataclass(frozen=True)
class Suite:
    """The expectations about one relation. `query`, if there is one, makes the relation from others."""

    relation: str
    query: str | None
    expectations: tuple[Expectation, ...]


def load(door: str) -> tuple[Suite, ...]:
    """Returns the suites of `door_in` or `door_out`, by file name."""
    files = sorted((project_root() / "expectations" / door).glob("*.yml"))
    return tuple(_suite(file) for file in files)


def _suite(file: Path) -> Suite:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    expectations = tuple(_expectation(entry, content) for entry in content["expectations"])
    return Suite(content["relation"], content.get("query"), expectations)


def _expectation(entry: dict[str, Any], suite: dict[str, Any]) -> Expectation:
    arguments, meta = entry.get("kwargs", {}), entry["meta"]
    return Expectation(
        name=meta["name"],
        type=entry["type"],
        arguments=arguments,
        table=meta.get("table", suite["table"]),
        column=meta.get("column") or arguments.get("column") or "(table)",
        sentence=entry["description"],
        mend=meta.get("mend") or suite["mend"],
        is_fatal=entry["severity"] == "critical",
        fatal_from_rows=meta.get("fatal_from_rows", 0),
        least_unexpected=meta.get("least_unexpected", 0),
        can_be_accepted=meta.get("can_be_accepted", False),
    )
