"""The warnings that a published list carries in its manifest."""

from __future__ import annotations

from collections.abc import Sequence

from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine.clock import utc_now
from harmrank.refreshing.request import Request

_DAYS = 31
"""A list warns of what was found in the extracts of the last month. Older findings are in data_defects only."""


def collect(home: Home, request: Request, late: Sequence[str], from_build: list[str]) -> list[str]:
    """Returns the warnings of a build: its dates, `late` extracts, findings about recent extracts, and `from_build`."""
    return [*_dates(request), *_late(late), *_extracts(home), *from_build]


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


def _extracts(home: Home) -> list[str]:
    """Returns one sentence for each check that extracts of the last month did not pass, about the newest of them."""
    with warehouse.connect(home, read_only=True) as connection:
        rows = connection.execute(
            "select table_name, sentence, max(extract_id), count(*), arg_max(rows_unexpected, extract_id), "
            "arg_max(rows_checked, extract_id) from raw.extract_checks inner join raw.extracts using (extract_id) "
            "where not passed and extract_on > (select max(extract_on) from raw.extracts) - ?::integer "
            "group by table_name, sentence order by 1, 2",
            [_DAYS],
        ).fetchall()
    warnings = []
    for table, sentence, newest, extracts, unexpected, checked in rows:
        share = f"{unexpected:,} of {checked:,} rows of " if unexpected else ""
        earlier = f" (and {extracts - 1} before)" if extracts > 1 else ""
        warnings.append(f"{table}: {sentence}: not true for {share}extract {newest}{earlier}")
    return warnings
