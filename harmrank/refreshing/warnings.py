"""The warnings that a published list carries in its manifest."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine.clock import utc_now
from harmrank.publishing import current_build
from harmrank.refreshing.request import Request
from harmrank.text.wording import plural

_DAYS = 31
"""A list warns of what was found in the extracts of the last month, and in those that are new to it. Older findings are in
data_defects only."""


def collect(home: Home, request: Request, late: Sequence[str], from_build: list[str]) -> list[str]:
    """Returns the warnings of a build: its dates, `late` extracts, findings about recent extracts, and `from_build`."""
    current = current_build.manifest_if_whole(home)
    return [*_dates(request), *_late(late), *_extracts(home, current["extracts"] if current else []), *from_build]


def _dates(request: Request) -> list[str]:
    """Returns what is unusual about the dates of the list."""
    newest, today = max(request.extracts)[:10], utc_now().date()
    warnings = []
    if request.list_date > today:
        warnings.append(
            f"the list date {request.list_date} is in the future: check it, and the id of the newest extract"
        )
    elif str(request.list_date) > newest:
        warnings.append(
            f"the list date {request.list_date} is later than the newest extract ({newest}): reports may be missing"
        )
    if request.known_at and request.known_at >= today:
        warnings.append(f"{request.known_at} is not over: extracts that come later that day will change this list")
    return warnings


def _late(extracts: Sequence[str]) -> list[str]:
    """Returns the warning that a past list differs from the list that was published at that time."""
    if not extracts:
        return []
    listed = ", ".join(extracts[:3]) + (f" and {len(extracts) - 3} more" if len(extracts) > 3 else "")
    return [f"{listed} landed here after later extracts: lists published here before that did not include it"]


def _extracts(home: Home, published: Collection[str]) -> list[str]:
    """Returns one sentence for each check that recent extracts did not pass, about the one with the largest share.

    Recent are those of the last month and, whatever their date, those that the `published` list was not made from.
    """
    with warehouse.connect(home, read_only=True) as connection:
        rows = connection.execute(
            "with failed as (select *, coalesce(rows_unexpected / nullif(rows_checked, 0), 1) as share "
            "from raw.extract_checks inner join raw.extracts using (extract_id) "
            "where not passed and (extract_on > (select max(extract_on) from raw.extracts) - ?::integer "
            "or extract_id not in (select unnest(?::varchar[])))) "
            "select table_name, sentence, count(*), max((share, rows_unexpected, extract_id, rows_checked)) "
            "from failed group by table_name, sentence order by 1, 2",
            [_DAYS, list(published)],
        ).fetchall()
    warnings = []
    for table, sentence, extracts, (_, unexpected, extract_id, checked) in rows:
        share = f"{unexpected:,} of {checked:,} rows of " if unexpected else ""
        others = f" (and {plural(extracts - 1, 'other extract')})" if extracts > 1 else ""
        warnings.append(f"{table}: {sentence}: not true for {share}extract {extract_id}{others}")
    return warnings
