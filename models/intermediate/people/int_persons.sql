{{- runs_after('int_touched_offenders') }}

with identities as (

    select * from {{ ref('int_identities') }}

),

people as (

    select * from {{ ref('stg_people') }}

),

-- A record that stands for another than itself says nothing of its own.
final as (

    select
        people.force,
        people.person_ref,
        people.person_digest,
        people.force || '|' || people.person_ref as person_key,
        people.sex,
        people.date_of_birth,
        people.birth_year,
        people.deceased_on
    from people
    left join identities
        on
            people.force = identities.force
            and people.person_ref = identities.person_ref
    where identities.person_key is null

)

select * from final
