with places as (

    select * from {{ ref('top_100') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

earlier as (

    select
        history.list_date,
        history.offender_key,
        history.harm_rank
    from {{ ref('list_history') }} as history
    cross join rules
    where history.list_date < rules.list_date

),

month_before as (

    select max(list_dates.list_date) as list_date
    from {{ ref('int_list_dates') }} as list_dates
    cross join rules
    where list_dates.is_monthly and list_dates.list_date < rules.list_date

),

remembered as (

    select
        earlier.offender_key,
        count(*) as months,
        max(case when earlier.list_date = month_before.list_date then earlier.harm_rank end) as harm_rank
    from earlier
    cross join month_before
    group by earlier.offender_key

),

final as (

    select
        places.harm_rank,
        places.previous_rank,
        places.months_on_list
    from places
    left join remembered
        on places.offender_key = remembered.offender_key
    where
        places.previous_rank is distinct from remembered.harm_rank
        or places.months_on_list <> coalesce(remembered.months, 0) + 1

)

select * from final
