{%- set factors = {
    'recency': days_between('eligible.latest_reported_on', 'eligible.list_date'),
    'frequency': 'eligible.allegations',
    'gravity': 'eligible.gravest_harm_days',
    'victims': 'eligible.female_victims',
} -%}
with scores as (

    select * from {{ ref('int_method_scores') }}

),

methods as (

    select * from {{ ref('int_compared_methods') }}

),

bands as (

    select
        *,
        lead(at_least) over (partition by factor order by at_least) as below
    from {{ ref('points_bands') }}

),

eligible as (

    select
        scores.*,
        methods.list_date,
        methods.method,
        methods.turned_rule,
        methods.turned_to,
        methods.is_published,
        methods.list_size,
        methods.scoring,
        methods.recency_percent,
        methods.frequency_percent,
        methods.gravity_percent,
        methods.victims_percent
    from scores
    inner join methods
        on scores.ranking_key = methods.ranking_key
    where {{ meets_the_minimums('scores', 'methods') }}

),

factors as (
    {% for factor, value in factors.items() %}
    select
        eligible.ranking_key,
        eligible.offender_key,
        '{{ factor }}' as factor,
        {{ value }} as factor_value,
        eligible.{{ factor }}_percent as factor_percent
    from eligible
    where eligible.scoring = 'points'
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

points as (

    select
        factors.ranking_key,
        factors.offender_key,
        sum(bands.points * factors.factor_percent) as points
    from factors
    inner join bands
        on
            factors.factor = bands.factor
            and factors.factor_value >= bands.at_least
            and (bands.below is null or factors.factor_value < bands.below)
    group by factors.ranking_key, factors.offender_key

),

scored as (

    select
        eligible.*,
        case when eligible.scoring = 'points' then coalesce(points.points, 0) else eligible.harm_days end as score
    from eligible
    left join points
        on
            eligible.ranking_key = points.ranking_key
            and eligible.offender_key = points.offender_key

),

ranked as (

    select
        *,
        row_number() over (
            partition by ranking_key
            order by score desc, {{ ranking_order() }}
        ) as method_rank,
        count(*) over (
            partition by ranking_key, score, {{ ranking_columns() | join(', ') }}
        ) > 1 as is_tied,
        count(*) over (partition by ranking_key) as ranked_offenders
    from scored

),

published_list as (

    select offender_key
    from ranked
    where is_published and method_rank <= list_size

),

final as (

    select
        list_date,
        ranking_key,
        method,
        turned_rule,
        turned_to,
        is_published,
        offender_key,
        method_rank,
        method_rank <= list_size as is_listed,
        is_tied,
        score,
        harm_days,
        allegations,
        unweighted_allegations,
        female_victims,
        latest_reported_on,
        ranked_offenders
    from ranked
    where
        is_published
        or method_rank <= list_size
        or offender_key in (select published_list.offender_key from published_list)

)

select * from final
