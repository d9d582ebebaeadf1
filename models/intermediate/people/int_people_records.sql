with people as (

    select * from {{ ref('stg_people') }}

),

final as (

    select
        force,
        person_ref,
        person_digest,
        forename,
        middle_names,
        surname,
        date_of_birth,
        birth_year,
        sex
    from people

)

select * from final
