"""The house rules that a manifest can break: those of dbt-bouncer.yml, and those that it has no check for (docs/house-rules.md)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

Manifest = dict[str, Any]
BIN = Path(sys.executable).parent
# Spark's metastore keeps 256 characters of a column's comment, and takes 20 seconds to refuse a longer one.
LONGEST_COMMENT_OF_A_VIEW = 256
MOST_JOINS = 6
MOST_LINES = 150
MOST_MODELS_IN_A_FOLDER = 12


@pytest.fixture(scope="module")
def manifest(compiled: Path) -> Manifest:
    """The manifest of the project."""
    return json.loads((compiled / "manifest.json").read_text(encoding="utf-8"))


def models(manifest: Manifest) -> list[dict[str, Any]]:
    """The models of a manifest."""
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def sql(model: dict[str, Any]) -> str:
    """The SQL of a model without its comments."""
    return re.sub(r"--[^\n]*|\{#.*?#\}", "", model["raw_code"], flags=re.DOTALL)


def texts_not_in_a_block(manifest: Manifest) -> list[str]:
    """A text that three tables or more use for a column comes from a doc block."""
    tables, inline = defaultdict(set), set()
    for table in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        for column in table.get("columns", {}).values():
            tables[column["description"]].add(table["unique_id"])
            if not column["doc_blocks"]:
                inline.add(column["description"])
    return sorted(text for text in inline if len(tables[text]) >= 3)


def names_without_reason(wrong: dict[str, bool], manifest: Manifest, reason: str) -> list[str]:
    """The models that break a rule and state no reason in their `meta`, and those that state one and keep the rule."""
    return sorted(
        node["name"] for node in models(manifest) if wrong[node["name"]] != (reason in node["config"]["meta"])
    )


def without_tested_key(manifest: Manifest) -> list[str]:
    """Every model has a test of its key (`unique`, `unique_key`), or says in `meta.no_key_because` why not."""
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node.get("test_metadata") and node["test_metadata"]["name"] in ("unique", "unique_key")
    }
    wrong = {node["name"]: node["unique_id"] not in tested for node in models(manifest)}
    return names_without_reason(wrong, manifest, "no_key_because")


def with_many_joins(manifest: Manifest) -> list[str]:
    """A model joins at most six times, or says in `meta.many_joins_because` why it does."""
    wrong = {node["name"]: len(re.findall(r"\bjoin\b", sql(node))) > MOST_JOINS for node in models(manifest)}
    return names_without_reason(wrong, manifest, "many_joins_because")


def too_long(manifest: Manifest) -> list[str]:
    """A model has at most 150 lines, or says in `meta.long_because` why it has more."""
    wrong = {node["name"]: len(node["raw_code"].splitlines()) > MOST_LINES for node in models(manifest)}
    return names_without_reason(wrong, manifest, "long_because")


def folders_too_full(manifest: Manifest) -> list[str]:
    """A folder holds at most twelve models."""
    folders = Counter(str(Path(node["original_file_path"]).parent) for node in models(manifest))
    return sorted(folder for folder, count in folders.items() if count > MOST_MODELS_IN_A_FOLDER)


def comments_too_long_for_hive(manifest: Manifest) -> list[str]:
    """A comment on a column of a view fits where Hive keeps it. dbt writes them for views; what selects from one inherits them."""
    return sorted(
        f"{node['name']}.{name}"
        for node in models(manifest)
        if node["config"]["materialized"] == "view"
        for name, column in node["columns"].items()
        if len(column["description"]) > LONGEST_COMMENT_OF_A_VIEW
    )


RULES = [
    texts_not_in_a_block,
    without_tested_key,
    with_many_joins,
    too_long,
    folders_too_full,
    comments_too_long_for_hive,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_models_keep_the_rule(manifest: Manifest, rule: Callable[[Manifest], list[str]]) -> None:
    """What to do when this fails: docs/house-rules.md."""
    assert rule(manifest) == []


def model(name: str, **changes: Any) -> dict[str, Any]:
    """A model that keeps every rule except those in the changes."""
    node = {
        "unique_id": f"model.harmrank.{name}",
        "resource_type": "model",
        "name": name,
        "original_file_path": f"models/marts/list/{name}.sql",
        "raw_code": "select 1",
        "config": {"materialized": "view", "meta": {"no_key_because": "It has one row."}},
        "columns": {"force": {"description": "Police force.", "doc_blocks": ["doc.harmrank.force"]}},
    }
    return node | changes


def small(*nodes: dict[str, Any]) -> Manifest:
    """A manifest of some models."""
    return {"nodes": {node["unique_id"]: node for node in nodes}, "sources": {}}


INLINE = {"force": {"description": "Police force.", "doc_blocks": []}}
LONG = {"force": {"description": "Police force. " * 20, "doc_blocks": []}}
MATERIALIZED = {"materialized": "view", "meta": {}}
JOINS = "select 1 from a" + "\njoin b" * 7
PLANTED = [
    (texts_not_in_a_block, [model("a"), model("b", columns=INLINE), model("c")], ["Police force."]),
    (without_tested_key, [model("a", config=MATERIALIZED)], ["a"]),
    (with_many_joins, [model("a", raw_code=JOINS)], ["a"]),
    (too_long, [model("a", raw_code="select\n" * 151)], ["a"]),
    (folders_too_full, [model(f"a{number}") for number in range(13)], ["models/marts/list"]),
    (comments_too_long_for_hive, [model("a", columns=LONG)], ["a.force"]),
]


@pytest.mark.parametrize(("rule", "nodes", "found"), PLANTED, ids=[rule.__name__ for rule, _, _ in PLANTED])
def test_a_planted_violation_is_found(
    rule: Callable[[Manifest], list[str]], nodes: list[dict[str, Any]], found: list[str]
) -> None:
    """Each rule finds its planted violation, and nothing in the models that keep it."""
    assert rule(small(*(model(name) for name in "abc"))) == []
    assert rule(small(*nodes)) == found


def test_a_reason_that_is_no_longer_needed_is_found() -> None:
    """A model that was split or got a tested key drops its reason."""
    unneeded = {"materialized": "view", "meta": {"no_key_because": "It has one row.", "many_joins_because": "It did."}}
    assert with_many_joins(small(model("a", config=unneeded))) == ["a"]


def test_dbt_bouncer_finds_planted_violations(manifest: Manifest, tmp_path: Path) -> None:
    """Each check of dbt-bouncer.yml finds its violation. A check that matches no node would always pass."""
    planted = deepcopy(manifest)
    mart = planted["nodes"]["model.harmrank.top_100"]
    mart["contract"]["enforced"] = mart["config"]["contract"]["enforced"] = False
    mart["depends_on"]["nodes"] += ["model.harmrank.stg_crimes", "seed.harmrank.offences", "source.harmrank.raw.crimes"]
    mart["description"] = ""
    mart["columns"]["harm_days"]["description"] = ""
    planted["nodes"]["model.harmrank.int_rules"]["name"] = "rules"
    planted["nodes"]["model.harmrank.int_rules"]["access"] = "public"
    planted["nodes"]["model.harmrank.top_100_evidence"]["access"] = "private"
    planted["macros"]["macro.harmrank.ranks_behind"]["description"] = ""
    exposure = planted["exposures"]["exposure.harmrank.the_hundred"]
    exposure["description"] = ""
    exposure["owner"]["name"] = None
    exposure["meta"] = exposure["config"]["meta"] = {}
    planted["exposures"]["exposure.harmrank.command_shape"]["depends_on"]["nodes"] = []
    planted["exposures"]["exposure.harmrank.command_explain"]["depends_on"]["nodes"].remove(
        "model.harmrank.method_lists"
    )
    (tmp_path / "manifest.json").write_text(json.dumps(planted), encoding="utf-8")
    config = (REPOSITORY / "dbt-bouncer.yml").read_text(encoding="utf-8")
    checks = tmp_path / "dbt-bouncer.yml"
    checks.write_text(
        re.sub(r"(?m)^dbt_artifacts_dir: .*$", f"dbt_artifacts_dir: {tmp_path}", config), encoding="utf-8"
    )
    done = subprocess.run(
        [BIN / "dbt-bouncer", "run", "--config-file", checks, "--output-file", tmp_path / "found.json"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    failed = {check["check_run_id"].split(":")[0] for check in found if check["outcome"] == "failed"}
    assert failed == set(re.findall(r"- name: (check_\w+)", config))
