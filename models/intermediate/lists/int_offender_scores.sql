-- Rows are new when their offender or list date is touched: all such rows are replaced, so that a second run changes
-- nothing.
with allegations as (

    select * from {{ ref('int_counted_allegations') }}
    {{ where_touched_list('offender_key', 'list_date') }}

),

victims as (

    select * from {{ ref('int_crime_victims') }}
    {{ where_key_in('crime_digest', 'allegations') }}

),

female_victims as (

    {{ female_victims_by(['list_date', 'offender_key'], 'allegations', 'victims') }}

),

scores as (

    select
        list_date,
        is_current,
        is_monthly,
        is_in_custody,
        offender_key,
        {{ sums_of_score() | indent(4) }},
        coalesce(sum(case when harm_split = 'named' then harm_days end), 0) as harm_days_named,
        coalesce(sum(case when harm_split = 'charged' then harm_days end), 0) as harm_days_charged,
        coalesce(sum(case when harm_split = 'convicted' then harm_days end), 0) as harm_days_convicted,
        coalesce(sum(case when is_closed_without_charge then harm_days end), 0) as harm_days_closed_without_charge,
        min(reported_on) as first_reported_on
    from allegations
    group by list_date, is_current, is_monthly, is_in_custody, offender_key

),

final as (

    select
        scores.*,
        coalesce(female_victims.female_victims, 0) as female_victims
    from scores
    left join female_victims
        on
            scores.list_date = female_victims.list_date
            and scores.offender_key = female_victims.offender_key

)

select * from final
