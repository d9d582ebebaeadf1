with ranked as (

    select * from {{ ref('offender_harm') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

placed as (

    select
        harm_rank,
        is_listed,
        is_tied,
        row_number() over (order by {{ ranking_order() }}) as place,
        count(*) over (partition by {{ ranking_columns() | join(', ') }}) > 1 as has_an_equal
    from ranked

),

final as (

    select
        placed.harm_rank,
        placed.place
    from placed
    cross join rules
    where
        placed.harm_rank <> placed.place
        or placed.is_tied <> placed.has_an_equal
        or placed.is_listed <> (placed.place <= rules.list_size)

)

select * from final
