with list_dates as (

    select * from {{ ref('int_list_dates') }}

),

custody_periods as (

    select * from {{ ref('int_custody_periods') }}

),

final as (

    select distinct
        list_dates.list_date,
        custody_periods.person_key
    from custody_periods
    inner join list_dates
        on
            custody_periods.custody_from <= list_dates.list_date
            and (custody_periods.custody_to is null or custody_periods.custody_to > list_dates.list_date)

)

select * from final
