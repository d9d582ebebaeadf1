with history as (

    select
        list_date,
        harm_rank,
        harm_days,
        lag(harm_days) over (partition by list_date order by harm_rank) as harm_days_of_the_place_before
    from {{ ref('list_history') }}

),

final as (

    select
        list_date,
        harm_rank
    from history
    where harm_days > harm_days_of_the_place_before

)

select * from final
