with redrawn as (

    select * from {{ ref('rank_uncertainty') }}

),

ranked as (

    select * from {{ ref('offender_harm') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

final as (

    select
        ranked.offender_key as ranked_offender_key,
        redrawn.offender_key,
        redrawn.listed_in_redraws,
        redrawn.redrawn_rank_low,
        redrawn.redrawn_rank_high,
        redrawn.largest_allegation_share
    from redrawn
    full outer join ranked
        on redrawn.offender_key = ranked.offender_key
    cross join rules
    where
        (redrawn.offender_key is null and ranked.is_listed)
        or (
            redrawn.offender_key is not null
            and (
                ranked.offender_key is null
                or redrawn.list_date <> ranked.list_date
                or redrawn.harm_rank <> ranked.harm_rank
                or redrawn.is_listed <> ranked.is_listed
                or redrawn.listed_in_redraws not between 0 and 1
                or redrawn.redrawn_rank_low < 1
                or redrawn.redrawn_rank_low > redrawn.redrawn_rank_high
                or (redrawn.redrawn_rank_high <= rules.list_size and redrawn.listed_in_redraws < 0.95)
                or (redrawn.redrawn_rank_low > rules.list_size and redrawn.listed_in_redraws >= 0.05)
                or redrawn.largest_allegation_share not between 0 and 1
                or (redrawn.largest_allegation_share is null) <> (ranked.harm_days = 0)
                or (redrawn.is_listed_without_largest and not ranked.is_listed)
            )
        )

)

select * from final
