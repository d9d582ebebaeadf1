"""Reads the rows behind the briefing from the published mart: rows unchanged, and sums of rows. Applies no rule of the method."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from harmrank.errors import HarmrankError
from harmrank.home.folder import Home
from harmrank.publishing.current_build import NAMES_ARE_CLOSED, Build, read_manifest, rolled_back_from
from harmrank.reading.published_mart import Row, attach_names, open_mart, select

LISTS_SHOWN = 13
"""Lists in charts and tables: a year, and the same month of the year before."""
MONTHS_SHOWN = 24
"""Months of recorded crime in charts and tables: two years."""
CORRECTIONS_SHOWN = 30
"""Corrections of published lists that are shown one by one, newest lists first."""


@dataclass(frozen=True)
class Facts:
    """Everything behind the paper: lists of rows of the mart in the order of the page, or single rows.

    `taken_back` is the later build that a rollback replaced by this one. `churn` is None if the data has no earlier monthly
    list. `people` has names and dates of birth by offender key; it is empty unless asked for.
    """

    build: Row
    manifest: Row
    taken_back: Build | None
    places: list[Row]
    whole: Row
    churn: Row | None
    entered: list[Row]
    left: list[Row]
    stayed_reported: list[Row]
    reasons: list[Row]
    soon_off: list[Row]
    corrections: list[Row]
    corrections_in_all: int
    boundary: list[Row]
    lists: list[Row]
    concentration: list[Row]
    months: list[Row]
    newest_files: list[Row]
    files: Row
    defects: list[Row]
    methods: list[Row]
    rules: list[Row]
    people: dict[str, Row] = field(default_factory=dict)
    lists_shown: int = LISTS_SHOWN


_BUILD = "select *, (built_at::date - list_date)::integer as days_to_build from mart.build_info"
_PLACES = """
    select
        places.*,
        redrawn.listed_in_redraws,
        redrawn.is_listed_without_largest,
        moved.places_moved
    from mart.top_100 as places
    left join mart.rank_uncertainty as redrawn using (offender_key)
    left join mart.list_movements as moved
        on places.list_date = moved.list_date and places.offender_key = moved.offender_key
    order by places.harm_rank
"""
# The list as a whole: one row, even if nobody is on it.
_WHOLE = """
    select
        count(*) as places,
        coalesce(sum(harm_days), 0) as harm_days,
        coalesce(sum(harm_days_named), 0) as harm_days_named,
        coalesce(sum(harm_days_charged), 0) as harm_days_charged,
        coalesce(sum(harm_days_convicted), 0) as harm_days_convicted,
        sum(harm_days_closed_without_charge) / nullif(sum(harm_days), 0) as share_closed_without_charge,
        coalesce(sum(allegations), 0) as allegations,
        count(*) filter (allegations = 1) as with_one_allegation,
        count(*) filter (is_in_custody) as in_custody,
        count(*) filter (is_tied) as tied,
        coalesce(sum(unweighted_allegations), 0) as unweighted_allegations,
        coalesce(sum(unclassified_allegations), 0) as unclassified_allegations,
        count(*) filter (redrawn.is_mostly_listed) as mostly_redrawn,
        count(*) filter (redrawn.is_listed_without_largest) as listed_without_largest,
        (select count(*) from mart.offender_harm) as ranked_offenders,
        (select count(*) from mart.unclassified_allegations) as unclassified_in_all
    from mart.top_100
    left join (select offender_key, is_mostly_listed, is_listed_without_largest from mart.rank_uncertainty) as redrawn
        using (offender_key)
"""
_CHURN = """
    select
        *,
        harm_days - harm_days_before as harm_days_more,
        (harm_days - harm_days_before) / nullif(harm_days_before, 0) as share_more
    from mart.list_churn
    where list_date = ?
"""
_MOVED = """
    select moved.*, redrawn.listed_in_redraws
    from mart.list_movements as moved
    left join mart.rank_uncertainty as redrawn using (offender_key)
    where moved.list_date = ? and moved.movement = ?
    order by moved.harm_rank nulls last, moved.harm_rank_before, moved.offender_key
"""
_STAYED_REPORTED = """
    select *
    from mart.list_movements
    where list_date = ? and movement = 'stayed' and allegations_reported > 0
    order by harm_rank
"""
_REASONS = """
    select movement, reason, count(*) as people
    from mart.list_movements
    where list_date = ?
    group by movement, reason
    order by movement, people desc, reason
"""
_SOON_OFF = """
    select harm_rank, offender_key, min(counts_until) as counts_until
    from mart.top_100_evidence
    where is_off_by_next_list
    group by harm_rank, offender_key
    order by harm_rank
"""
_CORRECTIONS = """
    select *, count(*) over () as in_all
    from mart.list_corrections
    order by list_date desc, correction, coalesce(harm_rank, published_harm_rank), offender_key
    limit ?
"""
_BOUNDARY = """
    select near.*, redrawn.listed_in_redraws
    from mart.rank_boundary as near
    left join mart.rank_uncertainty as redrawn using (offender_key)
    order by near.harm_rank
"""
# A list of a date within a month is only in top_100. The first list has no churn.
_LISTS = """
    with places as (
        select list_date, harm_days, harm_days_named, harm_days_charged, harm_days_convicted from mart.list_history
        where list_date < ?
        union all
        select list_date, harm_days, harm_days_named, harm_days_charged, harm_days_convicted from mart.top_100
    ),
    lists as (
        select
            list_date,
            count(*) as places,
            sum(harm_days) as harm_days,
            sum(harm_days_named) as harm_days_named,
            sum(harm_days_charged) as harm_days_charged,
            sum(harm_days_convicted) as harm_days_convicted
        from places
        group by list_date
    )
    select lists.*, churn.entered, churn.people_left, coalesce(churn.is_window_filling, true) as is_window_filling
    from lists
    left join mart.list_churn as churn using (list_date)
    order by list_date desc
    limit ?
"""
_CONCENTRATION = "select * from mart.harm_concentration order by share_of desc, per_cent"
_MONTHS = """
    select
        month,
        sum(crimes) as crimes,
        sum(harm_days) as harm_days,
        sum(detected_harm_days) as detected_harm_days,
        sum(detected_harm_days) / nullif(sum(harm_days), 0) as detected_share,
        sum(historic_harm_days) as historic_harm_days,
        sum(proactive_harm_days) as proactive_harm_days,
        sum(company_harm_days) as company_harm_days,
        not bool_and(is_complete) as is_partial
    from mart.crime_harm_monthly
    group by month
    order by month desc
    limit ?
"""
_NEWEST_FILES = """
    select *
    from mart.extract_reconciliation
    where extract_on = (select max(extract_on) from mart.extract_reconciliation) and rows_read > 0
    order by extract_id, table_name
"""
_FILES = """
    select
        count(distinct extract_id) as extracts,
        coalesce(sum(rows_read), 0) as rows_read,
        coalesce(sum(rows_quarantined), 0) as rows_quarantined,
        coalesce(sum(rows_quarantined - rows_quarantine_cleared), 0) as rows_open
    from mart.extract_reconciliation
"""
# Defects of the extracts of the newest day, beside those of the extracts of the day before.
_DEFECTS = """
    with days as (
        select distinct extract_on, dense_rank() over (order by extract_on desc) as place
        from mart.extract_reconciliation
    )
    select
        table_name,
        column_name,
        reason,
        coalesce(sum(rows_affected) filter (place = 1), 0)::bigint as rows_affected,
        coalesce(sum(rows_affected) filter (place = 2), 0)::bigint as rows_affected_before
    from mart.data_defects
    inner join days using (extract_on)
    where place <= 2
    group by table_name, column_name, reason
    order by rows_affected desc, rows_affected_before desc, table_name, column_name, reason
"""
_METHODS = "select * from mart.method_comparison order by is_published desc, jaccard desc nulls last, method"
_RULES = "select * from mart.rule_effect order by would_enter + would_leave desc, turned_rule, turned_to"
_PEOPLE = """
    select offender_key, forename, middle_names, surname, date_of_birth, birth_year
    from operational.mart.offender_people
    where is_surviving_record and offender_key in (
        select offender_key from mart.top_100
        union select offender_key from mart.rank_boundary
        union select offender_key from mart.list_corrections
        union select offender_key from mart.list_movements where list_date = ?
    )
"""


def read(home: Home, with_names: bool) -> Facts:
    """Returns everything behind the briefing on the published list. Reads names and dates of birth only if `with_names`.

    Raises UsageError if nothing has been published, HarmrankError if the build is damaged, was published by an older
    harmrank, or is replaced while it is read, or if this process may not read the names.
    """
    with open_mart(home) as mart:
        (build,) = select(mart, _BUILD)
        manifest = read_manifest(home)
        if manifest is None or manifest["build_id"] != build["build_id"]:
            raise HarmrankError("a new list was published while this one was read: run the command again")
        if with_names and not attach_names(home, mart):
            raise HarmrankError(f"{NAMES_ARE_CLOSED}: leave out --operational")
        return _facts(mart, build, manifest, rolled_back_from(home), with_names)


def _facts(
    mart: duckdb.DuckDBPyConnection, build: Row, manifest: Row, taken_back: Build | None, with_names: bool
) -> Facts:
    today = build["list_date"]
    churn = select(mart, _CHURN, [today])
    corrections = select(mart, _CORRECTIONS, [CORRECTIONS_SHOWN])
    (whole,), (files,) = select(mart, _WHOLE), select(mart, _FILES)
    return Facts(
        build=build,
        manifest=manifest,
        taken_back=taken_back,
        places=select(mart, _PLACES),
        whole=whole,
        churn=churn[0] if churn else None,
        entered=select(mart, _MOVED, [today, "entered"]),
        left=select(mart, _MOVED, [today, "left"]),
        stayed_reported=select(mart, _STAYED_REPORTED, [today]),
        reasons=select(mart, _REASONS, [today]),
        soon_off=select(mart, _SOON_OFF),
        corrections=corrections,
        corrections_in_all=corrections[0]["in_all"] if corrections else 0,
        boundary=select(mart, _BOUNDARY),
        lists=select(mart, _LISTS, [today, LISTS_SHOWN])[::-1],
        concentration=select(mart, _CONCENTRATION),
        months=select(mart, _MONTHS, [MONTHS_SHOWN])[::-1],
        newest_files=select(mart, _NEWEST_FILES),
        files=files,
        defects=select(mart, _DEFECTS),
        methods=select(mart, _METHODS),
        rules=select(mart, _RULES),
        people={row["offender_key"]: row for row in select(mart, _PEOPLE, [today])} if with_names else {},
    )
