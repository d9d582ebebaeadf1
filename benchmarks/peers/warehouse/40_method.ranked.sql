-- One row per offender and list, in order.
with women as (

    select
        counted.list_date,
        counted.offender_key,
        count(distinct victims.person_key) as female_victims
    from method.counted as counted
    inner join method.female_victims as victims
        on
            counted.force = victims.force
            and counted.crime_ref = victims.crime_ref
    group by counted.list_date, counted.offender_key

),

scores as (

    select
        list_date,
        offender_key,
        coalesce(sum(harm_days), 0) as harm_days,
        coalesce(sum(case when harm_split = 'named' then harm_days end), 0) as harm_days_named,
        coalesce(sum(case when harm_split = 'charged' then harm_days end), 0) as harm_days_charged,
        coalesce(sum(case when harm_split = 'convicted' then harm_days end), 0) as harm_days_convicted,
        count(*) as allegations,
        sum(case when harm_days is null then 1 else 0 end) as unweighted_allegations,
        min(reported_on) as first_reported_on,
        max(reported_on) as latest_reported_on
    from method.counted
    group by list_date, offender_key

)

select
    scores.*,
    women.female_victims,
    row_number() over (
        partition by scores.list_date
        order by
            scores.harm_days desc, women.female_victims desc, scores.allegations desc, scores.latest_reported_on desc,
            scores.offender_key asc
    ) as harm_rank,
    count(*) over (
        partition by
            scores.list_date, scores.harm_days, women.female_victims, scores.allegations, scores.latest_reported_on
    ) > 1 as is_tied
from scores
inner join women
    on
        scores.list_date = women.list_date
        and scores.offender_key = women.offender_key
