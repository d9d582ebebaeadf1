{#- The list of the published method and what the comparison says of it; and who moves by a turned condition. -#}
with of_the_published as (

    select *
    from {{ ref('method_comparison') }}
    where is_published

),

moves as (

    select
        turned_rule,
        turned_to,
        sum(case when is_entering then 1 else 0 end) as would_enter,
        sum(case when is_entering then 0 else 1 end) as would_leave
    from {{ ref('rule_effect_people') }}
    group by turned_rule, turned_to

),

listed as (

    select
        method,
        count(*) as places,
        sum(case when is_on_published_list then 1 else 0 end) as on_both_lists
    from {{ ref('method_lists') }}
    group by method

)

select
    'method_comparison' as table_name,
    comparison.method as said_of
from {{ ref('method_comparison') }} as comparison
left join listed
    on comparison.method = listed.method
where
    comparison.listed_offenders <> coalesce(listed.places, 0)
    or comparison.on_both_lists <> coalesce(listed.on_both_lists, 0)

union all

select
    'rule_effect' as table_name,
    effects.turned_rule || ': ' || effects.turned_to as said_of
from {{ ref('rule_effect') }} as effects
left join moves
    on
        effects.turned_rule = moves.turned_rule
        and effects.turned_to = moves.turned_to
where
    effects.would_enter <> coalesce(moves.would_enter, 0)
    or effects.would_leave <> coalesce(moves.would_leave, 0)

union all

select
    'published' as table_name,
    'the published list is not the whole of itself' as said_of
from of_the_published
where only_on_this_list + only_on_published_list <> 0
