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

    select * from {{ ref('int_people') }}
    {{ where_key_in('person_digest', 'allegations', digest_of_person('offender_key')) }}

),

victims as (

    select * from {{ ref('int_crime_victims') }}
    {{ where_key_in('crime_digest', 'allegations', always_few=true) }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

victims_of_crimes as (

    select
        force,
        crime_ref,
        sum(case when is_female then 1 else 0 end) as female_victims,
        {{ sexes_in_one_word('sex') }} as victim_sexes
    from victims
    group by force, crime_ref

),

facts as (

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
        crimes.offence_group,
        crimes.vawg_scope,
        crimes.harm_index,
        crimes.harm_days,
        crimes.harm_days_highest,
        crimes.weight_is_ambiguous,
        crimes.weight_basis,
        crimes.weight_source,
        crimes.reported_by,
        crimes.outcome_type,
        crimes.area_code,
        -- The outcome is the crime's, the status this person's: a person charged or convicted was not let go.
        crimes.has_outcome_without_charge and allegations.harm_split = 'named' as is_closed_without_charge,
        crimes.reported_on,
        crimes.committed_from,
        crimes.committed_to,
        crimes.cancelled_on,
        {{ days_between('crimes.last_committed_on', 'crimes.reported_on') }} as days_to_report,
        offenders.sex as offender_sex,
        offenders.date_of_birth,
        offenders.birth_year,
        offenders.deceased_on,
        coalesce(victims_of_crimes.victim_sexes, '') as victim_sexes,
        coalesce(victims_of_crimes.female_victims, 0) as female_victims,
        crimes.is_known_offence,
        crimes.is_in_scope
    from allegations
    inner join crimes
        on
            allegations.force = crimes.force
            and allegations.crime_ref = crimes.crime_ref
    left join offenders
        on
            {{ force_of('allegations.offender_key') }} = offenders.force
            and {{ person_ref_of('allegations.offender_key') }} = offenders.person_ref
    left join victims_of_crimes
        on
            allegations.force = victims_of_crimes.force
            and allegations.crime_ref = victims_of_crimes.crime_ref

),

final as (

    select
        facts.*,
        {{ is_historic_report('facts.days_to_report', 'rules') }} as is_historic,
        {{ has_victim_of_method('facts.victim_sexes', 'rules') | indent(4) }} as has_counted_victim,
        {{ is_reporter_of_method('facts.reported_by', 'rules') }} as is_counted_reporter,
        {{ is_status_of_method('facts.status', 'rules') }} as is_counted_status,
        {{ is_sex_of_method('facts.offender_sex', 'rules') }} as is_counted_sex
    from facts
    cross join rules

)

select * from final
