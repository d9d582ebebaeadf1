with methods as (

    select * from {{ ref('int_compared_methods') }}

),

ranks as (

    select * from {{ ref('int_method_ranks') }}

),

published as (

    select *
    from ranks
    where is_published

),

turned as (

    select *
    from methods
    where turned_rule is not null

),

would_enter as (

    select
        turned.ranking_key,
        ranks.offender_key,
        true as is_entering
    from turned
    inner join ranks
        on turned.ranking_key = ranks.ranking_key
    left join published
        on ranks.offender_key = published.offender_key
    where ranks.is_listed and not coalesce(published.is_listed, false)

),

would_leave as (

    select
        turned.ranking_key,
        published.offender_key,
        false as is_entering
    from turned
    cross join published
    left join ranks
        on
            turned.ranking_key = ranks.ranking_key
            and published.offender_key = ranks.offender_key
    where published.is_listed and not coalesce(ranks.is_listed, false)

),

moved as (

    select * from would_enter
    union all
    select * from would_leave

),

final as (

    select
        cast(turned.list_date as date) as list_date,
        cast(turned.turned_rule as string) as turned_rule,
        cast(turned.turned_to as string) as turned_to,
        cast(moved.offender_key as string) as offender_key,
        cast(moved.is_entering as boolean) as is_entering,
        cast(published.method_rank as integer) as harm_rank,
        cast(ranks.method_rank as integer) as harm_rank_turned,
        cast(published.harm_days as double) as harm_days,
        cast(ranks.harm_days as double) as harm_days_turned
    from moved
    inner join turned
        on moved.ranking_key = turned.ranking_key
    left join published
        on moved.offender_key = published.offender_key
    left join ranks
        on
            moved.ranking_key = ranks.ranking_key
            and moved.offender_key = ranks.offender_key

)

select * from final
