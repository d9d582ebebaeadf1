with involvements as (

    select * from {{ ref('stg_involvements') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

persons as (

    select * from {{ ref('int_persons') }}

),

final as (

    select distinct
        involvements.force,
        involvements.crime_ref,
        identities.person_key,
        persons.sex,
        coalesce(persons.sex = 'F', false) as is_female
    from involvements
    inner join identities
        on
            involvements.force = identities.force
            and involvements.person_ref = identities.person_ref
    left join persons
        on identities.person_key = persons.person_key
    where involvements.role = 'victim'

)

select * from final
