"""Draws docs/images/flow.svg, the way of the data through the project: part of `make dictionary`.

    python docs/site/flow.py MANIFEST docs/images/flow.svg

Folders and figures come from dbt's manifest, the tables of an extract from the contract. Only the captions are written here.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harmrank.contract import TABLES

MARGIN, GAP, TOP, LINE = 18, 26, 130, 28
# What dbt calls an exposure, and what the drawing does.
_READERS = {"dashboard": "dashboards", "analysis": "papers", "application": "commands"}
_FILES = ("harm_mart.duckdb", "Parquet files", "manifest.json")


@dataclass(frozen=True)
class Column:
    """A stage of the flow: its heading, a caption of two lines, and a box for each name with its figure or none. Pixels."""

    x: int
    width: int
    heading: str
    caption: list[str]
    lines: list[tuple[str, int | None]]
    top: int = TOP

    @property
    def bottom(self) -> int:
        """The lower edge of the last box in pixels."""
        return self.top + LINE * len(self.lines)


def main() -> None:
    """Writes the drawing."""
    manifest = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    target = Path(sys.argv[2])
    target.write_text(flow(manifest), encoding="utf-8")
    print(f"wrote {target}")


def flow(manifest: dict[str, Any]) -> str:
    """Returns the drawing as SVG: the same manifest, the same text."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    exposures = Counter(exposure["type"] for exposure in manifest["exposures"].values())
    readers = [(name, exposures[kind]) for kind, name in _READERS.items()]
    stages: list[tuple[int, str, list[str], list[tuple[str, int | None]]]] = [
        (132, "extracts", ["what the force sends:", "CSV or Parquet"], [(table, None) for table in TABLES]),
        (120, "raw", ["as sent, typed;", "rows in quarantine"], [("tables", len(manifest["sources"]))]),
        (126, "staging", ["the newest version", "of each record"], _folders(models, "staging")),
        (142, "intermediate", ["the method:", "one idea a folder"], _folders(models, "intermediate")),
        (126, "marts", ["the tables that", "are published"], _folders(models, "marts")),
        (146, "published", ["checked as a whole,", "replaced in one step"], [(name, None) for name in _FILES]),
        (130, "readers", ["read nothing but", "what is published"], [*readers, ("PostgreSQL", None)]),
    ]
    columns, x = [], MARGIN
    for width, heading, caption, lines in stages:
        columns.append(Column(x, width, heading, caption, lines))
        x += width + GAP
    staging = columns[2]
    tables: list[tuple[str, int | None]] = [("tables", len(seeds))]
    top = staging.bottom + 92
    below = Column(staging.x, staging.width, "seeds", ["offences, weights,", "ranking methods"], tables, top)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    return environment.get_template("flow.svg.jinja").render(
        columns=columns,
        seeds=below,
        models=len(models),
        width=x - GAP + MARGIN,
        height=max(column.bottom for column in columns) + 2 * MARGIN,
        line=LINE,
        gap=GAP,
    )


def _folders(models: list[dict[str, Any]], layer: str) -> list[tuple[str, int | None]]:
    """The folders of a layer by name, each with the number of its models."""
    paths = [PurePosixPath(model["original_file_path"]) for model in models]
    return sorted(Counter(path.parent.name for path in paths if path.parts[1] == layer).items())


if __name__ == "__main__":
    main()
