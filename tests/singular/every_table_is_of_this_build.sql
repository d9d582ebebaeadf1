with builds as (

    select
        count(*) as builds,
        max(list_date) as list_date
    from {{ ref('build_info') }}

),

list_dates as (

    select list_date from {{ ref('top_100') }}
    union
    select list_date from {{ ref('top_100_evidence') }}
    union
    select list_date from {{ ref('offender_harm') }}
    union
    select list_date from {{ ref('method_comparison') }}
    union
    select list_date from {{ ref('method_lists') }}
    union
    select list_date from {{ ref('rule_effect') }}
    union
    select list_date from {{ ref('rule_effect_people') }}
    union
    select list_date from {{ ref('offender_evidence') }}
    union
    select list_date from {{ ref('unclassified_allegations') }}
    union
    select list_date from {{ ref('harm_concentration') }}
    union
    select list_date from {{ ref('rank_uncertainty') }}
    union
    select list_date from {{ ref('rank_boundary') }}

),

final as (

    select
        builds.builds,
        builds.list_date,
        list_dates.list_date as other_list_date
    from builds
    left join list_dates
        on builds.list_date <> list_dates.list_date
    where builds.builds <> 1 or list_dates.list_date is not null

)

select * from final
