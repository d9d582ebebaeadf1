with allegations as (

    select * from {{ ref('int_weighted_allegations') }}

),

list_dates as (

    select * from {{ ref('int_list_dates') }}

),

final as (

    select
        list_dates.list_date,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.offence_code,
        allegations.reported_on,
        allegations.status
    from allegations
    inner join list_dates
        on
            allegations.reported_on <= list_dates.list_date
            and allegations.reported_on > list_dates.window_starts_after
    where
        list_dates.is_current
        and not allegations.is_known_offence
        and allegations.has_counted_victim
        and allegations.is_counted_reporter
        and allegations.is_counted_status
        and allegations.is_counted_sex
        and {{ stands_on('allegations.cancelled_on', 'list_dates.list_date') }}

)

select * from final
