{#- The columns of a method's conditions, and the type of each. -#}
{%- set conditions = {
    'harm_index': 'string',
    'weight_choice': 'string',
    'window_days': 'integer',
    'offender_sexes': 'string',
    'victim_sexes': 'string',
    'vawg_scopes': 'string',
    'statuses': 'string',
    'reported_by': 'string',
    'minimum_age': 'integer',
    'minimum_allegations': 'integer',
    'minimum_female_victims': 'integer',
    'historic_reports': 'string',
    'historic_after_days': 'integer',
    'custody': 'string',
    'deceased': 'string',
} -%}
{%- set rest = [
    'list_size', 'scoring', 'recency_percent', 'frequency_percent', 'gravity_percent', 'victims_percent',
] -%}
{#- Those that decide, beside the index, what counts and what it weighs. -#}
{%- set limits = ['harm_index', 'minimum_allegations', 'minimum_female_victims'] -%}
{%- set counting = conditions | list | reject('in', limits) | list -%}
with builds as (

    select * from {{ ref('int_build') }}

),

methods as (

    select * from {{ ref('ranking_methods') }}

),

turns as (

    select * from {{ ref('rule_turns') }}

),

indices as (

    select * from {{ ref('int_harm_indices') }}

),

as_they_are as (

    select
        method as ranking_key,
        method,
        title,
        is_illustrative,
        cast(null as string) as turned_rule,
        cast(null as string) as turned_from,
        cast(null as string) as turned_to,
        {{ (conditions | list + rest) | join(',\n        ') }}
    from methods

),

-- The published method with one condition changed.
turnable as (

    select
        methods.*,
        turns.rule as turned_rule,
        turns.title as first_title,
        turns.otherwise_title,
        case turns.rule
            {%- for condition in conditions %}
            when '{{ condition }}' then cast(methods.{{ condition }} as string)
            {%- endfor %}
        end as turned_from,
        turns.turned_to as first_choice,
        turns.otherwise
    from methods
    inner join builds
        on methods.method = builds.method
    cross join turns

),

turned as (

    select
        *,
        case when turned_from = first_choice then otherwise else first_choice end as turned_to,
        case when turned_from = first_choice then otherwise_title else first_title end as turned_title
    from turnable

),

with_one_turned as (

    select
        method || ', ' || turned_rule || ': ' || turned_to as ranking_key,
        method,
        turned_title as title,
        is_illustrative,
        turned_rule,
        turned_from,
        turned_to,
        {%- for condition, type in conditions.items() %}
        case when turned_rule = '{{ condition }}' then cast(turned_to as {{ type }}) else {{ condition }} end
            as {{ condition }},
        {%- endfor %}
        {{ rest | join(',\n        ') }}
    from turned

),

compared as (

    select * from as_they_are
    union all
    select * from with_one_turned

),

final as (

    select
        compared.*,
        builds.list_date,
        indices.flat_harm_days,
        indices.unit as harm_unit,
        compared.turned_rule is null and compared.method = builds.method as is_published,
        -- A set of these is one number of 64 bits; a 64th way to count is out of its range and stops the build.
        cast(power(2, dense_rank() over (
            order by
                {%- for condition in counting %}
                compared.{{ condition }},
                {%- endfor %}
                compared.harm_index
        ) - 1) as bigint) as counting_bit
    from compared
    cross join builds
    inner join indices
        on compared.harm_index = indices.harm_index

)

select * from final
