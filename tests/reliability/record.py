"""Writes measured figures into their place in docs/reliability.md or docs/method.md."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "reliability.md"


def record(attack: str, lines: list[str]) -> None:
    """Writes `lines` of Markdown into this attack's place on the page, with the machine and versions below."""
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}"
    )
    fill(PAGE, attack, [*lines, "", f"*{machine}*"])


def fill(page: Path, name: str, lines: list[str]) -> None:
    """Writes `lines` of Markdown between `<!-- name -->` and `<!-- /name -->`. Raises LookupError if the page lacks them."""
    text = page.read_text(encoding="utf-8")
    room = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    body = "\n".join(lines)
    filled, found = room.subn(lambda match: f"{match[1]}{body}\n{match[2]}", text)
    if not found:
        raise LookupError(f"{page.name} has no room for {name}")
    page.write_text(filled, encoding="utf-8")
