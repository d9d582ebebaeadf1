with involvements as (

    select * from {{ ref('stg_involvements') }}

),

crimes as (

    select * from {{ ref('stg_crimes') }}

),

people as (

    select * from {{ ref('stg_people') }}

),

outcomes as (

    select * from {{ ref('outcomes') }}

),

final as (

    select
        involvements.extract_id,
        involvements.force,
        involvements.crime_ref,
        involvements.person_ref,
        'involvements' as table_name,
        'crime_ref' as column_name,
        'no such crime has been sent: kept, joined when it arrives' as reason
    from involvements
    left join crimes
        on
            involvements.force = crimes.force
            and involvements.crime_ref = crimes.crime_ref
    where crimes.crime_ref is null

    union all

    select
        involvements.extract_id,
        involvements.force,
        involvements.crime_ref,
        involvements.person_ref,
        'involvements' as table_name,
        'person_ref' as column_name,
        'no such person has been sent: kept, joined when it arrives' as reason
    from involvements
    left join people
        on
            involvements.force = people.force
            and involvements.person_ref = people.person_ref
    where people.person_ref is null

    union all

    select
        involvements.extract_id,
        involvements.force,
        involvements.crime_ref,
        involvements.person_ref,
        'involvements' as table_name,
        'role' as column_name,
        'a suspect on a crime whose outcome says that none was identified' as reason
    from involvements
    inner join crimes
        on
            involvements.force = crimes.force
            and involvements.crime_ref = crimes.crime_ref
    inner join outcomes
        on crimes.outcome_type = outcomes.outcome_type
    where
        involvements.role = 'suspect'
        and not outcomes.implies_named_suspect

    union all

    select
        involvements.extract_id,
        involvements.force,
        involvements.crime_ref,
        involvements.person_ref,
        'involvements' as table_name,
        'person_ref' as column_name,
        'the sex of a victim is unknown: the crime counts only if another victim is female' as reason
    from involvements
    inner join people
        on
            involvements.force = people.force
            and involvements.person_ref = people.person_ref
    where
        involvements.role = 'victim'
        and (people.sex is null or people.sex not in ('F', 'M'))

)

select * from final
