"""The dashboards fit the mart, and a real Superset in a browser shows each role what the mart says and the role may see."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import assets
import duckdb
import mart
import pytest
import yaml
from conftest import REPOSITORY, Command, write_extract
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from timings import log_in
from ways_to_ask import WAYS

HERE = REPOSITORY / "bi" / "superset"
PYTHON = REPOSITORY / ".venv-superset" / "bin" / "python"
PATIENCE = 60_000

DASHBOARDS = {
    "the-hundred": "The hundred",
    "evidence": "Evidence",
    "harm-over-time": "Harm over time",
    "trust-in-the-data": "Trust in the data",
}
BY_NAME = {"the-hundred-by-name": "The hundred by name"}
PASSWORDS = {"admin": "one-for-the-tests", "viewer": "two-for-the-tests", "operational": "three-for-the-tests"}

CRIMES = "force,crime_ref,offence_code,reported_on,area_code,outcome_type,updated_at\n"
PEOPLE = "force,person_ref,forename,surname,sex,date_of_birth,updated_at\n"
INVOLVEMENTS = "force,crime_ref,person_ref,role,status,updated_at\n"
# Three places: p1 by rape (charged) and a wounding, p2 by rape, p3 by an assault.
FEED = {
    "crimes": CRIMES + "met,c1,019/08,2026-05-01,E09000001,,2026-05-02T09:00:00\n"
    "met,c2,005/01,2026-06-01,E09000002,,2026-06-02T09:00:00\n"
    "met,c3,019/08,2026-06-03,E09000002,,2026-06-04T09:00:00\n"
    "met,c4,008/06,2026-06-05,,,2026-06-06T09:00:00\n"
    "met,c5,008/06,never,,,2026-06-06T09:00:00\n",
    "people": PEOPLE + "met,p1,Inventus,Primusmann,M,1980-01-01,2026-05-02T09:00:00\n"
    "met,p2,Fictus,Secundusmann,M,1981-01-01,2026-05-02T09:00:00\n"
    "met,p3,Nemo,Tertiusmann,M,1982-01-01,2026-05-02T09:00:00\n"
    "met,v1,Invented,Frau,F,1985-01-01,2026-05-02T09:00:00\n",
    "involvements": INVOLVEMENTS + "met,c1,p1,suspect,charged,2026-05-02T09:00:00\n"
    "met,c2,p1,suspect,,2026-06-02T09:00:00\n"
    "met,c3,p2,suspect,,2026-06-04T09:00:00\n"
    "met,c4,p3,suspect,,2026-06-06T09:00:00\n" + "".join(f"met,c{n},v1,victim,,2026-06-06T09:00:00\n" for n in "1234"),
}
NAMES = re.compile("Primusmann|Secundusmann|Tertiusmann|Inventus|Fictus|Nemo")
LATER = {
    "crimes": CRIMES + "met,c6,019/08,2026-07-20,E09000001,,2026-07-21T09:00:00\n",
    "involvements": INVOLVEMENTS + "met,c6,p3,suspect,,2026-07-21T09:00:00\nmet,c6,v1,victim,,2026-07-21T09:00:00\n",
}


@dataclass(frozen=True)
class Home:
    """A published home of the three people; one test refreshes it with a later extract."""

    root: Path
    extracts: Path

    @property
    def published(self) -> Path:
        """The published folder that Superset reads."""
        return self.root / "published"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a query on the published mart."""
        with duckdb.connect() as database:
            database.execute(f"attach '{self.published / 'current' / 'harm_mart.duckdb'}' as harm (read_only)")
            database.execute(
                f"attach '{self.published / 'current' / 'operational' / 'offender_people.duckdb'}' as named (read_only)"
            )
            sql = sql.replace("mart.", "harm.mart.").replace("harm.mart.offender_people", "named.mart.offender_people")
            return database.execute(sql).fetchall()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, harmrank: Command) -> Home:
    """One refresh of the feed above."""
    root = tmp_path_factory.mktemp("superset")
    write_extract(root / "extracts", "2026-06-30", FEED)
    done = harmrank("refresh", root / "extracts", "--home", root / "home", "--max-bad-share", "0.5")
    assert done.returncode == 0, done.stderr
    return Home(root / "home", root / "extracts")


@pytest.fixture(scope="module")
def manifest(compiled: Path) -> dict[str, Any]:
    """dbt's manifest of this checkout."""
    read: dict[str, Any] = json.loads((compiled / "manifest.json").read_text())
    return read


@pytest.fixture(scope="module")
def bundle(manifest: dict[str, Any]) -> dict[str, Any]:
    """The bundle that Superset imports, parsed."""
    files = assets.bundle(manifest, yaml.safe_load((HERE / "datasets.yml").read_text()))
    return {name: yaml.safe_load(content) for name, content in files.items()}


# -- the bundle ------------------------------------------------------------------------------------------------------


def test_every_column_and_metric_of_a_chart_exists(bundle: dict[str, Any]) -> None:
    """This test finds a renamed column or metric before a reader sees an error box."""
    datasets = {asset["uuid"]: asset for name, asset in bundle.items() if name.startswith("datasets/")}
    charts = [asset for name, asset in bundle.items() if name.startswith("charts/")]
    assert len(charts) > 30
    for chart in charts:
        dataset = datasets[chart["dataset_uuid"]]
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        assert asked_columns(chart["params"]) <= columns, chart["slice_name"]
        assert asked_metrics(chart["params"]) <= metrics, chart["slice_name"]


def asked_columns(params: dict[str, Any]) -> set[str]:
    """The columns that a chart names."""
    listed = [*params.get("groupby", []), *params.get("all_columns", [])]
    listed += [params["x_axis"]] if "x_axis" in params else []
    listed += [found["subject"] for found in params["adhoc_filters"]]
    listed += [found["column"]["column_name"] for found in metrics_of(params) if "column" in found]
    return set(listed)


def asked_metrics(params: dict[str, Any]) -> set[str]:
    """The metrics of dbt that a chart names."""
    return {found for found in metrics_of(params) if isinstance(found, str)}


def metrics_of(params: dict[str, Any]) -> list[Any]:
    """All metrics of a chart: dbt's by name, its own in full."""
    alone = [params[key] for key in ("metric", "timeseries_limit_metric") if params.get(key)]
    return [*params.get("metrics", []), *alone]


def test_every_filter_names_a_column_and_every_place_a_chart(bundle: dict[str, Any]) -> None:
    """A dashboard refers to charts and datasets by their ids."""
    datasets = {asset["uuid"]: asset for name, asset in bundle.items() if name.startswith("datasets/")}
    charts = {asset["uuid"] for name, asset in bundle.items() if name.startswith("charts/")}
    dashboards = [asset for name, asset in bundle.items() if name.startswith("dashboards/")]
    assert {asset["dashboard_title"] for asset in dashboards} == {*DASHBOARDS.values(), *BY_NAME.values()}
    shown = set()
    for dashboard in dashboards:
        parts = [part for part in dashboard["position"].values() if isinstance(part, dict)]
        shown |= {part["meta"]["uuid"] for part in parts if part["type"] == "CHART"}
        for found in dashboard["metadata"]["native_filter_configuration"]:
            for target in filter(None, found["targets"]):
                columns = {column["column_name"] for column in datasets[target["datasetUuid"]]["columns"]}
                assert target["column"]["name"] in columns, found["name"]
    assert shown == charts


def test_datasets_have_the_words_and_types_of_dbt(bundle: dict[str, Any], manifest: dict[str, Any]) -> None:
    """A dataset of a table has every column with dbt's description and type, and dbt's metrics."""
    top = bundle["datasets/top_100.yaml"]
    model = manifest["nodes"]["model.harmrank.top_100"]
    assert [column["column_name"] for column in top["columns"]] == list(model["columns"])
    said = {column["column_name"]: column["description"] for column in top["columns"]}
    assert said == {name: " ".join(column["description"].split()) for name, column in model["columns"].items()}
    metrics = {metric["metric_name"]: metric for metric in top["metrics"]}
    assert metrics["listed_harm_days"]["expression"] == "sum(harm_days)"
    assert metrics["listed_share_named"]["expression"] == "sum(harm_days_named) * 1.0 / nullif(sum(harm_days), 0)"
    history = {
        metric["metric_name"]: metric["expression"] for metric in bundle["datasets/list_history.yaml"]["metrics"]
    }
    assert history["history_harm_days"] == "case when min(list_date) = max(list_date) then sum(harm_days) end"
    assert metrics["listed_harm_days"]["description"].startswith("Harm of everyone on the list")


def test_no_name_is_on_the_connection_of_everybody(bundle: dict[str, Any]) -> None:
    """Tables with names are listed for operational readers only, including tables added later."""
    everybody = assets.identity("database", mart.LIST)
    shown = [asset for name, asset in bundle.items() if name.startswith("datasets/")]
    columns = {
        column["column_name"]
        for dataset in shown
        if dataset["database_uuid"] == everybody
        for column in dataset["columns"]
    }
    assert not columns & {"forename", "surname", "middle_names", "date_of_birth", "birth_year", "person_ref"}


# -- a real Superset, in a browser -----------------------------------------------------------------------------------


@dataclass
class Superset:
    """A running server and the requests of a browser."""

    address: str
    browser: Browser
    outside: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    contexts: dict[str, BrowserContext] = field(default_factory=dict)

    def reader(self, user: str) -> BrowserContext:
        """Returns a browser in which this user has logged in by the form."""
        if user not in self.contexts:
            context = self.browser.new_context(viewport={"width": 1366, "height": 900}, locale="en-GB")
            context.set_default_timeout(PATIENCE)
            # A blocked request gets no answer, so every answer here left the browser.
            context.on("response", self._note)
            context.on("requestfailed", self._note_refused)
            log_in(context, self.address, user, PASSWORDS[user])
            self.contexts[user] = context
        return self.contexts[user]

    def open(self, user: str, slug: str) -> Page:
        """Returns a dashboard with every chart drawn."""
        page = self.reader(user).new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto(f"{self.address}/superset/dashboard/{slug}/?standalone=0")
        drawn(page)
        return page

    def call(self, user: str, path: str, **body: Any) -> tuple[int, str]:
        """Returns the API's answer to this user in the browser's session: GET, or POST with a body."""
        api = self.reader(user).request
        if not body:
            answer = api.get(f"{self.address}{path}")
        else:
            token = api.get(f"{self.address}/api/v1/security/csrf_token/")
            headers = {"Referer": self.address}
            if token.ok:
                headers["X-CSRFToken"] = token.json()["result"]
            answer = api.post(f"{self.address}{path}", data=body, headers=headers)
        return answer.status, answer.text()

    def datasets(self) -> dict[str, int]:
        """Returns the number of every dataset by name."""
        status, text = self.call("admin", "/api/v1/dataset/?q=(page_size:100)")
        assert status == 200, text
        return {found["table_name"]: found["id"] for found in json.loads(text)["result"]}

    def _note(self, answer: Any) -> None:
        if not answer.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(answer.url)

    def _note_refused(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.refused[request.url] = request.failure
            if request.failure != "csp":
                self.outside.append(request.url)


CHART = "[data-test='chart-grid-component']"


def drawn(page: Page) -> None:
    """Scrolls down a dashboard until every chart is drawn or says that it has no data."""
    page.locator(CHART).first.wait_for()
    for chart in page.locator(CHART).all():
        chart.scroll_into_view_if_needed()
        chart.locator("canvas, table, .header-line, .ant-empty, [role=alert]").first.wait_for()
        expect(chart.locator(".loading, [data-test='loading-indicator']")).to_have_count(0, timeout=PATIENCE)
    page.evaluate("window.scrollTo(0, 0)")


def chart(page: Page, title: str) -> Locator:
    """A chart on a dashboard."""
    return page.locator(f"{CHART}[data-test-chart-name='{title}']")


def rows(page: Page, title: str) -> Locator:
    """The rows of a table on a dashboard."""
    return chart(page, title).locator("tbody tr")


# Whether all of a text is within the part of the dashboard that holds it, which cuts what is too long.
WITHIN = """text => {
    const holder = text.closest('.dashboard-markdown') ?? text.parentElement;
    return holder.scrollHeight <= holder.clientHeight + 2
        && text.getBoundingClientRect().bottom <= holder.getBoundingClientRect().bottom + 2;
}"""


def cells(page: Page, title: str) -> list[list[str]]:
    """What they say."""
    return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows(page, title).all()]


def number(page: Page, title: str) -> str:
    """The big number under a title."""
    return chart(page, title).locator(".header-line").inner_text().strip()


@pytest.fixture(scope="module")
def superset(
    home: Home, bundle: dict[str, Any], browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Superset]:
    """A server set up and started for that home as by `make bi`, with a browser."""
    if not PYTHON.exists():
        pytest.skip("no Superset here: make bi-env sets it up")
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "manifest.json").write_text("{}")
    files = {name: yaml.safe_dump(content, sort_keys=False) for name, content in bundle.items()}
    assets.write(files, folder / "harmrank.zip")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {f"HARMRANK_BI_{user.upper()}_PASSWORD": password for user, password in PASSWORDS.items()}
    command = [str(PYTHON), str(HERE / "serve.py"), "--home", str(home.root), "--bundle", str(folder / "harmrank.zip")]
    log = (folder / "log").open("w")
    server = subprocess.Popen([*command, "--port", str(port)], env={**os.environ, **given}, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 240
        while "http://" not in (said := (folder / "log").read_text()):
            assert server.poll() is None and time.monotonic() < until, said
            time.sleep(0.5)
        yield Superset(f"http://127.0.0.1:{port}", browser)
    finally:
        server.terminate()
        server.wait()
        log.close()


@pytest.mark.parametrize("user", ["viewer", "operational"])
def test_every_dashboard_opens_without_an_error(superset: Superset, user: str) -> None:
    """Every chart of every dashboard opens, for each role."""
    for slug, title in {**DASHBOARDS, **(BY_NAME if user == "operational" else {})}.items():
        page = superset.open(user, slug)
        expect(page.get_by_text(title, exact=True).first).to_be_visible()
        assert page.locator("[role=alert], .ant-alert-error, .error-message").all_inner_texts() == [], (user, title)
        assert superset.faults == [], (user, title)
        page.close()


def test_nothing_leaves_the_machine(superset: Superset) -> None:
    """The pages load no font and no map, and the browser blocks the tracking pixel of Superset's pages."""
    superset.open("admin", "the-hundred").close()
    assert superset.outside == []
    assert set(superset.refused.values()) <= {"csp"} and len(superset.refused) <= 1


def test_the_hundred_on_screen_is_that_of_the_mart(superset: Superset, home: Home) -> None:
    """The list, its sums and its date."""
    page = superset.open("viewer", "the-hundred")
    places = home.ask("select harm_rank, offender_key, harm_days from mart.top_100 order by 1")
    shown = [(row[0], row[1], row[2]) for row in cells(page, "The list")]
    assert shown == [(str(rank), key, f"{days:,.1f}".removesuffix(".0")) for rank, key, days in places]
    ((days, allegations, date),) = home.ask(
        "select sum(harm_days), count(*), max(list_date) from mart.top_100_evidence"
    )
    assert number(page, "Harm") == f"{days:,.1f}".removesuffix(".0")
    assert number(page, "Allegations that count") == str(allegations)
    assert number(page, "List date") == f"{date:%d %b %Y}"
    page.close()


def test_a_filter_finds_places_by_their_allegations(superset: Superset, home: Home) -> None:
    """An area leaves the places with an allegation there, with their own rank and harm."""
    page = superset.open("viewer", "the-hundred")
    box = page.locator("[data-test='filter-bar'], .filter-bar, [class*=filter]").locator(".ant-select").first
    box.click()
    page.keyboard.type("E09000002")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.locator("[data-test='filter-bar__apply-button']").click()
    wanted = home.ask(
        "select distinct harm_rank, offender_key from mart.top_100_evidence where area_code = 'E09000002' order by 1"
    )
    assert 0 < len(wanted) < 3
    expect(rows(page, "The list")).to_have_count(len(wanted))
    drawn(page)
    assert [(row[0], row[1]) for row in cells(page, "The list")] == [(str(rank), key) for rank, key in wanted]
    page.close()


def test_a_click_on_a_place_shows_its_allegations(superset: Superset, home: Home) -> None:
    """A click leads from a place to the allegations behind it."""
    page = superset.open("viewer", "evidence")
    everything = home.ask("select crime_ref from mart.top_100_evidence")
    assert len(cells(page, "Allegations behind the place")) == len(everything)
    ((key,),) = home.ask("select offender_key from mart.top_100 where harm_rank = 1")
    chart(page, "Places").locator("td", has_text=key).click()
    wanted = home.ask("select crime_ref from mart.top_100_evidence where harm_rank = 1 order by harm_days desc")
    expect(rows(page, "Allegations behind the place")).to_have_count(len(wanted))
    assert [row[1] for row in cells(page, "Allegations behind the place")] == [crime for (crime,) in wanted]
    page.close()


@pytest.mark.parametrize("user", ["operational"])
def test_what_a_reader_must_know_of_a_chart_is_on_the_page(
    superset: Superset, bundle: dict[str, Any], user: str
) -> None:
    """Superset shows the description of a chart nowhere: what it says is a text above the chart, seen whole."""
    charts = [asset for name, asset in bundle.items() if name.startswith("charts/")]
    assert [chart["slice_name"] for chart in charts if chart["description"]] == []
    texts = 0
    for slug, title in {**DASHBOARDS, **BY_NAME}.items():
        (dashboard,) = [a for n, a in bundle.items() if n.startswith("dashboards/") and a["dashboard_title"] == title]
        page = superset.open(user, slug)
        for part in dashboard["position"].values():
            if isinstance(part, dict) and part["type"] == "MARKDOWN":
                for said in part["meta"]["code"].replace("**", "").split("\n\n"):
                    shown = page.get_by_text(said)
                    expect(shown).to_be_visible()
                    box = shown.evaluate(WITHIN)
                    assert box, (title, said)
                    texts += 1
        page.close()
    assert texts == 15


def test_a_month_that_is_not_complete_is_not_drawn_as_nought(bundle: dict[str, Any]) -> None:
    """Every series of months asks for complete months alone."""
    by_month = [a for n, a in bundle.items() if n.startswith("charts/") and a["params"].get("x_axis") == "month"]
    assert len(by_month) == 5
    for chart in by_month:
        (only,) = chart["params"]["adhoc_filters"]
        assert (only["subject"], only["operator"]) == ("is_complete", "IS TRUE"), chart["slice_name"]


def test_the_rows_behind_a_bar_can_be_seen(superset: Superset) -> None:
    """As the page says: a bar leads to its rows."""
    page = superset.open("viewer", "the-hundred")
    picture = chart(page, "Why people are on the list, or left it").locator("canvas").first
    picture.scroll_into_view_if_needed()
    picture.click(button="right")
    drill = page.get_by_role("menuitem", name="Drill to detail", exact=True)
    expect(drill).to_be_visible()
    expect(drill).to_be_enabled()
    page.close()


def test_trust_shows_what_became_of_the_rows(superset: Superset, home: Home) -> None:
    """The extracts on screen are those of extract_reconciliation."""
    page = superset.open("viewer", "trust-in-the-data")
    wanted = home.ask(
        "select extract_id, table_name, rows_read, rows_landed, rows_quarantined from mart.extract_reconciliation"
    )
    shown = [tuple(row[:5]) for row in cells(page, "What became of every row")]
    assert sorted(shown) == sorted(tuple(map(str, row)) for row in wanted)
    assert any(row[4] == "1" for row in shown)
    page.close()


# -- permissions -----------------------------------------------------------------------------------------------------


def query(dataset: int, **asked: Any) -> dict[str, Any]:
    """Returns a request to the API in the form that a chart sends."""
    one = {"columns": [], "metrics": [], "row_limit": 1000, "filters": [], **asked}
    return {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [one],
        "result_format": "json",
        "result_type": "full",
    }


def test_operational_readers_see_the_names_of_the_hundred(superset: Superset, home: Home) -> None:
    """They see names of nobody else: the build has names of all ranked people, their connection those of the list."""
    page = superset.open("operational", "the-hundred-by-name")
    wanted = home.ask(
        "select harm_rank, surname from mart.top_100 join mart.offender_people using (offender_key) order by 1"
    )
    assert [(row[0], row[1]) for row in cells(page, "The hundred, by name")] == [
        (str(rank), name) for rank, name in wanted
    ]
    page.close()


def test_a_viewer_finds_no_name(superset: Superset) -> None:
    """Not on a dashboard, in a list, by a dataset's number or by the viewer's own SQL."""
    numbers = superset.datasets()
    status, listed = superset.call("viewer", "/api/v1/dataset/?q=(page_size:100)")
    assert status == 200
    shown = {found["table_name"] for found in json.loads(listed)["result"]}
    assert {"top_100", "the_hundred"} <= shown and not shown & {"offender_people", "the_hundred_by_name"}
    assert shown < numbers.keys()
    status, listed = superset.call("viewer", "/api/v1/dashboard/")
    assert status == 200 and "by name" not in listed and "Evidence" in listed
    assert superset.call("viewer", "/superset/dashboard/the-hundred-by-name/")[1].find("The hundred by name") < 0
    for name in ("offender_people", "the_hundred_by_name"):
        asked = query(numbers[name], columns=["surname"])
        refused = [
            superset.call("viewer", "/api/v1/chart/data", **asked),
            superset.call("viewer", f"/api/v1/dataset/{numbers[name]}"),
            superset.call(
                "viewer", f"/datasource/samples?datasource_id={numbers[name]}&datasource_type=table", force=False
            ),
            superset.call("viewer", f"/api/v1/datasource/table/{numbers[name]}/column/surname/values/"),
        ]
        assert [status for status, _ in refused if status < 400] == [], refused
        assert not NAMES.search(str(refused))


@pytest.mark.parametrize("user", ["viewer", "operational"])
def test_readers_cannot_use_sql_lab_or_create_anything(superset: Superset, user: str) -> None:
    """Readers have no SQL Lab, create no dataset or database, and see no other users."""
    sql = "select surname from mart.offender_people"
    tried = {
        "sqllab": superset.call(user, "/api/v1/sqllab/execute/", database_id=2, sql=sql, schema="mart"),
        "dataset": superset.call(user, "/api/v1/dataset/", database=2, schema="mart", table_name="mine", sql=sql),
        "database": superset.call(user, "/api/v1/database/", database_name="m", sqlalchemy_uri="duckdb:///:memory:"),
        "databases": superset.call(user, "/api/v1/database/2"),
        "users": superset.call(user, "/api/v1/security/users/"),
        "roles": superset.call(user, "/api/v1/security/roles/"),
        "chart": superset.call(user, "/api/v1/chart/", slice_name="m", datasource_id=1, datasource_type="table"),
        "rules": superset.call(user, "/api/v1/rowlevelsecurity/"),
    }
    assert {what for what, (status, _) in tried.items() if status < 400} == set(), tried
    assert not NAMES.search(str(tried))


def test_a_viewer_s_own_expressions_find_no_name(superset: Superset, home: Home) -> None:
    """A chart may contain SQL expressions, but no subquery and no file of the build."""
    build = (home.published / "current").resolve()
    number = superset.datasets()["top_100"]
    for sql in (
        "(select max(surname) from mart.offender_people)",
        f"(select max(surname) from read_parquet('{build}/offender_people.parquet'))",
        f"(select max(content) from read_text('{build}/manifest.json'))",
    ):
        metric = {"expressionType": "SQL", "sqlExpression": sql, "label": "m"}
        status, text = superset.call("viewer", "/api/v1/chart/data", **query(number, metrics=[metric]))
        assert status >= 400 and not NAMES.search(text), sql


def test_an_administrator_sees_no_names_and_opens_no_other_file(superset: Superset, home: Home) -> None:
    """An administrator is not an operational reader, and Superset never opens the private warehouse."""
    numbers = superset.datasets()
    for name in ("offender_people", "the_hundred_by_name"):
        status, text = superset.call("admin", "/api/v1/chart/data", **query(numbers[name], columns=["surname"]))
        assert status == 403 and "Names are for users with the role Operational reader" in text, text
    build = (home.published / "current").resolve()
    answered = []
    for way in ("select harm_rank, offender_key from mart.top_100", *WAYS[::5]):
        sql = way.format(build=build, names=build / "operational", home=home.root)
        for database in (1, 2):
            body = {"database_id": database, "sql": sql, "schema": "mart"}
            status, text = superset.call("admin", "/api/v1/sqllab/execute/", **body)
            assert not NAMES.search(text), (database, sql)
            answered += [(database, sql)] if status == 200 else []
    assert (1, "select harm_rank, offender_key from mart.top_100") in answered
    assert [sql for database, sql in answered if database == 2] == []
    address = f"duckdb:///{home.root / 'warehouse.duckdb'}"
    status, text = superset.call("admin", "/api/v1/database/", database_name="w", sqlalchemy_uri=address)
    assert status >= 400, text


def test_a_repeated_question_is_answered_from_the_cache_but_never_with_names(superset: Superset, home: Home) -> None:
    """Answers are cached, except those of operational readers, also if a chart asks for it: names are in no file but the
    mart's, and neither is a name that a reader has looked for."""
    named = {"columns": ["harm_rank", "surname"], "filters": [{"col": "surname", "op": "==", "val": "Primusmann"}]}
    for user, dataset, asked, is_kept in (
        ("viewer", "top_100", {"columns": ["harm_rank", "offender_key"]}, True),
        ("operational", "the_hundred_by_name", named, False),
    ):
        body = {**query(superset.datasets()[dataset], **asked), "custom_cache_timeout": 86_400}
        answers = [json.loads(superset.call(user, "/api/v1/chart/data", **body)[1])["result"][0] for _ in "12"]
        # The request asks for no order.
        one, other = (sorted(answer["data"], key=lambda row: row["harm_rank"]) for answer in answers)
        assert one == other
        assert len(answers[0]["data"]) == (3 if is_kept else 1)
        assert bool(answers[1]["is_cached"]) is is_kept
    kept = [path for path in (home.root / "bi" / "answers").iterdir() if path.is_file()]
    assert kept
    for path in kept:
        assert path.stat().st_mode & 0o077 == 0
        assert not NAMES.search(path.read_bytes().decode("utf-8", "ignore"))


# -- a new build -----------------------------------------------------------------------------------------------------


def test_a_new_build_shows_without_a_restart(superset: Superset, home: Home, harmrank: Command) -> None:
    """A reload of the page shows the new list after the published build was replaced."""
    page = superset.open("viewer", "the-hundred")
    assert number(page, "List date") == "30 Jun 2026"
    before = cells(page, "The list")
    write_extract(home.extracts, "2026-07-31", LATER)
    done = harmrank("refresh", home.extracts, "--home", home.root, "--max-bad-share", "0.5")
    assert done.returncode == 0, done.stderr
    page.reload()
    drawn(page)
    assert number(page, "List date") == "31 Jul 2026"
    places = home.ask("select harm_rank, offender_key from mart.top_100 order by 1")
    after = cells(page, "The list")
    assert [(row[0], row[1]) for row in after] == [(str(rank), key) for rank, key in places]
    assert [row[1] for row in after] != [row[1] for row in before]
    page.close()


def test_an_export_from_superset_is_identical_to_the_repository(superset: Superset, home: Home, tmp_path: Path) -> None:
    """A change made in Superset is therefore a clean diff after the export."""
    command = [str(PYTHON), str(HERE / "export.py"), "--home", str(home.root), "--out", str(tmp_path)]
    for kind in ("charts", "dashboards"):
        shutil.copytree(HERE / kind, tmp_path / kind)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(HERE)}
    )
    assert done.returncode == 0, done.stderr
    for kind in ("charts", "dashboards"):
        files = {path.name: path.read_text() for path in (HERE / kind).glob("*.yaml")}
        assert {path.name: path.read_text() for path in (tmp_path / kind).glob("*.yaml")} == files


def test_superset_s_files_are_for_their_owner_alone(superset: Superset, home: Home) -> None:
    """They hold password hashes and the key that signs sessions."""
    state = home.root / "bi"
    assert state.stat().st_mode & 0o077 == 0
    for path in (state / "secret_key", state / "superset.db"):
        assert path.stat().st_mode & 0o077 == 0
    assert not NAMES.search((state / "superset.db").read_bytes().decode("utf-8", "ignore"))


def test_passwords_cannot_be_guessed_quickly(superset: Superset) -> None:
    """After ten attempts in a minute, by the form and through the API together, each of the two processes refuses more."""
    guesser = superset.browser.new_context().request
    token = re.search(r'csrf_token[^>]*value="([^"]+)"', guesser.get(f"{superset.address}/login/").text())
    for path, body in (
        ("/login/", {"form": {"username": "admin", "csrf_token": token[1] if token else ""}}),
        ("/api/v1/security/login", {"data": {"username": "admin", "provider": "db"}}),
    ):
        (fields,) = body.values()
        statuses = []
        for attempt in range(40):
            fields["password"] = f"guess-{attempt}"
            statuses.append(guesser.post(f"{superset.address}{path}", max_redirects=0, **body).status)
        assert statuses.count(429) >= 20, (path, statuses)
        assert path != "/login/" or statuses[0] == 302, statuses
