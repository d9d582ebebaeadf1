with versions as (

    select * from {{ ref('base_person_merges') }}

),

final as (

    select
        -- keys
        force,
        person_ref,

        -- attributes
        merged_into_ref,

        -- lineage
        updated_at,
        extract_id
    from versions
    where not is_deleted

)

select * from final
