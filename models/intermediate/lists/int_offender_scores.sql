-- Rows are new when their offender or list date is touched: all such rows are replaced, so that a second run changes
-- nothing.
with allegations as (

    select * from {{ ref('int_counted_allegations') }}
    {{ where_touched_list('offender_key', 'list_date') }}

),

victims as (

    select * from {{ ref('int_crime_victims') }}
    {{ where_asked_for('crime_digest', 'allegations') }}

),

female_victims as (

    select
        allegations.list_date,
        allegations.offender_key,
        count(distinct victims.person_key) as female_victims
    from allegations
    inner join victims
        on
            allegations.force = victims.force
            and allegations.crime_ref = victims.crime_ref
    where victims.is_female
    group by allegations.list_date, allegations.offender_key

),

scores as (

    select
        list_date,
        is_current,
        is_monthly,
        is_in_custody,
        offender_key,
        coalesce(sum(harm_days), 0) as harm_days,
        coalesce(sum(case when harm_split = 'named' then harm_days end), 0) as harm_days_named,
        coalesce(sum(case when harm_split = 'charged' then harm_days end), 0) as harm_days_charged,
        coalesce(sum(case when harm_split = 'convicted' then harm_days end), 0) as harm_days_convicted,
        coalesce(sum(case when is_closed_without_charge then harm_days end), 0) as harm_days_closed_without_charge,
        count(*) as allegations,
        sum(case when harm_days is null then 1 else 0 end) as unweighted_allegations,
        min(reported_on) as first_reported_on,
        max(reported_on) as latest_reported_on
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
