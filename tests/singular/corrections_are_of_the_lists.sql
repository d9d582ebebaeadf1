with corrections as (

    select * from {{ ref('list_corrections') }}

),

places as (

    select
        list_date,
        offender_key,
        harm_rank,
        harm_days
    from {{ ref('list_history') }}

    union

    select
        list_date,
        offender_key,
        harm_rank,
        harm_days
    from {{ ref('top_100') }}

),

final as (

    select
        corrections.list_date,
        corrections.offender_key
    from corrections
    left join places
        on
            corrections.list_date = places.list_date
            and corrections.offender_key = places.offender_key
    where
        corrections.harm_rank is distinct from places.harm_rank
        or corrections.harm_days <> places.harm_days
        or (corrections.correction = 'added') <> (places.offender_key is not null)
        or (corrections.correction = 'removed') <> (corrections.published_harm_rank is not null)

)

select * from final
