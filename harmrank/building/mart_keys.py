"""What the parsed project makes: its tables and views, and the keys of the published tables, which only dbt tests name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Keys = dict[str, list[list[str]]]
"""The keys of each table. A key is a list of columns whose values together are unique."""

PROJECT = "harmrank"
"""The project's name in dbt."""

_KEY_TESTS = ("unique", "unique_key")


def of_marts(project: Any) -> Keys:
    """Returns the keys that the parsed project (dbt's Manifest) tests: unique and never missing."""
    keys: Keys = {}
    for test in project.nodes.values():
        # Singular tests have none.
        metadata = getattr(test, "test_metadata", None)
        if (
            metadata is None
            or metadata.name not in _KEY_TESTS
            or metadata.kwargs.get("may_be_missing")
            or test.config.where
        ):
            continue
        model = project.nodes.get(test.attached_node)
        if model is not None and model.schema == "mart":
            keys.setdefault(model.name, []).append(list(metadata.kwargs.get("columns") or [test.column_name]))
    return keys


def relations_of(project: Any) -> frozenset[tuple[str, str]]:
    """Returns schema and name of every table and view that the parsed project (dbt's Manifest) makes."""
    return frozenset(
        (node.schema, node.alias)
        for node in project.nodes.values()
        if str(node.resource_type) in ("model", "seed") and node.config.materialized != "ephemeral"
    )


def views_of_changes(project: Any) -> list[str]:
    """Returns the names of the views of the parsed project (dbt's Manifest) that may be another in a build of changes only.

    They or macros that they name say `only_changes`. Every other view is the same in both kinds of build.
    """
    macros = {macro.name: _words(macro.macro_sql) for macro in project.macros.values() if macro.package_name == PROJECT}
    found, before = {"only_changes"}, 0
    while len(found) > before:
        before = len(found)
        # A macro is called by its name without that of an engine.
        found |= {name.split("__")[-1] for name, words in macros.items() if words & found}
    return sorted(
        node.name
        for node in project.nodes.values()
        if str(node.resource_type) == "model" and node.config.materialized == "view" and _words(node.raw_code) & found
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def in_order(keys: list[list[str]], columns: Sequence[str]) -> list[list[str]]:
    """Returns the keys of a table, the shortest first and then by the order of its columns. The first is the primary key."""
    places = {name: place for place, name in enumerate(columns)}
    return sorted(keys, key=lambda key: (len(key), [places[column] for column in key]))
