with members as (

    select * from {{ ref('int_list_members') }}

),

allegations as (

    select * from {{ ref('int_listed_allegations') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

counted_now as (

    select
        members.list_date,
        members.previous_list_date,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.harm_days,
        allegations.reported_on
    from members
    inner join allegations
        on
            members.list_date = allegations.list_date
            and members.offender_key = allegations.offender_key
    where members.previous_list_date is not null

),

counted_before as (

    select
        members.list_date,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.harm_days,
        allegations.counts_until,
        allegations.cancelled_on,
        allegations.deceased_on
    from members
    inner join allegations
        on
            members.previous_list_date = allegations.list_date
            and members.offender_key = allegations.offender_key

),

-- An allegation that was reported before and counts now for the first time has waited for the person. An allegation
-- that leaves while it is in the window and not cancelled leaves because of the person.
differences as (

    select
        coalesce(counted_now.list_date, counted_before.list_date) as list_date,
        coalesce(counted_now.offender_key, counted_before.offender_key) as offender_key,
        coalesce(counted_now.harm_days, counted_before.harm_days, 0) as harm_days,
        case
            when counted_before.crime_ref is null and counted_now.reported_on > counted_now.previous_list_date
                then 'reported'
            when counted_before.crime_ref is null then 'admitted'
            when counted_before.counts_until < counted_before.list_date then 'passed'
            when not {{ is_on_record('counted_before.cancelled_on', 'counted_before.list_date') }} then 'cancelled'
            when rules.deceased <> 'include' and counted_before.deceased_on <= counted_before.list_date then 'died'
            else 'held'
        end as what
    from counted_now
    full outer join counted_before
        on
            counted_now.list_date = counted_before.list_date
            and counted_now.offender_key = counted_before.offender_key
            and counted_now.force = counted_before.force
            and counted_now.crime_ref = counted_before.crime_ref
    cross join rules
    where counted_now.crime_ref is null or counted_before.crime_ref is null

),

final as (

    select
        list_date,
        offender_key,
        sum(case when what = 'reported' then 1 else 0 end) as allegations_reported,
        sum(case when what = 'reported' then harm_days else 0 end) as harm_days_reported,
        sum(case when what = 'admitted' then 1 else 0 end) as allegations_admitted,
        sum(case when what = 'admitted' then harm_days else 0 end) as harm_days_admitted,
        sum(case when what = 'passed' then 1 else 0 end) as allegations_passed,
        sum(case when what = 'passed' then harm_days else 0 end) as harm_days_passed,
        sum(case when what = 'cancelled' then 1 else 0 end) as allegations_cancelled,
        sum(case when what = 'cancelled' then harm_days else 0 end) as harm_days_cancelled,
        sum(case when what in ('died', 'held') then 1 else 0 end) as allegations_excluded,
        sum(case when what in ('died', 'held') then harm_days else 0 end) as harm_days_excluded,
        max(case when what = 'died' then 1 else 0 end) = 1 as has_died
    from differences
    group by list_date, offender_key

)

select * from final
