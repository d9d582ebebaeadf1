with identities as (

    select * from {{ ref('int_identities') }}

),

people as (

    select * from {{ ref('stg_people') }}

),

final as (

    select
        identities.person_key,
        people.sex,
        people.date_of_birth,
        people.birth_year,
        people.deceased_on
    from people
    inner join identities
        on
            people.force = identities.force
            and people.person_ref = identities.person_ref
    where identities.is_surviving_record

)

select * from final
