"""The docs: the data dictionary, the exposures, the links between the pages, and `make docs` in a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import dbt_page
import dictionary
import flow
import forms
import pytest
import yaml
from conftest import REPOSITORY
from lineage import Lineage
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, ViewportSize
from support import forked

SPHINX = REPOSITORY / ".venv-docs" / "bin" / "sphinx-build"
PHONE, LAPTOP = ViewportSize(width=390, height=844), ViewportSize(width=1366, height=768)
Manifest = dict[str, Any]

# The dictionary -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def manifest(compiled: Path) -> Manifest:
    """The manifest of the project."""
    return json.loads((compiled / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lineage(manifest: Manifest) -> Lineage:
    """The lineage of the columns."""
    return Lineage(manifest)


def dbt(target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs dbt from the repository; its output goes into the target folder."""
    environment = {**os.environ, "DBT_PROFILES_DIR": "profiles", "DBT_LOG_PATH": str(target / "logs")}
    words = ["--no-use-colors", *arguments, "--target-path", target]
    return forked.run(words, "dbt.cli.main", REPOSITORY, environment)


def test_the_dictionary_is_up_to_date(manifest: Manifest, lineage: Lineage) -> None:
    """docs/dictionary.md agrees with the models: `make dictionary` rewrites it."""
    written = (REPOSITORY / "docs" / "dictionary.md").read_text(encoding="utf-8")
    assert written == dictionary.dictionary(manifest, lineage)


def test_the_drawing_of_the_flow_is_up_to_date(manifest: Manifest) -> None:
    """docs/images/flow.svg has the folders and figures of the models: `make dictionary` redraws it."""
    drawn = (REPOSITORY / "docs" / "images" / "flow.svg").read_text(encoding="utf-8")
    assert drawn == flow.flow(manifest)


def test_the_accepted_forms_are_up_to_date() -> None:
    """The table in docs/extracts.md agrees with the contract: `make dictionary` rewrites it."""
    written = (REPOSITORY / "docs" / "extracts.md").read_text(encoding="utf-8")
    assert forms.rewritten(written) == written


@pytest.mark.parametrize("change", [{"description": "Points."}, {"data_type": "integer"}, {"constraints": []}])
def test_a_changed_word_changes_the_dictionary(manifest: Manifest, lineage: Lineage, change: dict[str, Any]) -> None:
    """The first test above would notice."""
    changed = json.loads(json.dumps(manifest))
    changed["nodes"]["model.harmrank.top_100"]["columns"]["harm_days"] |= change
    assert dictionary.dictionary(changed, lineage) != dictionary.dictionary(manifest, lineage)


def test_a_changed_select_changes_where_a_column_is_made(manifest: Manifest) -> None:
    """A rule that moves to another model moves in the dictionary, too."""
    changed = json.loads(json.dumps(manifest))
    node = changed["nodes"]["model.harmrank.top_100"]
    node["compiled_code"] = node["compiled_code"].replace("ranked.harm_days as", "ranked.harm_days + 1 as", 1)
    assert Lineage(changed).made_in("top_100", "harm_days") == "top_100"


def test_the_dictionary_says_where_columns_are_made(lineage: Lineage) -> None:
    """The lineage read from the SQL agrees with a reading by hand."""
    assert lineage.made_in("top_100", "harm_days") == "int_offender_scores"
    assert lineage.made_in("top_100_evidence", "harm_days") == "int_weighted_crimes"
    assert lineage.made_in("list_history", "harm_rank") == "int_ranked_offenders"
    assert lineage.made_in("offender_evidence", "offence") == "offences"
    assert lineage.made_in("offender_people", "surname") == "people"
    assert lineage.made_in("list_churn", "churn") == "list_churn"
    trail = [step.model for step in lineage.trail("top_100", "harm_days")]
    assert trail[0] == "top_100" and trail[-2:] == ["harm_weights", "stg_imported_weights"]
    assert [step.model for step in lineage.trail("top_100", "harm_days") if step.made_by] == [
        "int_offender_scores",
        "int_weighted_crimes",
    ]


def marts(manifest: Manifest) -> list[dict[str, Any]]:
    """The published tables."""
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["original_file_path"].startswith("models/marts/")
    ]


def test_every_published_column_says_when_it_is_empty(manifest: Manifest) -> None:
    """Null has another meaning in every column: each description says which."""
    silent = [
        f"{mart['name']}.{column['name']}"
        for mart in marts(manifest)
        for column in mart["columns"].values()
        if not any(constraint["type"] == "not_null" for constraint in column["constraints"])
        and not re.search(r"\b(Null|null|Empty) (where|for|while|until)|where known", column["description"])
    ]
    assert silent == []


def test_every_published_amount_says_its_unit(manifest: Manifest) -> None:
    """Days of harm and shares are both doubles: the description says which, with the range of a share."""
    units = {"days": "days", "share": "0 to 1|share of|whole per cent", "per_cent": "per cent"}
    silent = [
        f"{mart['name']}.{column['name']}"
        for mart in marts(manifest)
        for column in mart["columns"].values()
        for word, unit in units.items()
        if word in column["name"].split("_")
        and column["data_type"] in ("double", "integer")
        and not re.search(rf"\b({unit})\b", column["description"], re.IGNORECASE)
    ]
    assert silent == []


def test_every_published_table_says_what_a_row_is(manifest: Manifest) -> None:
    """The first sentence of a description is the grain."""
    assert [mart["name"] for mart in marts(manifest) if not mart["description"].startswith("One row")] == []


def test_everything_that_the_overview_names_exists(manifest: Manifest) -> None:
    """It is written by hand, for the first page of dbt docs and the head of the dictionary."""
    text = manifest["docs"]["doc.harmrank.__overview__"]["block_contents"]
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    there = {node["name"] for node in nodes} | {column for node in nodes for column in node["columns"]}
    assert set(re.findall(r"`(\w+)`", text)) - there == set()


def test_a_published_table_that_the_overview_leaves_out_is_refused(manifest: Manifest, lineage: Lineage) -> None:
    """The overview must name a new table; the error says so in one line."""
    changed = json.loads(json.dumps(manifest))
    changed["nodes"]["model.harmrank.top_100"]["name"] = "top_200"
    with pytest.raises(SystemExit, match="models/overview.md does not say what top_200 is for"):
        dictionary.dictionary(changed, lineage)


# Exposures -----------------------------------------------------------------------------------------------------------


def test_an_exposure_selects_what_its_reader_relies_on(compiled: Path, manifest: Manifest, tmp_path: Path) -> None:
    """`dbt build --select +exposure:the_hundred` selects the marts on the dashboard and everything upstream."""
    target = shutil.copytree(compiled, tmp_path / "target")
    done = dbt(target, "--quiet", "ls", "--target", "lint", "--select", "+exposure:the_hundred", "--output", "name")
    assert done.returncode == 0, done.stdout[-3000:]
    selected = set(done.stdout.split())
    assert {
        "the_hundred",
        "top_100",
        "top_100_evidence",
        "int_offender_scores",
        "stg_crimes",
        "harm_weights",
    } <= selected
    assert not {"crime_harm_monthly", "rule_effect", "method_lists"} & selected
    assert {mart["name"] for mart in marts(manifest)} - selected


def reading_files(manifest: Manifest) -> dict[str, list[dict[str, Any]]]:
    """Returns the files that exposures name in `reads`."""
    files: dict[str, list[dict[str, Any]]] = {}
    for exposure in manifest["exposures"].values():
        for file in exposure["meta"]["reads"]:
            files.setdefault(file, []).append(exposure)
    return files


def tables_read(file: Path) -> set[str]:
    """Returns the published tables that a module queries, or that a dashboard's charts show."""
    if file.suffix == ".py":
        return set(re.findall(r"\bmart\.([a-z_0-9]+)", file.read_text(encoding="utf-8")))
    return dashboard_tables(file)


def dashboard_tables(file: Path) -> set[str]:
    """Returns the published tables behind the datasets of a dashboard's charts and filters."""
    folder = file.parents[1]
    given = yaml.safe_load((folder / "datasets.yml").read_text(encoding="utf-8"))
    datasets = {table: {table} for tables in given["tables"].values() for table in tables}
    datasets |= {one["name"]: {one["about"], *(join["table"] for join in one["joins"])} for one in given["joined"]}
    # With the ids of bi/superset/assets.py.
    space = uuid.uuid5(uuid.NAMESPACE_URL, "harmrank/bi/superset")
    named = {str(uuid.uuid5(space, f"dataset/{name}")): tables for name, tables in datasets.items()}
    charts = [yaml.safe_load(chart.read_text(encoding="utf-8")) for chart in (folder / "charts").glob("*.yaml")]
    shown = {chart["uuid"]: named[chart["dataset_uuid"]] for chart in charts} | named
    found = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", file.read_text(encoding="utf-8"))
    return set().union(*(shown.get(one, set()) for one in found))


def test_exposures_depend_on_what_their_readers_read(manifest: Manifest) -> None:
    """models/exposures.yml names every table that a dashboard shows or a command queries."""
    for name, exposures in reading_files(manifest).items():
        declared = {parent.split(".")[2] for exposure in exposures for parent in exposure["depends_on"]["nodes"]}
        assert declared == tables_read(REPOSITORY / name), name


# Links between the pages ----------------------------------------------------------------------------------------------

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "bi/**/*.md", "deploy/**/*.md", "benchmarks/**/*.md")
    for path in REPOSITORY.glob(pattern)
)
MARKDOWN = MarkdownIt("commonmark").enable("table")


def links(page: Path) -> list[str]:
    """Returns the targets of a page's links and pictures, without other sites."""
    tokens = [child for token in MARKDOWN.parse(page.read_text(encoding="utf-8")) for child in token.children or []]
    targets = [
        str(token.attrs.get("href") or token.attrs.get("src"))
        for token in tokens
        if token.type in ("link_open", "image")
    ]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


@cache
def headings(page: Path) -> set[str]:
    """Returns the anchors of a page's headings as a repository's host makes them."""
    tokens = MARKDOWN.parse(page.read_text(encoding="utf-8"))
    titles = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """On the repository's host every linked file and heading exists."""
    dead = []
    for link in links(page):
        path, anchor = urldefrag(link)
        file = (page.parent / unquote(path)).resolve() if path else page
        if not file.exists() or (anchor and anchor not in headings(file)):
            dead.append(link)
    assert dead == []


def test_three_clicks_from_the_readme_say_what_harm_days_means() -> None:
    """A new reader finds its meaning, its origin, and what it must not be used for."""
    reached = {REPOSITORY / "README.md": 0}
    at = [REPOSITORY / "README.md"]
    for page in at:
        for link in links(page):
            file = (page.parent / urldefrag(link)[0]).resolve()
            if file.suffix == ".md" and file not in reached and reached[page] < 3:
                reached[file] = reached[page] + 1
                at.append(file)
    words = REPOSITORY / "docs" / "dictionary.md"
    # The third click is on `harm_days` at the head of the page.
    assert reached[words] <= 2
    assert "#harm_days" in links(words)[:3]
    assert {"harm_days", "what-it-means", "where-it-comes-from", "what-it-must-not-be-used-for"} <= headings(words)


# The site -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of `make docs` without a home, in another folder; installed tools are unchanged."""
    if not SPHINX.exists():
        pytest.skip("no .venv-docs here: make docs-env")
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        ["make", "docs", "--old-file=env", "--old-file=docs-env", f"SITE={folder}", f"VENV={sys.prefix}"],
        cwd=REPOSITORY,
        env={**os.environ, "HARMRANK_HOME": str(folder.parent / "home"), "DBT_LOG_PATH": str(folder.parent / "logs")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


class Targets(HTMLParser):
    """The ids and link targets of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each element."""
        given = dict(attrs)
        self.ids |= {given[name] or "" for name in ("id", "name") if name in given}
        self.links += [given[name] or "" for name in ("href", "src") if name in given]


@pytest.mark.thorough
def test_every_link_of_the_site_leads_somewhere(site: Path, manifest: Manifest) -> None:
    """Linked pages, headings, copied files, pictures and models in dbt docs exist."""
    pages = {page: Targets(page) for page in site.rglob("*.html") if page.name != "dbt.html"}
    assert len(pages) > 40
    dead, in_dbt_docs = [], set()
    for page, targets in pages.items():
        for link in targets.links:
            path, anchor = urldefrag(link)
            if re.match(r"[a-z]+:", link):
                continue
            file = (page.parent / unquote(path.split("?")[0])).resolve() if path else page
            if file.name == "dbt.html" and anchor:
                in_dbt_docs.add(anchor.removeprefix("!/model/"))
            elif not file.is_file() or (anchor and anchor not in pages[file].ids):
                dead.append((page.name, link))
    assert dead == []
    assert "model.harmrank.int_offender_scores" in in_dbt_docs
    assert in_dbt_docs <= set(manifest["nodes"])


@pytest.mark.thorough
def test_the_site_holds_every_page_of_the_repository(site: Path) -> None:
    """The navigation of the first page has every page."""
    first = site / "README.html"
    reached = {(first.parent / urldefrag(link)[0]).resolve() for link in Targets(first).links}
    expected = {page for page in PAGES if page.parent.name != "benchmarks"} - {REPOSITORY / "README.md"}
    assert {(site / page.relative_to(REPOSITORY)).with_suffix(".html") for page in expected} - reached == set()


@dataclass
class Seen:
    """Errors of a browser, and its requests that are not for a file."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def open_page(browser: Browser, address: str, size: ViewportSize) -> tuple[Page, Seen]:
    """Returns the page after it has loaded."""
    seen = Seen()
    page = browser.new_context(viewport=size).new_page()
    page.on("console", lambda message: seen.complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("requestfailed", lambda request: seen.complaints.append(request.url))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page, seen


def assert_calm(seen: Seen) -> None:
    """Asserts: no error, no failed request, no network request."""
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("index.html", "Who does most harm to women and girls"),
        ("docs/dictionary.html#harm-days", "As a finding of guilt"),
        ("docs/method.html", "What each rule does to the list"),
        ("docs/decisions/README.html", "The docs site"),
        ("search.html?q=harm_days", "Data dictionary"),
    ],
)
def test_a_page_opens_from_disk(site: Path, browser: Browser, name: str, says: str, size: ViewportSize) -> None:
    """Without server and network: no error, nothing wider than the screen, and the text is present."""
    page, seen = open_page(browser, f"{site.as_uri()}/{name}", size)
    page.get_by_text(says).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert_calm(seen)


def test_from_the_readme_to_harm_days_in_three_clicks(site: Path, browser: Browser) -> None:
    """The same three clicks work in the site."""
    page, seen = open_page(browser, f"{site.as_uri()}/index.html", LAPTOP)
    page.get_by_role("link", name="data dictionary").first.click()
    page.get_by_role("link", name="harm_days", exact=True).first.click()
    assert page.url.endswith("dictionary.html#harm-days")
    for heading in ("What it means", "Where it comes from", "What it must not be used for"):
        assert page.get_by_role("heading", name=heading).is_visible()
    assert_calm(seen)


def test_dbt_docs_open_from_disk(site: Path, browser: Browser) -> None:
    """The first page is ours, a model shows its columns, the lineage shows the dashboard, and nothing is requested."""
    page, seen = open_page(browser, f"{site.as_uri()}/dbt.html", LAPTOP)
    page.get_by_text("What it must not be used for").wait_for()
    page.goto(f"{site.as_uri()}/dbt.html#!/model/model.harmrank.top_100")
    page.get_by_text("harm_days_above_line").first.wait_for()
    page.locator('use[href="#icn-doc-on"]').first.wait_for(state="attached")
    page.goto(f"{site.as_uri()}/dbt.html#!/exposure/exposure.harmrank.the_hundred")
    page.get_by_text("Chair of the monthly meeting").first.wait_for()
    assert_calm(seen)
    assert "cloudfront" not in (site / "dbt.html").read_text(encoding="utf-8")


@pytest.mark.thorough
def test_a_dbt_page_that_has_changed_is_refused(site: Path) -> None:
    """Another version of dbt may make other requests: somebody must check it."""
    page = (site.with_name("site-dbt") / "static_index.html").read_text(encoding="utf-8")
    assert dbt_page.corrected(page)
    with pytest.raises(SystemExit, match="check its requests, and change docs/site/dbt_page.py"):
        dbt_page.corrected(page.replace("cloudfront", "elsewhere"))


@pytest.mark.parametrize("name", ["README.html", "docs/dictionary.html"])
def test_a_page_is_accessible(site: Path, browser: Browser, name: str) -> None:
    """axe-core finds nothing serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    page, _ = open_page(browser, f"{site.as_uri()}/{name}", LAPTOP)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
