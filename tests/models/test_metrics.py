"""The metrics over the marts: defined once, in dbt, and a published mart answers each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PublishedHome
from test_dbt import dbt

Semantics = dict[str, Any]

AGGREGATES = {"sum": "sum({})", "count": "count({})", "median": "median({})"}
UNITS = {"allegations", "crimes", "days", "defects", "people", "rows", "share"}


@pytest.fixture(scope="module")
def semantics(published: PublishedHome, tmp_path_factory: pytest.TempPathFactory) -> Semantics:
    """The semantic manifest, as dbt has validated it."""
    home = tmp_path_factory.mktemp("semantics") / "home"
    done = dbt(home, "--warn-error", "parse", "--no-partial-parse")
    assert done.returncode == 0, done.stdout[-3000:]
    return json.loads((home.parent / "target" / "semantic_manifest.json").read_text(encoding="utf-8"))


def questions(semantics: Semantics) -> dict[str, str]:
    """A query for each entity, dimension, measure and ratio: its name and the SQL that answers it."""
    asked, measures = {}, {}
    for model in semantics["semantic_models"]:
        relation = f"{model['node_relation']['schema_name']}.{model['node_relation']['alias']}"
        for kind in ("entities", "dimensions", "measures"):
            for item in model[kind]:
                term = item["expr"] or item["name"]
                if kind == "measures":
                    term = AGGREGATES[item["agg"]].format(term)
                    measures[item["name"]] = (term, relation)
                asked[f"{model['name']}.{item['name']}"] = f"select {term} from {relation}"
    for metric in semantics["metrics"]:
        if metric["type"] == "ratio":
            above, below = (measures[metric["type_params"][part]["name"]] for part in ("numerator", "denominator"))
            assert above[1] == below[1], f"{metric['name']} is not of one table"
            asked[metric["name"]] = f"select {above[0]} / nullif({below[0]}, 0) from {above[1]}"
    return asked


def unanswered(semantics: Semantics, mart: Path) -> list[str]:
    """The names of the queries that the mart cannot answer."""
    failed = []
    with duckdb.connect(str(mart), read_only=True) as connection:
        for name, query in questions(semantics).items():
            try:
                connection.execute(query)
            except duckdb.Error:
                failed.append(name)
    return failed


def test_every_metric_can_be_asked_of_the_published_mart(semantics: Semantics, published: PublishedHome) -> None:
    """dbt does not check that a column exists: a metric over a missing one would break every chart that uses it."""
    assert len(semantics["metrics"]) > 60
    assert unanswered(semantics, published.mart) == []


def test_a_measure_of_a_missing_column_is_found(semantics: Semantics, published: PublishedHome) -> None:
    """The gate itself: one wrong expression names its measure and the ratios over it."""
    broken = json.loads(json.dumps(semantics).replace('"expr": "harm_days_charged"', '"expr": "harm_days_charge"'))
    assert set(unanswered(broken, published.mart)) >= {"top_100.listed_harm_days_charged", "listed_share_charged"}


def test_every_metric_says_what_it_is_and_its_unit(semantics: Semantics) -> None:
    """The words that a dashboard shows beside a figure come from here."""
    wanting = [
        metric["name"]
        for metric in semantics["metrics"]
        if not (metric["label"] and metric["description"] and metric["config"]["meta"]["unit"] in UNITS)
        or (metric["type"] == "ratio") != (metric["config"]["meta"]["unit"] == "share")
    ]
    assert wanting == []
    labels = [metric["label"] for metric in semantics["metrics"]]
    assert sorted(labels) == sorted(set(labels))


def test_every_measure_is_a_metric_of_its_name(semantics: Semantics) -> None:
    """A metric is looked up by its name in one step; a measure without a metric would have no description."""
    simple = {m["name"]: m["type_params"]["measure"]["name"] for m in semantics["metrics"] if m["type"] == "simple"}
    measures = {measure["name"] for model in semantics["semantic_models"] for measure in model["measures"]}
    assert simple == {name: name for name in measures}


def test_metrics_agree_with_the_columns_they_rest_on(semantics: Semantics, published: PublishedHome) -> None:
    """The small feed has one offender, with 1,825 days on a charge and 10 on being named."""
    asked = questions(semantics)
    with duckdb.connect(str(published.mart), read_only=True) as connection:

        def answer(name: str) -> Any:
            return (connection.execute(asked[name]).fetchone() or [None])[0]

        assert answer("top_100.listed_people") == answer("offender_harm.ranked_people") == 1
        assert answer("top_100.listed_harm_days") == answer("top_100_evidence.evidence_harm_days") == 1835
        assert answer("share_of_harm_listed") == 1
        assert answer("listed_share_named") + answer("listed_share_charged") + answer("listed_share_convicted") == 1
        assert answer("listed_share_charged") == 1825 / 1835
        assert answer("crime_harm_monthly.recorded_crimes") == 2
        assert answer("quarantined_share_of_rows") == 0


def test_the_calendar_of_the_metrics_has_every_day(published: PublishedHome) -> None:
    """Days without gaps up to the list date; a warehouse is never asked for dates that it does not have."""
    query = "select count(*), count(distinct date_day), max(date_day)::varchar, max(date_day) - min(date_day) from {}"
    with duckdb.connect(str(published.home / "warehouse.duckdb"), read_only=True) as connection:
        days, distinct, last, apart = connection.execute(query.format("intermediate.int_days")).fetchone() or ()
    assert (days, distinct, last) == (apart + 1, days, "2026-06-30")
