"""The warnings that a list carries in its manifest, and the reasons that make it wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from harmrank.home import warehouse
from harmrank.home.folder import Home
from harmrank.machine.clock import utc_now
from harmrank.publishing import current_build
from harmrank.refreshing.request import Request
from harmrank.text.wording import plural

_DAYS = 31
"""A list warns of what was found in the extracts of the last month, and in those that are new to it. Older findings are in
data_defects only."""


# A force or table is silent if it is later than twice its usual interval, and later than it ever was in its last dozen. A
# missed delivery makes twice the interval; months and holidays make some days more. Three intervals show a rhythm. After a
# year its crimes have left the window: then it has left for good, and saying it again helps nobody.
_INTERVALS, _LEAST_INTERVALS, _GRACE_DAYS, _FORGOTTEN_DAYS = 12, 3, 7, 365
_AHEAD_OF_UTC = timedelta(days=1)
"""No place is a whole day ahead of UTC: an extract of tomorrow's date may have been taken by local time."""


def collect(home: Home, request: Request, late: Sequence[str], from_build: list[str]) -> list[str]:
    """Returns the warnings of a build: its day, `late` extracts, findings about recent extracts, and `from_build`."""
    current = current_build.manifest_if_whole(home)
    return [*_day(request), *_late(late), *_extracts(home, current["extracts"] if current else []), *from_build]


def silent(home: Home, request: Request) -> list[str]:
    """Returns one sentence for each force, or force and tables, of which nothing has landed for long, by its own rhythm."""
    with warehouse.connect(home, read_only=True) as connection:
        rows = connection.execute(
            """
            with extracts as (select * from raw.extracts where extract_id in (select unnest($extracts::varchar[]))),
            days as (
                select distinct force, table_name, extract_on from raw.extract_forces inner join extracts using (extract_id)
            ),
            spaced as (
                select *, extract_on - lag(extract_on) over of_table as days, row_number() over (of_table) as number,
                    count(*) over (partition by force, table_name) as all_days
                from days window of_table as (partition by force, table_name order by extract_on)
            ),
            rhythm as (
                select force, table_name, max(extract_on) as last_on, median(days) as usual, max(days) as longest
                from spaced where number > all_days - $intervals
                group by force, table_name having count(days) >= $least_intervals
            ),
            late as (
                select *, (select max(extract_on) from extracts) - last_on as days_ago from rhythm
                where days_ago > greatest(2 * usual, longest) + $grace and days_ago <= $forgotten
            )
            select force, last_on, days_ago, max(usual), list(table_name order by table_name),
                last_on = (select max(extract_on) from days where days.force = late.force)
            from late group by force, last_on, days_ago order by force, last_on
            """,
            {
                "extracts": request.extracts,
                "intervals": _INTERVALS,
                "least_intervals": _LEAST_INTERVALS,
                "grace": _GRACE_DAYS,
                "forgotten": _FORGOTTEN_DAYS,
            },
        ).fetchall()
    sentences = []
    for force, last_on, days, usual, tables, is_all in rows:
        where = "" if is_all else f" in {' or '.join(tables)}"
        sentences.append(
            f"nothing of {force}{where} has landed since {last_on}, {days:,} days before the newest extract; usually it comes "
            f"every {plural(round(usual), 'day')}: ask its supplier"
        )
    return sentences


def to_withhold(home: Home, request: Request, compared: bool) -> list[str]:
    """Returns why a list must wait until somebody publishes it on purpose: its date, or that nobody can compare it.

    `compared` says whether a published list was there to compare it with. What its content shows is in
    expectations/door_out.
    """
    newest, reasons = max(request.extracts)[:10], []
    if request.list_date > utc_now().date() + _AHEAD_OF_UTC:
        reasons.append(
            f"the list date {request.list_date} is in the future: check the id of the newest extract, or name the day "
            "with --list-date"
        )
    elif str(request.list_date) > newest:
        reasons.append(
            f"the list date {request.list_date} is later than the newest extract ({newest}): reports may be missing"
        )
    waiting = current_build.waiting(home)
    if waiting and not compared and current_build.manifest_if_whole(home):
        reasons.append(
            f"no published list is near enough to compare it with, and the list for {waiting.list_date} still waits"
        )
    return reasons


def _day(request: Request) -> list[str]:
    """Returns the warning that the day of a past list is not over."""
    if request.known_at and request.known_at >= utc_now().date():
        return [f"{request.known_at} is not over: extracts that come later that day will change this list"]
    return []


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
