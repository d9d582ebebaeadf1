"""The keys of the published tables, as the dbt tests know them: said once, in the YAML, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Keys = dict[str, list[list[str]]]
"""For each table its keys, each a list of columns whose values together stand in one row only."""

_SAY_A_KEY = ("unique", "unique_key")


def of_marts(project: Any) -> Keys:
    """The keys that tests of the parsed project (dbt's Manifest) look after: unique and never missing."""
    keys: Keys = {}
    for test in project.nodes.values():
        # Singular tests have none: they say what they say in SQL alone.
        said = getattr(test, "test_metadata", None)
        if said is None or said.name not in _SAY_A_KEY or said.kwargs.get("may_be_missing") or test.config.where:
            continue
        model = project.nodes.get(test.attached_node)
        if model is not None and model.schema == "mart":
            keys.setdefault(model.name, []).append(list(said.kwargs.get("columns") or [test.column_name]))
    return keys


def in_order(keys: list[list[str]], columns: Sequence[str]) -> list[list[str]]:
    """The keys of a table with these columns, the shortest first, then as the columns stand: the first is the one to
    know a row by."""
    places = {name: place for place, name in enumerate(columns)}
    return sorted(keys, key=lambda key: (len(key), [places[column] for column in key]))
