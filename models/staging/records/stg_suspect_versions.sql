with source as (

    select * from {{ source('raw', 'involvements') }}

),

final as (

    select
        -- keys
        force,
        crime_ref,
        person_ref,

        -- attributes
        status,

        -- lineage
        extract_id
    from source
    where role = 'suspect' and not is_deleted

)

select * from final
