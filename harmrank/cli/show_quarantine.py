"""The output of `quarantine` for people. Layout only."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from harmrank.cli.terminal import Column, print_table, shown
from harmrank.reading.quarantine import FIRST_LINES, Group, Quarantine, RefusedExtract
from harmrank.text.wording import plural

WHAT_TO_DO = (
    "Send a corrected extract with a later id: it clears rows with the same key. To clear rows without a readable key, "
    'name their extract in the extract.json of the new one: "corrects": ["EXTRACT_ID"].'
)


def print_quarantine(console: Console, found: Quarantine, with_cleared: bool) -> None:
    """Prints rows by file and reason, refused extracts, the build they are as of, and what to do."""
    rows = sum(group.rows for group in found.groups)
    if found.groups:
        _print_groups(console, found.groups, with_cleared)
    if found.refused:
        _print_refused(console, found.refused, with_cleared)
    is_open = "" if with_cleared else "open "
    console.print(
        f"{plural(rows, f'{is_open}row')} and {plural(len(found.refused), f'{is_open}refused extract')} in quarantine."
    )
    for line in _as_of(found):
        console.print(Text(shown(line)))
    if None in {group.cleared_by for group in found.groups} | {extract.cleared_by for extract in found.refused}:
        console.print(Text(WHAT_TO_DO))


def _print_groups(console: Console, groups: list[Group], with_cleared: bool) -> None:
    columns = [
        Column("Extract", is_key=True),
        Column("Table", leaves=2, is_key=True),
        Column("File", leaves=3, is_key=True),
        Column("Reason", leaves=1),
        Column("Rows", is_figure=True),
        Column("Lines", leaves=5),
        *([Column("Cleared by", leaves=4, is_key=True)] if with_cleared else []),
    ]
    rows = [
        [group.extract_id, group.table_name, group.file_name, group.reason, f"{group.rows:,}", _lines(group)]
        + ([group.cleared_by or "open"] if with_cleared else [])
        for group in groups
    ]
    print_table(console, columns, rows)


def _lines(group: Group) -> str:
    more = ", ..." if group.rows > FIRST_LINES else ""
    return ", ".join(map(str, group.first_lines)) + more


def _print_refused(console: Console, refused: list[RefusedExtract], with_cleared: bool) -> None:
    cleared = [Column("Cleared by", leaves=1, is_key=True)] if with_cleared else []
    rows = [
        [extract.extract_id, extract.message] + ([extract.cleared_by or "open"] if with_cleared else [])
        for extract in refused
    ]
    print_table(console, [Column("Refused", is_key=True), Column("Why"), *cleared], rows)


def _as_of(found: Quarantine) -> list[str]:
    if found.build_id is None:
        return ["This version of harmrank has not built this home yet: every row shows as open. Run harmrank refresh."]
    if found.landed_since:
        since = ", ".join(found.landed_since)
        return [
            f"As of build {found.build_id}. Landed since: {since}. What these have cleared is not reflected yet: "
            "run harmrank refresh."
        ]
    return [f"As of build {found.build_id}."]
