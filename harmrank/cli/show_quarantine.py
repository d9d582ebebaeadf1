"""The output of `quarantine` for people. Layout only."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harmrank.reading.quarantine import FIRST_LINES, Group, Quarantine, RefusedExtract
from harmrank.text.printable import printable
from harmrank.text.wording import plural

WHAT_TO_DO = (
    "Send a corrected extract with a later id: it clears rows with the same key. To clear rows without a readable key, "
    'name their extract in the extract.json of the new one: "corrects": ["EXTRACT_ID"].'
)


def print_quarantine(console: Console, found: Quarantine, with_cleared: bool) -> None:
    """Prints rows by file and reason, refused extracts, the build they are as of, and what to do."""
    rows = sum(group.rows for group in found.groups)
    if found.groups:
        console.print(_table(found.groups, with_cleared))
    if found.refused:
        console.print(_refused_table(found.refused, with_cleared))
    is_open = "" if with_cleared else "open "
    console.print(
        f"{plural(rows, f'{is_open}row')} and {plural(len(found.refused), f'{is_open}refused extract')} in quarantine."
    )
    for line in _as_of(found):
        console.print(Text(line))
    if None in {group.cleared_by for group in found.groups} | {extract.cleared_by for extract in found.refused}:
        console.print(Text(WHAT_TO_DO))


def _table(groups: list[Group], with_cleared: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("Extract", "Table", "File"):
        table.add_column(heading, overflow="fold")
    table.add_column("Reason", overflow="fold", ratio=1)
    table.add_column("Rows", justify="right")
    table.add_column("Lines", overflow="fold")
    if with_cleared:
        table.add_column("Cleared by", overflow="fold")
    for group in groups:
        cells = [group.extract_id, group.table_name, group.file_name, group.reason, f"{group.rows:,}", _lines(group)]
        table.add_row(*_texts(cells + ([group.cleared_by or "open"] if with_cleared else [])))
    return table


def _lines(group: Group) -> str:
    more = ", ..." if group.rows > FIRST_LINES else ""
    return ", ".join(map(str, group.first_lines)) + more


def _refused_table(refused: list[RefusedExtract], with_cleared: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("Refused", overflow="fold")
    table.add_column("Why", overflow="fold", ratio=1)
    if with_cleared:
        table.add_column("Cleared by", overflow="fold")
    for extract in refused:
        cells = [extract.extract_id, extract.message]
        table.add_row(*_texts(cells + ([extract.cleared_by or "open"] if with_cleared else [])))
    return table


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


def _texts(cells: list[str]) -> list[Text]:
    """Returns cells without markup or control characters."""
    return [Text(printable(cell)) for cell in cells]
