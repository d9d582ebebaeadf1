"""The acceptance report: one page per extract for its supplier, which needs no network.

The warehouse keeps the facts of each extract, landed or refused; the page can be drawn from them again at any time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import duckdb

from harmrank.home.folder import Home
from harmrank.landing.acceptance_facts import Facts
from harmrank.landing.files.extract_folder import is_extract_id
from harmrank.machine import disk
from harmrank.text import pages

INDEX = "index.html"


def keep(connection: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    """Writes the facts into the warehouse, within the open transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO raw.acceptance VALUES (?, ?, ?)",
        [facts.extract_id, facts.verdict, json.dumps(asdict(facts))],
    )


def keep_resent(connection: duckdb.DuckDBPyConnection, extract_id: str, refusal: str | None) -> None:
    """Notes in the facts of a landed extract why a changed copy was refused; with None, removes that note."""
    row = connection.execute("SELECT facts FROM raw.acceptance WHERE extract_id = ?", [extract_id]).fetchone()
    if row:
        facts = {**json.loads(row[0]), "resent": refusal}
        connection.execute("UPDATE raw.acceptance SET facts = ? WHERE extract_id = ?", [json.dumps(facts), extract_id])


def resent(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Returns the ids of landed extracts of which a changed copy was refused."""
    query = 'SELECT extract_id FROM raw.acceptance WHERE contains(facts, \'"resent": "\')'
    return {str(extract_id) for (extract_id,) in connection.execute(query).fetchall()}


def draw(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Draws every page that does not show the current facts, and the page that lists them.

    Each page holds a digest of its facts, so a page missed by a stopped landing is drawn by the next one.
    """
    digests = dict(
        connection.execute("SELECT extract_id, sha256(facts) FROM raw.acceptance ORDER BY 1 DESC").fetchall()
    )
    stale = [extract_id for extract_id, digest in digests.items() if not _shows(home, page_name(extract_id), digest)]
    whole = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    if not stale and _shows(home, INDEX, whole):
        return
    kept = connection.execute("SELECT extract_id, facts FROM raw.acceptance ORDER BY extract_id DESC").fetchall()
    # An earlier version of harmrank kept fewer facts.
    everything = [{**asdict(Facts(extract_id)), **json.loads(facts)} for extract_id, facts in kept]
    for facts in everything:
        if facts["extract_id"] in stale:
            page = _page("acceptance.html", digests[facts["extract_id"]], facts=facts)
            disk.replace_text(home.reports / page_name(facts["extract_id"]), page)
    listed = [{**facts, "page": page_name(facts["extract_id"])} for facts in everything]
    disk.replace_text(home.reports / INDEX, _page("acceptance_index.html", whole, extracts=listed))


def _shows(home: Home, page: str, digest: str) -> bool:
    """Returns whether the page exists and its beginning holds this digest of its facts."""
    try:
        with (home.reports / page).open(encoding="utf-8", errors="replace") as file:
            return digest in file.read(500)
    except FileNotFoundError:
        return False


def page_name(extract_id: str) -> str:
    """Returns the file name of an extract's page. A folder name that is not an id is replaced by a digest."""
    if is_extract_id(extract_id):
        return f"{extract_id}.html"
    digest = hashlib.sha256(extract_id.encode("utf-8", "surrogateescape")).hexdigest()
    return f"no-extract-id-{digest[:12]}.html"


def _page(template: str, digest: str, **content: Any) -> str:
    return pages.render(template, digest=digest, **content)
