-- One row per allegation that counts on some list date: one man, one crime with a female victim.
with suspects as (

    select
        person_key as offender_key,
        force,
        crime_ref,
        max(case status
            when 'eliminated' then 1 when 'acquitted' then 2 when 'named' then 3
            when 'arrested' then 4 when 'charged' then 5 when 'convicted' then 6
        end) as standing
    from method.suspects_and_victims
    where role = 'suspect'
    group by person_key, force, crime_ref

),

victims as (

    select
        force,
        crime_ref,
        count(*) as female_victims
    from method.female_victims
    group by force, crime_ref

)

select
    suspects.offender_key,
    suspects.force,
    suspects.crime_ref,
    case suspects.standing when 3 then 'named' when 4 then 'arrested' when 5 then 'charged' else 'convicted' end
        as status,
    case suspects.standing when 5 then 'charged' when 6 then 'convicted' else 'named' end as harm_split,
    victims.female_victims,
    crimes.offence_code,
    crimes.offence,
    crimes.harm_days,
    crimes.weight_is_ambiguous,
    crimes.outcome_type,
    crimes.reported_on,
    crimes.committed_from,
    coalesce(crimes.reported_on - crimes.last_committed_on > 365, false) as is_historic,
    crimes.cancelled_on,
    people.deceased_on,
    people.date_of_birth,
    people.birth_year
from suspects
inner join victims
    on
        suspects.force = victims.force
        and suspects.crime_ref = victims.crime_ref
inner join method.crimes as crimes
    on
        suspects.force = crimes.force
        and suspects.crime_ref = crimes.crime_ref
inner join method.people as people
    on suspects.offender_key = people.person_key
where suspects.standing >= 3 and people.sex = 'M'
