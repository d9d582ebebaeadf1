-- One row per list: every month end since the first allegation, and the list date.
with months as (

    select
        unnest(generate_series(
            date_trunc('month', min(reported_on)), date_trunc('month', date '$list_date'), interval '1' month
        )) as month_start
    from method.allegations
    where reported_on >= date '$list_date' - 43830

)

select last_day(month_start) as list_date
from months
where last_day(month_start) <= date '$list_date'
union
select date '$list_date' as list_date
