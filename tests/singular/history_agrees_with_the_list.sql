with places as (

    select * from {{ ref('top_100') }}

),

monthly as (

    select * from {{ ref('list_history') }}

),

final as (

    select
        monthly.list_date,
        monthly.harm_rank
    from monthly
    inner join places
        on
            monthly.list_date = places.list_date
            and monthly.harm_rank = places.harm_rank
    where
        monthly.offender_key <> places.offender_key
        or monthly.harm_days <> places.harm_days

)

select * from final
