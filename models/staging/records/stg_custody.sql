with versions as (

    select * from {{ ref('base_custody') }}

),

final as (

    select
        -- keys
        force,
        person_ref,

        -- dates
        custody_from,
        custody_to,

        -- lineage
        updated_at,
        extract_id
    from versions
    where not is_deleted

)

select * from final
