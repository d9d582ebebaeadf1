"""Sphinx's settings for the docs site from the Markdown of the repository: `make docs` (docs/decisions/0039-the-docs-site.md).

    sphinx-build -c docs/site . target/site

Pages stay in their places and link to each other as on the repository's host. A link to a model's SQL leads to its page in
dbt docs, a link to any other file of the repository to a copy of that file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import download_reference
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

ROOT = Path(__file__).resolve().parents[2]
DBT_PAGE = "dbt"

# The navigation: captions and their pages. A page belongs to the first caption that names it; one without is a warning.
PAGES = {
    "For readers": [
        "docs/dictionary.md",
        "docs/bi.md",
        "docs/briefing.md",
        "docs/tools.md",
        "docs/method.md",
        "docs/seeds.md",
        "bi/**/*.md",
    ],
    "For operators": [
        "docs/operations.md",
        "docs/extracts.md",
        "docs/scheduling.md",
        "deploy/**/*.md",
        "docs/reliability.md",
        "docs/performance.md",
        "docs/scale.md",
        "docs/scale-figures.md",
    ],
    "For developers": ["CONTRIBUTING.md", "docs/decisions/README.md", "CHANGELOG.md", "docs/*.md"],
}

project = "harmrank"
html_title = "harmrank"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "README"
include_patterns = ["*.md", "bi/**", "deploy/**", "docs/**"]
# Sphinx searches every other folder.
exclude_patterns = [".*", "home", "target", "logs", "build", "dist", "**/.*", "**/node_modules"]

myst_heading_anchors = 4
smartquotes = False

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["extra"]
html_copy_source = False
# A browser cannot fetch other pages from disk to quote them.
html_show_search_summary = False
html_show_sphinx = False
html_show_copyright = False
html_domain_indices = False
html_use_index = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar-dbt.html",
        "sidebar/scroll-end.html",
    ]
}
templates_path = ["templates"]


def setup(app: Sphinx) -> None:
    """Connects the functions below to Sphinx."""
    app.connect("source-read", add_navigation)
    app.connect("doctree-read", link_models)
    # Runs after the theme has rendered its part of the page.
    app.connect("html-page-context", make_accessible, priority=900)


def add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    """Adds the contents of the site to the README, and of the decisions to theirs; the repository's host shows neither."""
    if page == root_doc:
        source[0] += "".join(_contents(_pages(caption), f":caption: {caption}", ":hidden:") for caption in PAGES)
    if page == "docs/decisions/README":
        source[0] += _contents(["*"], ":glob:", ":titlesonly:")


def _pages(caption: str) -> list[str]:
    """Returns the pages under a caption, without those under an earlier one."""
    found: dict[str, str] = {}
    for under, patterns in PAGES.items():
        for pattern in patterns:
            for file in sorted(ROOT.glob(pattern)):
                found.setdefault(file.relative_to(ROOT).with_suffix("").as_posix(), under)
    return [page for page, under in found.items() if under == caption]


def _contents(pages: list[str], *options: str) -> str:
    return "\n".join(["", "", "```{toctree}", *options, "", *pages, "```", ""])


def link_models(app: Sphinx, doctree: nodes.document) -> None:
    """Points links to a model's SQL to its page in dbt docs, which shows the SQL, the columns and the lineage."""
    page = app.env.docname
    for link in list(doctree.findall(download_reference)):
        model = re.search(r"(?:^|/)models/.*?(\w+)\.sql$", link["reftarget"])
        if model:
            target = f"{relative_uri(app.builder.get_target_uri(page), f'{DBT_PAGE}.html')}#!/model/model.harmrank.{model[1]}"
            link.replace_self(nodes.reference("", "", *link.children, internal=False, refuri=target))


def make_accessible(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Adds what Sphinx leaves out: heading levels in the navigation, and scrolling by keyboard for wide parts."""
    navigation = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = navigation.replace('role="heading"', 'role="heading" aria-level="2"')
    body = context.get("body", "")
    for wide in ("<pre", '<div class="table-wrapper'):
        body = body.replace(wide, wide.replace(" ", ' tabindex="0" ', 1) if " " in wide else f'{wide} tabindex="0"')
    context["body"] = body
