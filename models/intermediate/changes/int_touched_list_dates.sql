with list_dates as (

    select * from {{ ref('int_list_dates') }}

),

list_dates_before as (

    select distinct
        list_date,
        is_current,
        is_monthly
    from {% if only_changes() %}{{ as_last_built('int_offender_scores') }}{% else %}list_dates{% endif %}

),

-- Dates that are new, gone, or no longer (not yet) the published list.
final as (

    select distinct coalesce(list_dates.list_date, list_dates_before.list_date) as list_date
    from list_dates
    full outer join list_dates_before
        on
            list_dates.list_date = list_dates_before.list_date
            and list_dates.is_current = list_dates_before.is_current
            and list_dates.is_monthly = list_dates_before.is_monthly
    where list_dates.list_date is null or list_dates_before.list_date is null

)

select * from final
