{%- set columns = [
    'list_date', 'offender_key', 'is_in_custody', 'harm_days', 'harm_days_named', 'harm_days_charged',
    'harm_days_convicted', 'harm_days_closed_without_charge', 'allegations', 'unweighted_allegations', 'female_victims',
    'first_reported_on', 'latest_reported_on',
] -%}
with scores as (

    select * from {{ ref('int_offender_scores') }}

),

ranked_before as (

    select * from {% if only_changes() %}{{ as_last_built('int_ranked_offenders') }}{% else %}scores{% endif %}

),

touched_offenders as (

    select * from {{ ref('int_touched_offenders') }}

),

touched_list_dates as (

    select * from {{ ref('int_touched_list_dates') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

scores_now as (

    select
        scores.{{ columns | join(',\n        scores.') }}
    from scores
    inner join touched_offenders
        on scores.offender_key = touched_offenders.offender_key
    cross join rules
    where {{ meets_the_minimums('scores', 'rules') }}

),

scores_before as (

    select
        ranked_before.{{ columns | join(',\n        ranked_before.') }}
    from ranked_before
    inner join touched_offenders
        on ranked_before.offender_key = touched_offenders.offender_key

),

only_now as (

    select * from scores_now
    except
    select * from scores_before

),

only_before as (

    select * from scores_before
    except
    select * from scores_now

),

-- A list has changed when a score on it has.
final as (

    select list_date from only_now
    union
    select list_date from only_before
    union
    select list_date from touched_list_dates

)

select * from final
