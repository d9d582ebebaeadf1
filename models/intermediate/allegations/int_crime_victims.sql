-- Rows are new when their crime is touched: all rows of such crimes are replaced, so that a second run changes nothing.
with involvements as (

    select * from {{ ref('stg_involvements') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

victims as (

    select
        involvements.force,
        involvements.crime_ref,
        involvements.crime_digest,
        {{ person_key('involvements', 'identities') }} as person_key,
        {{ surviving_record('involvements', 'identities') | indent(4) }}
    from involvements
    left join identities
        on
            involvements.force = identities.force
            and involvements.person_ref = identities.person_ref
    where involvements.role = 'victim'

),

people as (

    select * from {{ ref('int_people') }}
    {{ where_key_in('person_digest', 'victims', digest(['surviving_force', 'surviving_ref'])) }}

),

final as (

    select distinct
        victims.force,
        victims.crime_ref,
        victims.crime_digest,
        victims.person_key,
        people.sex,
        coalesce(people.sex = 'F', false) as is_female
    from victims
    left join people
        on
            victims.surviving_force = people.force
            and victims.surviving_ref = people.person_ref

)

select * from final
