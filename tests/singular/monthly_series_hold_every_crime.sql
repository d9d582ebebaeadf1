with months as (

    select * from {{ ref('crime_harm_monthly') }}

),

crimes as (

    select
        cast(date_trunc('month', crimes.reported_on) as date) as month,
        coalesce(crimes.area_code, 'unknown') as area_code,
        count(*) as crimes,
        sum(case when crimes.harm_days is null then 1 else 0 end) as unweighted_crimes,
        coalesce(sum(crimes.harm_days), 0) as harm_days,
        coalesce(sum(case when crimes.is_detected then crimes.harm_days end), 0) as detected_harm_days
    from {{ ref('int_weighted_crimes') }} as crimes
    cross join {{ ref('int_rules') }} as rules
    where
        crimes.reported_on <= rules.list_date
        and (crimes.cancelled_on is null or crimes.cancelled_on > rules.list_date)
    group by 1, 2

),

final as (

    select
        coalesce(months.month, crimes.month) as month,
        coalesce(months.area_code, crimes.area_code) as area_code
    from months
    full outer join crimes
        on
            months.month = crimes.month
            and months.area_code = crimes.area_code
    where
        months.month is null
        or crimes.month is null
        or months.crimes <> crimes.crimes
        or months.unweighted_crimes <> crimes.unweighted_crimes
        or months.harm_days + months.historic_harm_days + months.proactive_harm_days + months.company_harm_days
        <> crimes.harm_days
        or months.detected_share is distinct from months.detected_harm_days / nullif(months.harm_days, 0)
        or months.detected_harm_days > months.harm_days
        or months.detected_harm_days > crimes.detected_harm_days

)

select * from final
