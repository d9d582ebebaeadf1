"""Writes charts and dashboards from Superset back into this folder, for a commit.

    python bi/superset/export.py --home HOME [--out FOLDER]

Runs in .venv-superset. Superset's own export without what differs between installations: the numbers of
charts and datasets. Databases and datasets are left out: assets.py makes them.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
# Parts of a chart that belong to one installation, and parts that Superset derives from the rest.
_OF_THIS_INSTALLATION = ("datasource", "slice_id", "dashboards", "url_params", "extra_form_data")
_DERIVED = ("chartsInScope", "tabsInScope", "map_label_colors", "shared_label_colors", "color_scheme_domain")

Asset = dict[str, Any]


def main() -> None:
    """Exports charts and dashboards."""
    parser = argparse.ArgumentParser(description="Write charts and dashboards back into the repository.")
    parser.add_argument("--home", required=True, help="the home whose Superset to export")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    os.environ["HARMRANK_HOME"] = given.home
    os.environ["SUPERSET_CONFIG_PATH"] = str(HERE / "superset_config.py")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    from superset.app import create_app

    with create_app().app_context():
        assets = list(_exported())
    shown = {part["meta"]["uuid"] for kind, asset in assets if kind == "dashboards" for part in _charts_on(asset)}
    numbers = {uuid: number for number, uuid in enumerate(sorted(shown), start=1)}
    for kind, asset in assets:
        if kind == "charts" and asset["uuid"] not in shown:
            continue
        tidy = _chart(asset) if kind == "charts" else _dashboard(asset, numbers)
        path = _path(given.out / kind, asset)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(tidy, sort_keys=True, allow_unicode=True, width=110), encoding="utf-8")
        print(path.relative_to(given.out))


def _exported() -> Iterator[tuple[str, Asset]]:
    from superset import security_manager
    from superset.commands.chart.export import ExportChartsCommand
    from superset.commands.dashboard.export import ExportDashboardsCommand
    from superset.utils.core import override_user

    with override_user(security_manager.find_user("admin")):
        for kind, command in (("charts", ExportChartsCommand), ("dashboards", ExportDashboardsCommand)):
            numbers = [found.id for found in command.dao.find_all()]
            for name, content in command(numbers, export_related=False).run():
                if name.startswith(f"{kind}/"):
                    yield kind, yaml.safe_load(content())


def _charts_on(dashboard: Asset) -> list[Asset]:
    parts = [part for part in dashboard["position"].values() if isinstance(part, dict)]
    return [part for part in parts if part["type"] == "CHART"]


def _path(folder: Path, asset: Asset) -> Path:
    """Returns the file of this chart or dashboard, or a new one named after its title."""
    for path in folder.glob("*.yaml"):
        if yaml.safe_load(path.read_text(encoding="utf-8"))["uuid"] == asset["uuid"]:
            return path
    title = asset.get("slice_name") or asset["dashboard_title"]
    return folder / f"{re.sub(r'[^a-z0-9]+', '_', title.lower()).strip('_')}.yaml"


def _chart(chart: Asset) -> Asset:
    chart["params"] = {key: value for key, value in chart["params"].items() if key not in _OF_THIS_INSTALLATION}
    chart["query_context"] = None
    return chart


def _dashboard(dashboard: Asset, numbers: dict[str, int]) -> Asset:
    """Returns the dashboard with the chart numbers of `numbers`, which are the same in every installation."""
    renumbered: dict[int, int] = {}
    for part in _charts_on(dashboard):
        renumbered[part["meta"]["chartId"]] = numbers[part["meta"]["uuid"]]
        part["meta"]["chartId"] = numbers[part["meta"]["uuid"]]
    metadata = _without(dashboard["metadata"], _DERIVED)
    scopes = [found["scope"] for found in metadata.get("native_filter_configuration", []) if "scope" in found]
    scopes += [metadata["global_chart_configuration"]["scope"]] if "global_chart_configuration" in metadata else []
    for number, settings in list(metadata.pop("chart_configuration", {}).items()):
        if int(number) in renumbered and isinstance(settings["crossFilters"]["scope"], dict):
            settings["id"] = renumbered[int(number)]
            metadata.setdefault("chart_configuration", {})[str(settings["id"])] = settings
            scopes.append(settings["crossFilters"]["scope"])
    for scope in scopes:
        scope["excluded"] = sorted(renumbered[number] for number in scope["excluded"] if number in renumbered)
    dashboard["metadata"] = metadata
    return dashboard


def _without(value: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, keys) for key, inner in value.items() if key not in keys}
    if isinstance(value, list):
        return [_without(inner, keys) for inner in value]
    return value


if __name__ == "__main__":
    main()
