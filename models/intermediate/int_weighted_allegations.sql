-- Rows are new when their crime is touched: all rows of such crimes are replaced, so that a second run changes nothing.
with allegations as (

    select * from {{ ref('int_allegations') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

crimes as (

    select * from {{ ref('int_weighted_crimes') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

offenders as (

    select * from {{ ref('int_persons') }}
    {{ where_asked_for('person_digest', 'allegations', digest_of_person('offender_key')) }}

),

victims as (

    select * from {{ ref('int_crime_victims') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

counted_victims as (

    select
        victims.force,
        victims.crime_ref,
        sum(case when victims.is_female then 1 else 0 end) as female_victims
    from victims
    cross join rules
    where {{ is_listed('victims.sex', 'rules.victim_sexes') }}
    group by victims.force, victims.crime_ref

),

final as (

    select
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.crime_digest,
        allegations.status,
        allegations.harm_split,
        allegations.relationship,
        crimes.offence_code,
        crimes.offence,
        crimes.harm_index,
        crimes.harm_days,
        crimes.harm_days_highest,
        crimes.weight_is_ambiguous,
        crimes.weight_basis,
        crimes.weight_source,
        crimes.reported_by,
        crimes.outcome_type,
        -- The outcome is the crime's, the status this person's: whoever is charged or convicted was not let go.
        crimes.has_outcome_without_charge and allegations.harm_split = 'named' as is_closed_without_charge,
        crimes.reported_on,
        crimes.committed_from,
        crimes.committed_to,
        crimes.cancelled_on,
        offenders.date_of_birth,
        offenders.birth_year,
        offenders.deceased_on,
        counted_victims.female_victims,
        crimes.is_known_offence,
        crimes.is_in_scope,
        coalesce(
            {{ days_between('crimes.last_committed_on', 'crimes.reported_on') }} > rules.historic_after_days, false
        ) as is_historic,
        counted_victims.crime_ref is not null as has_counted_victim,
        {{ is_listed('crimes.reported_by', 'rules.reported_by') }} as is_counted_reporter,
        {{ is_listed('allegations.status', 'rules.statuses') }} as is_counted_status,
        coalesce({{ is_listed('offenders.sex', 'rules.offender_sexes') }}, false) as is_counted_sex
    from allegations
    inner join crimes
        on
            allegations.force = crimes.force
            and allegations.crime_ref = crimes.crime_ref
    cross join rules
    left join offenders
        on
            {{ force_of('allegations.offender_key') }} = offenders.force
            and {{ person_ref_of('allegations.offender_key') }} = offenders.person_ref
    left join counted_victims
        on
            allegations.force = counted_victims.force
            and allegations.crime_ref = counted_victims.crime_ref

)

select * from final
