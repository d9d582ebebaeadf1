with history as (

    select
        list_date,
        max(harm_rank) as last_rank,
        count(*) as places
    from {{ ref('list_history') }}
    group by list_date

),

listed as (

    select
        list_date,
        count(*) as people
    from {{ ref('int_ranked_offenders') }}
    where is_monthly and is_listed
    group by list_date

),

rules as (

    select * from {{ ref('int_rules') }}

),

final as (

    select
        coalesce(history.list_date, listed.list_date) as list_date,
        history.last_rank,
        history.places,
        listed.people
    from history
    full outer join listed
        on history.list_date = listed.list_date
    cross join rules
    where
        history.last_rank > rules.list_size
        or history.last_rank <> history.places
        or history.places is distinct from listed.people

)

select * from final
