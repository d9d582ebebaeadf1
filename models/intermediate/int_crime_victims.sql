-- Rows are new when their crime is touched: all rows of such crimes are replaced, so that a second run changes nothing.
with involvements as (

    select * from {{ ref('stg_involvements') }}
    {{ where_touched('int_touched_crimes', ['force', 'crime_ref']) }}

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
        {{ person_key('involvements', 'identities') }} as person_key,
        persons.sex,
        coalesce(persons.sex = 'F', false) as is_female
    from involvements
    left join identities
        on
            involvements.force = identities.force
            and involvements.person_ref = identities.person_ref
    left join persons
        on
            coalesce(identities.surviving_force, involvements.force) = persons.force
            and coalesce(identities.surviving_ref, involvements.person_ref) = persons.person_ref
    where involvements.role = 'victim'

)

select * from final
