with methods as (

    select * from {{ ref('int_compared_methods') }}

),

comparisons as (

    select * from {{ ref('int_method_overlaps') }}

),

final as (

    select
        cast(methods.list_date as date) as list_date,
        cast(methods.method as string) as method,
        cast(methods.title as string) as title,
        cast(methods.is_published as boolean) as is_published,
        cast(methods.is_illustrative as boolean) as is_illustrative,
        cast(methods.harm_index as string) as harm_index,
        cast(case when methods.scoring = 'points' then 'points' else methods.harm_unit end as string) as score_unit,
        cast(comparisons.ranked_offenders as integer) as ranked_offenders,
        cast(comparisons.listed_offenders as integer) as listed_offenders,
        cast(comparisons.on_both_lists as integer) as on_both_lists,
        cast(comparisons.only_on_this_list as integer) as only_on_this_list,
        cast(comparisons.only_on_published_list as integer) as only_on_published_list,
        cast(comparisons.jaccard as double) as jaccard,
        cast(comparisons.rank_correlation as double) as rank_correlation
    from methods
    inner join comparisons
        on methods.ranking_key = comparisons.ranking_key
    where methods.turned_rule is null

)

select * from final
