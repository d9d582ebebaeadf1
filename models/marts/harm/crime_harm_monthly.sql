with crimes as (

    select * from {{ ref('int_weighted_crimes') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

forces as (

    select * from {{ ref('int_force_extracts') }}

),

-- Until when the data is known of every force.
covered as (

    select least(rules.list_date, min(forces.newest_extract_on)) as covered_until
    from rules
    cross join forces
    group by rules.list_date

),

-- The consensus keeps these series apart: what the police or a company finds depends on what they look for.
classed as (

    select
        cast(date_trunc('month', crimes.reported_on) as date) as month,
        coalesce(crimes.area_code, 'unknown') as area_code,
        crimes.harm_days,
        crimes.is_detected,
        case
            when crimes.reported_by = 'police' then 'proactive'
            when crimes.reported_by = 'company' then 'company'
            when extract(year from crimes.last_committed_on) < extract(year from crimes.reported_on) then 'historic'
            else 'current'
        end as series
    from crimes
    cross join rules
    where
        crimes.reported_on <= rules.list_date
        and {{ is_on_record('crimes.cancelled_on', 'rules.list_date') }}

),

summed as (

    select
        month,
        area_code,
        count(*) as crimes,
        sum(case when harm_days is null then 1 else 0 end) as unweighted_crimes,
        sum(case when series = 'current' then harm_days end) as harm_days,
        sum(case when series = 'historic' then harm_days end) as historic_harm_days,
        sum(case when series = 'proactive' then harm_days end) as proactive_harm_days,
        sum(case when series = 'company' then harm_days end) as company_harm_days,
        sum(case when series = 'current' and is_detected then harm_days end) as detected_harm_days
    from classed
    group by month, area_code

),

-- Before a force's records begin, or where an extract was never sent, a month has stray reports only: a few per cent of
-- the usual. No real month, however quiet, falls to a tenth.
months as (

    select
        month,
        sum(crimes) as crimes
    from summed
    group by month

),

usual as (

    select median(crimes) / 10 as fewest_crimes
    from months

),

final as (

    select
        cast(summed.month as date) as month,
        cast(summed.area_code as string) as area_code,
        cast(
            last_day(summed.month) <= covered.covered_until and months.crimes >= usual.fewest_crimes as boolean
        ) as is_complete,
        cast(summed.crimes as integer) as crimes,
        cast(summed.unweighted_crimes as integer) as unweighted_crimes,
        cast(coalesce(summed.harm_days, 0) as double) as harm_days,
        cast(coalesce(summed.historic_harm_days, 0) as double) as historic_harm_days,
        cast(coalesce(summed.proactive_harm_days, 0) as double) as proactive_harm_days,
        cast(coalesce(summed.company_harm_days, 0) as double) as company_harm_days,
        cast(coalesce(summed.detected_harm_days, 0) as double) as detected_harm_days,
        cast(coalesce(summed.detected_harm_days, 0) / nullif(summed.harm_days, 0) as double) as detected_share
    from summed
    inner join months
        on summed.month = months.month
    cross join covered
    cross join usual

)

select * from final
