"""The acceptance report: what became of an extract, told to its supplier on one page that needs no network.

The facts are kept in the warehouse with the extract, or with its refusal; the page is drawn from them and can be drawn
again. They hold counts, files, lines and keys, never a value of a person.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from harmrank.home.folder import Home
from harmrank.landing.files.extract_folder import is_extract_id
from harmrank.machine import disk
from harmrank.text import pages

INDEX = "index.html"


@dataclass(frozen=True)
class FileFacts:
    """One file: rows read, landed and in quarantine; `None` where the extract was refused before they were counted."""

    table_name: str
    file_name: str
    bytes: int
    rows_read: int | None = None
    rows_landed: int | None = None
    rows_quarantined: int | None = None


@dataclass(frozen=True)
class Trouble:
    """Rows in quarantine or unusable values, by reason. `places` are file and line of the first of them."""

    table_name: str
    column_name: str
    reason: str
    rows: int
    places: list[tuple[str, int]]


@dataclass(frozen=True)
class CheckFacts:
    """One expectation at the door, `said` with what was found of it.

    `usual_share` is the median share (0 to 1) of unexpected rows in earlier extracts of the feed.
    """

    name: str
    table_name: str
    column_name: str
    sentence: str
    said: str
    mend: str
    is_fatal: bool
    passed: bool
    rows_checked: int | None
    rows_unexpected: int | None
    places: list[tuple[str, int]]
    usual_share: float | None = None


@dataclass(frozen=True)
class Size:
    """The rows of one table in one extract, for the trend."""

    extract_id: str
    table_name: str
    rows_read: int
    rows_quarantined: int


@dataclass
class Facts:
    """Everything the page says.

    `verdict` is `accepted`, `accepted with remarks` or `refused`. `resent` is why it was refused when it came again with
    other content; what landed before goes on to count then.
    """

    extract_id: str
    settled_at: str = ""
    verdict: str = "accepted"
    refusal: str | None = None
    resent: str | None = None
    files: list[FileFacts] = field(default_factory=list)
    not_read: int = 0
    quarantine: list[Trouble] = field(default_factory=list)
    values: list[Trouble] = field(default_factory=list)
    checks: list[CheckFacts] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)

    @property
    def failed(self) -> list[CheckFacts]:
        """The checks that found what they should not."""
        return [check for check in self.checks if not check.passed]

    def settle(self, refusal: str | None) -> None:
        """Set the verdict, as of now."""
        self.settled_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self.refusal = refusal
        if refusal:
            self.verdict = "refused"
        elif self.quarantine or self.values or self.failed or self.not_read:
            self.verdict = "accepted with remarks"


def keep(connection: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    """Keep the facts in the warehouse, in the transaction that is open."""
    connection.execute(
        "INSERT OR REPLACE INTO raw.acceptance VALUES (?, ?, ?)",
        [facts.extract_id, facts.verdict, json.dumps(asdict(facts))],
    )


def keep_resent(connection: duckdb.DuckDBPyConnection, extract_id: str, refusal: str | None) -> None:
    """Add to the facts of an extract that has landed that it came again, changed, and was refused then; or, with None,
    that it lies there as it was once more.
    """
    row = connection.execute("SELECT facts FROM raw.acceptance WHERE extract_id = ?", [extract_id]).fetchone()
    if row:
        facts = {**json.loads(row[0]), "resent": refusal}
        connection.execute("UPDATE raw.acceptance SET facts = ? WHERE extract_id = ?", [json.dumps(facts), extract_id])


def resent(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The extracts that were refused when they came again."""
    query = 'SELECT extract_id FROM raw.acceptance WHERE contains(facts, \'"resent": "\')'
    return {str(extract_id) for (extract_id,) in connection.execute(query).fetchall()}


def draw(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Draw every page that does not show the facts as they are now, and the page that lists them.

    A page says which facts it was drawn from, so that one that was not drawn in time is drawn with the next landing.
    """
    digests = dict(
        connection.execute("SELECT extract_id, sha256(facts) FROM raw.acceptance ORDER BY 1 DESC").fetchall()
    )
    stale = [extract_id for extract_id, digest in digests.items() if not _shows(home, page_name(extract_id), digest)]
    whole = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    if not stale and _shows(home, INDEX, whole):
        return
    kept = connection.execute("SELECT extract_id, facts FROM raw.acceptance ORDER BY extract_id DESC").fetchall()
    # Facts that a later version has come to keep are missing in what an earlier one kept.
    everything = [{**asdict(Facts(extract_id)), **json.loads(facts)} for extract_id, facts in kept]
    for facts in everything:
        if facts["extract_id"] in stale:
            page = _page("acceptance.html", digests[facts["extract_id"]], facts=facts)
            disk.replace_text(home.reports / page_name(facts["extract_id"]), page)
    listed = [{**facts, "page": page_name(facts["extract_id"])} for facts in everything]
    disk.replace_text(home.reports / INDEX, _page("acceptance_index.html", whole, extracts=listed))


def _shows(home: Home, page: str, digest: str) -> bool:
    """Whether a page is there and was drawn from these facts: its beginning says from which."""
    try:
        with (home.reports / page).open(encoding="utf-8", errors="replace") as file:
            return digest in file.read(500)
    except FileNotFoundError:
        return False


def page_name(extract_id: str) -> str:
    """The file name of an extract's page. A folder that has no proper id may be called anything, so it gets a digest."""
    if is_extract_id(extract_id):
        return f"{extract_id}.html"
    digest = hashlib.sha256(extract_id.encode("utf-8", "surrogateescape")).hexdigest()
    return f"no-extract-id-{digest[:12]}.html"


def _page(template: str, digest: str, **content: Any) -> str:
    return pages.render(template, digest=digest, **content)
