with versions as (

    select * from {{ ref('base_involvements') }}

),

final as (

    select
        -- keys
        force,
        crime_ref,
        person_ref,
        role,
        crime_digest,
        person_digest,

        -- attributes
        status,
        relationship,

        -- lineage
        updated_at,
        extract_id
    from versions
    where not is_deleted

)

select * from final
