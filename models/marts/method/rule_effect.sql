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
        cast(methods.turned_rule as string) as turned_rule,
        cast(methods.turned_to as string) as turned_to,
        cast(methods.turned_from as string) as turned_from,
        cast(methods.title as string) as title,
        cast(comparisons.published_ranked_offenders as integer) as ranked_offenders,
        cast(comparisons.ranked_offenders as integer) as ranked_offenders_turned,
        cast(comparisons.only_on_this_list as integer) as would_enter,
        cast(comparisons.only_on_published_list as integer) as would_leave,
        cast(comparisons.jaccard as double) as jaccard,
        cast(comparisons.rank_correlation as double) as rank_correlation
    from methods
    inner join comparisons
        on methods.ranking_key = comparisons.ranking_key
    where methods.turned_rule is not null

)

select * from final
