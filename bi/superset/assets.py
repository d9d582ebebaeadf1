"""Writes the bundle that Superset imports: databases and datasets from dbt's manifest, charts and dashboards from this folder.

    python bi/superset/assets.py MANIFEST.json OUT.zip

Runs in harmrank's environment. dbt alone holds descriptions of columns and definitions of metrics: each
set-up writes the bundle, and the repository does not keep it.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
BUNDLE = "harmrank"
# The ids in Superset are derived from this name, so they are the same in every set-up.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "harmrank/bi/superset")
_DATABASES = {"list": "harm mart", "names": "harm mart with names"}
_TYPES = {"string": "VARCHAR", "double": "DOUBLE PRECISION"}
_ABBREVIATIONS = {"dbt": "dbt", "duckdb": "DuckDB"}
_FORMATS = {"share": ".1%", "days": ",.1~f"}
_AGGREGATES = {
    "sum": "sum({})",
    "count": "count({})",
    "count_distinct": "count(distinct {})",
    "average": "avg({})",
    "min": "min({})",
    "max": "max({})",
}

Asset = dict[str, Any]


def bundle(manifest: Asset, listed: Asset) -> dict[str, str]:
    """Returns the files of the bundle by path. `listed` is the content of datasets.yml.

    Raises KeyError if datasets.yml, a chart or a filter names a table, column or dataset that does not exist.
    """
    databases = [_database(connection) for connection in listed["tables"]]
    datasets = [
        *(
            _table(manifest, listed, connection, table)
            for connection, tables in listed["tables"].items()
            for table in tables
        ),
        *(_joined(manifest, listed, joined) for joined in listed["joined"]),
    ]
    generated = {f"databases/{asset['database_name']}.yaml": asset for asset in databases}
    generated |= {f"datasets/{asset['table_name']}.yaml": asset for asset in datasets}
    kept = {f"{path.parent.name}/{path.name}": path for kind in ("charts", "dashboards") for path in _files(kind)}
    # A fixed time: the same input writes the same bundle.
    files = {"metadata.yaml": _yaml({"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"})}
    files |= {name: _yaml(asset) for name, asset in generated.items()}
    files |= {name: path.read_text(encoding="utf-8") for name, path in kept.items()}
    return files


def identity(kind: str, name: str) -> str:
    """Returns the id of a database or dataset in Superset; charts name their dataset by it."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def _database(connection: str) -> Asset:
    return {
        "database_name": _DATABASES[connection],
        "sqlalchemy_uri": f"duckdb:///:memory:?mart={connection}",
        "expose_in_sqllab": False,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "impersonate_user": False,
        "extra": {"allows_virtual_table_explore": False, "metadata_cache_timeout": {}},
        "uuid": identity("database", connection),
        "version": "1.0.0",
    }


def _table(manifest: Asset, listed: Asset, connection: str, table: str) -> Asset:
    model = _model(manifest, table)
    columns = [_column(manifest, listed, table, name, name) for name in model["columns"]]
    return _dataset(manifest, listed, connection, table, table, columns, None)


def _joined(manifest: Asset, listed: Asset, joined: Asset) -> Asset:
    columns, selected = [], []
    for table, named in joined["columns"].items():
        for name, shown_as in (named if isinstance(named, dict) else {name: name for name in named}).items():
            columns.append(_column(manifest, listed, table, name, shown_as))
            selected.append(f"{table}.{name} as {shown_as}")
    first = next(iter(joined["columns"]))
    joins = [_join(first, join) for join in joined["joins"]]
    sql = "\n".join(["select", ",\n".join(f"    {column}" for column in selected), f"from mart.{first}", *joins])
    return _dataset(manifest, listed, joined["connection"], joined["name"], joined["about"], columns, sql)


def _join(first: str, join: Asset) -> str:
    table = join["table"]
    conditions = [f"{first}.{key} = {table}.{key}" for key in join["by"]]
    kind = "inner" if join.get("inner") else "left"
    return f"{kind} join mart.{table} on " + " and ".join(
        [*conditions, *([f"{table}.{join['only']}"] if "only" in join else [])]
    )


def _dataset(
    manifest: Asset, listed: Asset, connection: str, name: str, about: str, columns: list[Asset], sql: str | None
) -> Asset:
    shown = {column["column_name"] for column in columns}
    dates = [column["column_name"] for column in columns if column["is_dttm"]]
    return {
        "table_name": name,
        "description": _plain(_model(manifest, about)["description"]),
        "main_dttm_col": dates[0] if dates else None,
        "schema": "mart",
        "sql": sql,
        "filter_select_enabled": True,
        "columns": columns,
        "metrics": _metrics(manifest, listed, about, shown),
        "uuid": identity("dataset", name),
        "database_uuid": identity("database", connection),
        "version": "1.0.0",
    }


def _model(manifest: Asset, table: str) -> Asset:
    model: Asset = manifest["nodes"][f"model.harmrank.{table}"]
    return model


def _column(manifest: Asset, listed: Asset, table: str, name: str, shown_as: str) -> Asset:
    column = _model(manifest, table)["columns"][name]
    return {
        "column_name": shown_as,
        "verbose_name": listed["labels"].get(shown_as) or _in_words(shown_as),
        "description": _plain(column["description"]),
        "type": _TYPES.get(column["data_type"], column["data_type"].upper()),
        "is_dttm": column["data_type"] in ("date", "timestamp"),
        "is_active": True,
        "groupby": True,
        "filterable": True,
    }


def _metrics(manifest: Asset, listed: Asset, table: str, shown: set[str]) -> list[Asset]:
    """Returns the metrics that dbt defines on a model, as SQL over the columns shown; metrics of other columns are left out."""
    measures = {
        measure["name"]: measure
        for semantic in manifest["semantic_models"].values()
        if f"model.harmrank.{table}" in semantic["depends_on"]["nodes"]
        for measure in semantic["measures"]
    }
    by_name = {metric["name"]: metric for metric in manifest["metrics"].values()}
    known = set(_model(manifest, table)["columns"])
    written = [(metric, _expression(metric, by_name, measures)) for metric in by_name.values()]
    return [
        {
            "metric_name": metric["name"],
            "verbose_name": listed["labels"].get(metric["name"]) or metric["label"],
            "description": _plain(metric["description"]),
            "expression": expression,
            "d3format": _FORMATS.get(metric["config"]["meta"].get("unit"), ","),
        }
        for metric, expression in written
        if expression and set(re.findall(r"\w+", expression)) & known <= shown
    ]


def _expression(metric: Asset, by_name: dict[str, Asset], measures: dict[str, Asset]) -> str | None:
    """Returns the SQL of a metric; None if it uses other measures or is not plain SQL (cumulative, filtered)."""
    given = metric["type_params"]
    if metric["type"] == "simple":
        measure = measures.get(given["measure"]["name"])
        if measure is None or metric["filter"] or given["measure"]["filter"] or measure["agg"] not in _AGGREGATES:
            return None
        aggregated = _AGGREGATES[measure["agg"]].format(measure["expr"] or measure["name"])
        once = measure["non_additive_dimension"]
        # Several lists must not be added up: the metric is empty then.
        return f"case when min({once['name']}) = max({once['name']}) then {aggregated} end" if once else aggregated
    if metric["type"] == "ratio":
        parts = [_expression(by_name[given[part]["name"]], by_name, measures) for part in ("numerator", "denominator")]
        return f"{parts[0]} * 1.0 / nullif({parts[1]}, 0)" if all(parts) else None
    return None


def _files(kind: str) -> list[Path]:
    return sorted((HERE / kind).glob("*.yaml"))


def _in_words(name: str) -> str:
    words = [_ABBREVIATIONS.get(word, word) for word in name.removeprefix("is_").split("_")]
    return (
        " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])
        if words[0] not in _ABBREVIATIONS
        else " ".join(words)
    )


def _plain(text: str) -> str:
    return " ".join(text.split())


def _yaml(asset: Asset) -> str:
    return yaml.safe_dump(asset, sort_keys=False, allow_unicode=True, width=110)


def main(manifest: str, out: str) -> None:
    """Writes the bundle of a manifest."""
    read = json.loads(Path(manifest).read_text(encoding="utf-8"))
    write(bundle(read, yaml.safe_load((HERE / "datasets.yml").read_text(encoding="utf-8"))), Path(out))


def write(files: dict[str, str], out: Path) -> None:
    """Writes the files of a bundle into one archive."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # ZipInfo without a time: the same input writes the same bundle.
            archive.writestr(zipfile.ZipInfo(f"{BUNDLE}/{name}"), content)


if __name__ == "__main__":
    main(*sys.argv[1:])
