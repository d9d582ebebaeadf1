with ranks as (

    select * from {{ ref('int_method_ranks') }}

),

methods as (

    select * from {{ ref('int_compared_methods') }}

),

published as (

    select *
    from ranks
    where is_published

),

-- Everybody on the published list, on this list or on both.
either_list as (

    select
        methods.ranking_key,
        published.offender_key
    from published
    cross join methods
    where published.is_listed

    union

    select
        ranking_key,
        offender_key
    from ranks
    where is_listed

),

sizes as (

    select
        methods.ranking_key,
        coalesce(max(ranks.ranked_offenders), 0) as ranked_offenders
    from methods
    left join ranks
        on methods.ranking_key = ranks.ranking_key
    group by methods.ranking_key

),

published_size as (

    select coalesce(max(ranked_offenders), 0) as ranked_offenders
    from published

),

-- A person whom a method does not rank comes after everybody that it ranks.
placed as (

    select
        either_list.ranking_key,
        either_list.offender_key,
        coalesce(published.is_listed, false) as is_on_published_list,
        coalesce(ranks.is_listed, false) as is_on_this_list,
        coalesce(published.method_rank, published_size.ranked_offenders + 1) as published_place,
        coalesce(ranks.method_rank, sizes.ranked_offenders + 1) as own_place
    from either_list
    inner join sizes
        on either_list.ranking_key = sizes.ranking_key
    cross join published_size
    left join published
        on either_list.offender_key = published.offender_key
    left join ranks
        on
            either_list.ranking_key = ranks.ranking_key
            and either_list.offender_key = ranks.offender_key

),

-- Ranks among the people on either list; equals share the middle of their ranks.
among_themselves as (

    select
        *,
        rank() over (partition by ranking_key order by published_place)
        + (count(*) over (partition by ranking_key, published_place) - 1) / 2.0 as published_rank,
        rank() over (partition by ranking_key order by own_place)
        + (count(*) over (partition by ranking_key, own_place) - 1) / 2.0 as own_rank
    from placed

),

comparisons as (

    select
        ranking_key,
        count(*) as on_either_list,
        sum(case when is_on_this_list then 1 else 0 end) as listed_offenders,
        sum(case when is_on_published_list and is_on_this_list then 1 else 0 end) as on_both_lists,
        sum(case when is_on_this_list and not is_on_published_list then 1 else 0 end) as only_on_this_list,
        sum(case when is_on_published_list and not is_on_this_list then 1 else 0 end) as only_on_published_list,
        corr(published_rank, own_rank) as rank_correlation
    from among_themselves
    group by ranking_key

),

final as (

    select
        sizes.ranking_key,
        sizes.ranked_offenders,
        published_size.ranked_offenders as published_ranked_offenders,
        coalesce(comparisons.listed_offenders, 0) as listed_offenders,
        coalesce(comparisons.on_both_lists, 0) as on_both_lists,
        coalesce(comparisons.only_on_this_list, 0) as only_on_this_list,
        coalesce(comparisons.only_on_published_list, 0) as only_on_published_list,
        round(comparisons.on_both_lists * 1.0 / comparisons.on_either_list, 6) as jaccard,
        case
            when
                comparisons.on_either_list > 1
                and comparisons.listed_offenders > 0
                and comparisons.on_both_lists + comparisons.only_on_published_list > 0
                then round(comparisons.rank_correlation, 6)
        end as rank_correlation
    from sizes
    cross join published_size
    left join comparisons
        on sizes.ranking_key = comparisons.ranking_key

)

select * from final
