"""The figures of docs/method.md, from the published list of a home.

    PYTHONPATH=tests .venv/bin/python -m reliability.method_figures [HOME]

HOME is that of `make demo` unless said otherwise. Nothing is computed here: every figure is a column of the mart.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from reliability.record import DOCS, fill

PAGE = DOCS / "method.md"

RULES = """
    select turned_rule, turned_from, turned_to, ranked_offenders_turned, would_enter, would_leave, jaccard
    from mart.rule_effect order by would_leave desc, turned_rule, turned_to
"""
METHODS = """
    select method, ranked_offenders, on_both_lists, jaccard, rank_correlation
    from mart.method_comparison order by is_published desc, on_both_lists desc, method
"""
CONCENTRATION = """
    select
        case share_of
            when 'offenders' then 'the top ' || per_cent || ' % of offenders'
            else 'the fewest with ' || per_cent || ' % of the harm'
        end,
        offenders, 100 * share_of_offenders, 100 * share_of_harm
    from mart.harm_concentration order by share_of desc, per_cent
"""


def table(heads: list[str], rows: list[tuple[object, ...]]) -> list[str]:
    """Returns a table in Markdown: text to the left, figures to the right."""
    right = [all(isinstance(value, int | float | None) for value in column) for column in zip(*rows, strict=True)]
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join('--:' if is_right else '---' for is_right in right)}|"]
    return lines + [f"| {' | '.join(shown(value) for value in row)} |" for row in rows]


def shown(value: object) -> str:
    """Returns a figure as text; empty for none."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Fills every table of the page."""
    home = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS.parent / "home"
    with duckdb.connect(str(home / "published" / "current" / "harm_mart.duckdb"), read_only=True) as mart:
        heads = ["rule", "in the method", "changed to", "then ranked", "would enter", "would leave", "Jaccard"]
        fill(PAGE, "rules", table(heads, mart.execute(RULES).fetchall()))
        heads = ["method", "ranked", "on both lists", "Jaccard", "rank correlation"]
        fill(PAGE, "methods", table(heads, mart.execute(METHODS).fetchall()))
        heads = ["", "offenders", "% of offenders", "% of the harm"]
        fill(PAGE, "concentration", table(heads, mart.execute(CONCENTRATION).fetchall()))


if __name__ == "__main__":
    main()
