with versions as (

    select * from {{ ref('base_people') }}

),

final as (

    select
        -- keys
        force,
        person_ref,
        person_digest,

        -- attributes
        forename,
        middle_names,
        surname,
        sex,
        ethnicity,
        pnc_id,
        postcode,
        birth_year,

        -- dates
        date_of_birth,
        deceased_on,

        -- lineage
        updated_at,
        extract_id
    from versions
    where not is_deleted

)

select * from final
