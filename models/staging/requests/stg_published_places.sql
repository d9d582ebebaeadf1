with source as (

    select * from {{ source('raw', 'published_places') }}

),

final as (

    select
        -- keys
        build_id,
        offender_key,

        -- attributes
        method,
        code_version,
        harm_rank,
        harm_days,

        -- dates
        list_date,
        built_at,

        -- lineage
        newest_extract_id
    from source

)

select * from final
