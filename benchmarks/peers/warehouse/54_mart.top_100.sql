-- One row per place on the list.
with most_serious as (

    select
        offender_key,
        coalesce(offence, offence_code) as offence,
        offence_code
    from mart.top_100_evidence
    qualify
        row_number() over (
            partition by offender_key
            order by coalesce(harm_days, -1) desc, reported_on desc, force asc, crime_ref asc
        ) = 1

),

previous_list as (

    select max(list_date) as list_date from mart.list_history
    where list_date < date '$list_date'

),

past as (

    select
        history.offender_key,
        count(*) as earlier_months,
        max(case when history.list_date = previous_list.list_date then history.harm_rank end) as previous_rank
    from mart.list_history as history
    cross join previous_list
    where history.list_date < date '$list_date'
    group by history.offender_key

),

in_custody as (

    select distinct custody.force || '|' || coalesce(merged.surviving_ref, custody.person_ref) as person_key
    from newest.custody as custody
    left join method.merged as merged
        on
            custody.force = merged.force
            and custody.person_ref = merged.person_ref
    where
        not custody.is_deleted
        and custody.custody_from <= date '$list_date'
        and (custody.custody_to is null or custody.custody_to > date '$list_date')

)

select
    listed.list_date,
    listed.harm_rank,
    listed.offender_key,
    listed.harm_days,
    listed.allegations,
    listed.female_victims,
    most_serious.offence as most_serious_offence,
    most_serious.offence_code as most_serious_offence_code,
    listed.first_reported_on,
    listed.latest_reported_on,
    listed.harm_days_named,
    listed.harm_days_charged,
    listed.harm_days_convicted,
    past.previous_rank,
    (coalesce(past.earlier_months, 0) + 1)::integer as months_on_list,
    listed.is_tied,
    in_custody.person_key is not null as is_in_custody,
    listed.unweighted_allegations
from mart.offender_harm as listed
inner join most_serious
    on listed.offender_key = most_serious.offender_key
left join past
    on listed.offender_key = past.offender_key
left join in_custody
    on listed.offender_key = in_custody.person_key
where listed.harm_rank <= 100
