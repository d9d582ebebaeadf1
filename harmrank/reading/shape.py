"""Reads the shape of a feed from the published build: how its harm is distributed, beside published figures."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from harmrank.home.folder import Home
from harmrank.machine import duck
from harmrank.reading.published_mart import open_mart

_V100 = "Metropolitan Police, V100"
_FELONIOUS_FEW = "Liggins, Ratcliffe & Bland 2019"


@dataclass(frozen=True)
class Figure:
    """One figure: its name, its value in this feed (None if unknown) as number and text, the published value and its source."""

    name: str
    value: float | None
    text: str
    published: str
    source: str


_OFFENDERS = """
    select
        count(*) as offenders,
        avg((coalesce(harm_days, 0) <= 11)::integer) as low_share,
        (select share_of_offenders from mart.harm_concentration where share_of = 'harm' and per_cent = 80) as few_share
    from mart.offender_harm
"""
_HUNDRED = """
    select
        avg(harm_days), avg(allegations), avg(female_victims), min(harm_days),
        sum(harm_days_charged + harm_days_convicted) / nullif(sum(harm_days), 0),
        sum(harm_days_closed_without_charge) / nullif(sum(harm_days), 0)
    from mart.top_100
"""
_RAPE = """
    select count(distinct offender_key) / nullif((select count(*) from mart.top_100), 0)
    from mart.top_100_evidence where offence ilike '%rape%'
"""
# Each list with the share of people who were not on the list of the same month a year earlier, newest first.
_NEW = """
    with dates as (select distinct list_date from mart.list_history),
    pairs as (
        select now.list_date, before.list_date as year_before
        from dates as now
        inner join dates as before
            on date_trunc('month', before.list_date) = date_trunc('month', now.list_date) - interval 1 year
    )
    select pairs.list_date, avg((earlier.offender_key is null)::integer) as new_share
    from pairs
    inner join mart.list_history as places on pairs.list_date = places.list_date
    left join mart.list_history as earlier
        on pairs.year_before = earlier.list_date and places.offender_key = earlier.offender_key
    group by pairs.list_date
    order by pairs.list_date desc
"""


def measure(home: Home) -> list[Figure]:
    """Returns the figures of the published build. Raises UsageError if nothing has been published."""
    with open_mart(home) as connection:
        return [*_offender_figures(connection), *_hundred_figures(connection), *_new_figures(connection)]


def _offender_figures(connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    offenders, low, few = duck.one_row(connection, _OFFENDERS)
    return [
        Figure("offenders ranked, last 365 days", offenders, f"{offenders:,}", "about 36,000", _V100),
        _share("share of offenders with 11 days or fewer", low, "half", _V100),
        _share("share of offenders with 80 % of the harm", few, "7 %", _FELONIOUS_FEW),
    ]


def _hundred_figures(connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    mean, allegations, victims, least, charged, closed = duck.one_row(connection, _HUNDRED)
    rape = duck.one_value(connection, _RAPE)
    return [
        _number("the hundred: mean harm in days", mean, 0, "about 4,750", _V100),
        _number("the hundred: least harm in days", least, 0, "not published", ""),
        _share("the hundred: harm charged or convicted", charged, "not published", ""),
        _share("the hundred: harm closed without charge", closed, "not published", ""),
        _number("the hundred: allegations each", allegations, 2, "4 to 5", _V100),
        _number("the hundred: women and girls each", victims, 2, "2", _V100),
        _share("the hundred: accused of rape", rape, "about three quarters", _V100),
    ]


def _new_figures(connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    lists = connection.execute(_NEW).fetchall()
    december = next((line for line in lists if line[0].month == 12), None)
    shown = [line for line in lists[:1] if line != december] + ([december] if december else [])
    if not shown:
        return [_share("list: new since a year before", None, "over 95 %", _FELONIOUS_FEW)]
    return [
        _share(f"list of {on:%B %Y}: new since a year before", new, "over 95 %", _FELONIOUS_FEW) for on, new in shown
    ]


def _share(name: str, value: float | None, published: str, source: str) -> Figure:
    return Figure(name, value, "-" if value is None else f"{100 * value:.1f} %", published, source)


def _number(name: str, value: float | None, decimals: int, published: str, source: str) -> Figure:
    return Figure(name, value, "-" if value is None else f"{value:,.{decimals}f}", published, source)
