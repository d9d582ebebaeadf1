{{- runs_after('int_touched_offenders') }}

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
        sex,
        date_of_birth,
        birth_year,
        deceased_on
    from people

)

select * from final
