-- One row per area and month.
with classed as (

    select
        date_trunc('month', reported_on)::date as month,
        coalesce(area_code, 'unknown') as area_code,
        harm_days,
        is_detected,
        case
            when reported_by = 'police' then 'proactive'
            when reported_by = 'company' then 'company'
            when extract(year from last_committed_on) < extract(year from reported_on) then 'historic'
            else 'current'
        end as series
    from method.crimes
    where
        reported_on <= date '$list_date'
        and (cancelled_on is null or cancelled_on > date '$list_date')

)

select
    month,
    area_code,
    count(*)::integer as crimes,
    coalesce(sum(case when series = 'current' then harm_days end), 0)::double as harm_days,
    coalesce(sum(case when series = 'historic' then harm_days end), 0)::double as historic_harm_days,
    coalesce(sum(case when series = 'proactive' then harm_days end), 0)::double as proactive_harm_days,
    coalesce(sum(case when series = 'company' then harm_days end), 0)::double as company_harm_days,
    coalesce(sum(case when series = 'current' and is_detected then harm_days end), 0)::double as detected_harm_days
from classed
group by month, area_code
