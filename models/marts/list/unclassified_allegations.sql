with allegations as (

    select * from {{ ref('int_weighted_allegations') }}

),

list_dates as (

    select * from {{ ref('int_list_dates') }}

),

final as (

    select
        cast(list_dates.list_date as date) as list_date,
        cast(allegations.offender_key as string) as offender_key,
        cast(allegations.force as string) as force,
        cast(allegations.crime_ref as string) as crime_ref,
        cast(allegations.offence_code as string) as offence_code,
        cast(allegations.reported_on as date) as reported_on,
        cast(allegations.status as string) as status
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
        and {{ is_on_record('allegations.cancelled_on', 'list_dates.list_date') }}

)

select * from final
