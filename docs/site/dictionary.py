"""Writes docs/dictionary.md from dbt's manifest: `make dictionary`.

    python docs/site/dictionary.py MANIFEST docs/dictionary.md

MANIFEST is the manifest.json of `dbt compile`. All descriptions are in models/.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lineage import Lineage, Manifest, Step

# Our words for dbt's types of exposures.
_KINDS = {"dashboard": "dashboard", "analysis": "paper", "application": "command"}
_OVERVIEW = "doc.harmrank.__overview__"
_NAMES = re.compile(r"`([a-z_0-9]+)((?:\.[a-z_0-9]+)?)`")


@dataclass(frozen=True)
class Column:
    """A column of a published table."""

    name: str
    type: str
    may_be_empty: bool
    description: str
    made_in: str


@dataclass(frozen=True)
class Table:
    """A published table."""

    name: str
    description: str
    # Unique keys, each a list of columns.
    keys: list[list[str]]
    built_from: list[str]
    read_by: list[str]
    columns: list[Column]

    @property
    def a_row(self) -> str:
        """Returns the first sentence of the description, which says what a row is."""
        return first_sentence(self.description)


@dataclass(frozen=True)
class Reader:
    """An exposure: a dashboard, a paper or a command that reads published tables."""

    label: str
    owner: str
    readers: str
    description: str
    tables: list[str]


@dataclass(frozen=True)
class Metric:
    """A figure over published tables, as dbt's semantic models define it."""

    name: str
    label: str
    unit: str
    description: str


def main() -> None:
    """Writes the dictionary."""
    manifest = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    target = Path(sys.argv[2])
    target.write_text(dictionary(manifest, Lineage(manifest)), encoding="utf-8")
    print(f"wrote {target}")


def dictionary(manifest: Manifest, lineage: Lineage) -> str:
    """Returns the text of docs/dictionary.md."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it writes Markdown, from our own words only.
    )
    tables = _tables(manifest, lineage)
    links = _Links(manifest, tables)
    environment.filters |= {"linked": links.linked, "origin": links.origin, "cell": _cell}
    return environment.get_template("dictionary.md.jinja").render(
        overview=_overview(manifest),
        tables=tables,
        readers=_readers(manifest),
        metrics=_metrics(manifest),
        trail=_described(manifest, lineage.trail("top_100", "harm_days")),
        columns=_columns_from_a_to_z(tables),
    )


def first_sentence(text: str) -> str:
    """Returns the first sentence of a description."""
    return re.split(r"(?<=[.])\s+(?=[A-Z])", text.strip(), maxsplit=1)[0]


def _overview(manifest: Manifest) -> str:
    """Returns the first page of dbt docs, without its title."""
    return str(manifest["docs"][_OVERVIEW]["block_contents"]).split("\n", 1)[1].strip()


def _tables(manifest: Manifest, lineage: Lineage) -> list[Table]:
    """Returns the published tables in the order of the overview. Raises SystemExit if it does not name one."""
    overview = _overview(manifest)
    marts = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["original_file_path"].startswith("models/marts/")
    ]
    missing = [mart["name"] for mart in marts if f"`{mart['name']}`" not in overview]
    if missing:
        raise SystemExit(f"models/overview.md does not say what {', '.join(missing)} is for: name it there")
    marts.sort(key=lambda mart: overview.index(f"`{mart['name']}`"))
    return [_table(manifest, lineage, mart) for mart in marts]


def _table(manifest: Manifest, lineage: Lineage, node: dict[str, Any]) -> Table:
    return Table(
        name=node["name"],
        description=node["description"].strip(),
        keys=_keys(manifest, node),
        built_from=[_name(parent) for parent in node["depends_on"]["nodes"]],
        read_by=[
            _label(exposure)
            for exposure in _exposures(manifest)
            if node["unique_id"] in exposure["depends_on"]["nodes"]
        ],
        columns=[
            Column(
                name=column["name"],
                type=column["data_type"],
                may_be_empty="not_null" not in {constraint["type"] for constraint in column["constraints"]},
                description=column["description"].strip(),
                made_in=lineage.made_in(node["name"], column["name"]),
            )
            for column in node["columns"].values()
        ],
    )


def _keys(manifest: Manifest, node: dict[str, Any]) -> list[list[str]]:
    """Returns the columns of each test of a unique key, in the order of the table's columns."""
    tests = [
        test["test_metadata"]["kwargs"]
        for test in manifest["nodes"].values()
        if test.get("attached_node") == node["unique_id"] and test["test_metadata"]["name"] in ("unique", "unique_key")
    ]
    order = list(node["columns"]).index
    keys = [list(given.get("columns") or [given["column_name"]]) for given in tests]
    return sorted(keys, key=lambda key: [order(column) for column in key])


def _exposures(manifest: Manifest) -> list[dict[str, Any]]:
    """Returns dashboards first, then papers, then commands."""
    return sorted(manifest["exposures"].values(), key=lambda one: (list(_KINDS).index(one["type"]), one["label"]))


def _label(exposure: dict[str, Any]) -> str:
    return f"{exposure['label']} ({_KINDS[exposure['type']]})"


def _readers(manifest: Manifest) -> list[Reader]:
    return [
        Reader(
            label=_label(exposure),
            owner=exposure["owner"]["name"],
            readers=exposure["meta"]["readers"],
            description=exposure["description"].strip(),
            tables=[_name(parent) for parent in exposure["depends_on"]["nodes"]],
        )
        for exposure in _exposures(manifest)
    ]


def _metrics(manifest: Manifest) -> list[Metric]:
    """Returns the metrics by name."""
    metrics = [
        Metric(metric["name"], metric["label"], metric["config"]["meta"].get("unit", ""), metric["description"].strip())
        for metric in manifest["metrics"].values()
    ]
    return sorted(metrics, key=lambda metric: metric.name)


def _described(manifest: Manifest, steps: Any) -> list[tuple[Step, str]]:
    """Returns each step of a trail with the first sentence of its model's description."""
    said = {item["name"]: item["description"] for group in ("nodes", "sources") for item in manifest[group].values()}
    return [(step, first_sentence(said[step.model])) for step in steps]


def _name(unique_id: str) -> str:
    return unique_id.split(".")[2]


def _columns_from_a_to_z(tables: list[Table]) -> list[tuple[str, list[str]]]:
    names = sorted({column.name for table in tables for column in table.columns})
    return [
        (name, [table.name for table in tables if name in {column.name for column in table.columns}]) for name in names
    ]


class _Links:
    """Turns names of tables and models into links."""

    def __init__(self, manifest: Manifest, tables: list[Table]) -> None:
        self._tables = {table.name for table in tables}
        self._files = {
            node["name"]: node["original_file_path"]
            for node in manifest["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        }
        self._seeds = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "seed"}

    def linked(self, text: str, here: str = "") -> str:
        """Returns the text with its names of tables, models and seeds as links, except the name `here`."""
        return _NAMES.sub(lambda found: self._link(found[1], found[2], here), text)

    def origin(self, name: str) -> str:
        """Returns where a column is made, with a link."""
        if name in self._files:
            return ("seed " if name in self._seeds else "") + self._link(name, "", "", to_file=True)
        return f"as sent: `{name}`"

    def _link(self, name: str, column: str, here: str, to_file: bool = False) -> str:
        written = f"`{name}{column}`"
        if name == here:
            return written
        if name in self._tables and not to_file:
            return f"[{written}](#{name})"
        return f"[{written}](../{self._files[name]})" if name in self._files else written


def _cell(text: str) -> str:
    """Returns text as a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
