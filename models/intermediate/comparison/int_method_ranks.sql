with scored as (

    select * from {{ ref('int_eligible_scores') }}

),

methods as (

    select * from {{ ref('int_compared_methods') }}

),

published_list as (

    select offender_key
    from {{ ref('int_ranked_offenders') }}
    where is_current and is_listed

),

-- Counting the people at each score places most of them: only who shares a score with somebody wanted is sorted.
levels as (

    select
        ranking_key,
        score,
        count(*) as people
    from scored
    group by ranking_key, score

),

counted_levels as (

    select
        ranking_key,
        score,
        cast(sum(people) over (partition by ranking_key order by score desc) - people as bigint) as people_ahead,
        cast(sum(people) over (partition by ranking_key) as bigint) as ranked_offenders
    from levels

),

levels_of_published_list as (

    select distinct
        scored.ranking_key,
        scored.score
    from scored
    inner join published_list
        on scored.offender_key = published_list.offender_key

),

wanted_levels as (

    select counted_levels.*
    from counted_levels
    inner join methods
        on counted_levels.ranking_key = methods.ranking_key
    left join levels_of_published_list
        on
            counted_levels.ranking_key = levels_of_published_list.ranking_key
            and counted_levels.score = levels_of_published_list.score
    where
        methods.is_published
        or counted_levels.people_ahead < methods.list_size
        or levels_of_published_list.score is not null

),

ranked as (

    select
        scored.*,
        wanted_levels.ranked_offenders,
        wanted_levels.people_ahead + row_number() over (
            partition by scored.ranking_key, scored.score
            order by {{ ranking_order() }}
        ) as method_rank,
        count(*) over (
            partition by scored.ranking_key, scored.score, {{ ranking_columns() | join(', ') }}
        ) > 1 as is_tied
    from scored
    inner join wanted_levels
        on
            scored.ranking_key = wanted_levels.ranking_key
            and scored.score = wanted_levels.score

),

final as (

    select
        methods.list_date,
        methods.ranking_key,
        methods.method,
        methods.turned_rule,
        methods.turned_to,
        methods.is_published,
        ranked.offender_key,
        ranked.method_rank,
        ranked.method_rank <= methods.list_size as is_listed,
        ranked.is_tied,
        ranked.score,
        ranked.harm_days,
        ranked.allegations,
        ranked.unweighted_allegations,
        ranked.female_victims,
        ranked.latest_reported_on,
        ranked.ranked_offenders
    from ranked
    inner join methods
        on ranked.ranking_key = methods.ranking_key
    where
        methods.is_published
        or ranked.method_rank <= methods.list_size
        or ranked.offender_key in (select published_list.offender_key from published_list)

)

select * from final
