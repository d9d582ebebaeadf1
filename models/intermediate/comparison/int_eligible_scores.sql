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
        methods.ranking_key,
        scores.offender_key,
        scores.harm_days,
        scores.gravest_harm_days,
        scores.allegations,
        scores.unweighted_allegations,
        scores.female_victims,
        scores.latest_reported_on,
        methods.list_date,
        methods.scoring,
        methods.recency_percent,
        methods.frequency_percent,
        methods.gravity_percent,
        methods.victims_percent
    from scores
    inner join methods
        on scores.counting_bit = methods.counting_bit
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

final as (

    select
        eligible.ranking_key,
        eligible.offender_key,
        eligible.harm_days,
        eligible.allegations,
        eligible.unweighted_allegations,
        eligible.female_victims,
        eligible.latest_reported_on,
        case when eligible.scoring = 'points' then coalesce(points.points, 0) else eligible.harm_days end as score
    from eligible
    left join points
        on
            eligible.ranking_key = points.ranking_key
            and eligible.offender_key = points.offender_key

)

select * from final
