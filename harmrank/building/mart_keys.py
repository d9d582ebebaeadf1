"""The keys of the published tables, taken from the dbt tests: only their YAML names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Keys = dict[str, list[list[str]]]
"""The keys of each table. A key is a list of columns whose values together are unique."""

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


def in_order(keys: list[list[str]], columns: Sequence[str]) -> list[list[str]]:
    """Returns the keys of a table, the shortest first and then by the order of its columns. The first is the primary key."""
    places = {name: place for place, name in enumerate(columns)}
    return sorted(keys, key=lambda key: (len(key), [places[column] for column in key]))
