"""Writes what an attack measured into its place in docs/reliability.md."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def record(attack: str, lines: list[str]) -> None:
    """Put `lines` of Markdown where the page has room for this attack, with the machine and versions below.

    The room is what stands between `<!-- attack -->` and `<!-- /attack -->`. Raises LookupError where the page
    has none.
    """
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}"
    )
    text = PAGE.read_text(encoding="utf-8")
    room = re.compile(rf"(<!-- {re.escape(attack)} -->\n).*?(<!-- /{re.escape(attack)} -->)", re.DOTALL)
    body = "\n".join([*lines, "", f"*{machine}*"])
    filled, found = room.subn(lambda match: f"{match[1]}{body}\n{match[2]}", text)
    if not found:
        raise LookupError(f"docs/reliability.md has no room for {attack}")
    PAGE.write_text(filled, encoding="utf-8")
