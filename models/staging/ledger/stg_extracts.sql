with source as (

    select * from {{ source('raw', 'extracts') }}

),

final as (

    select
        -- keys
        extract_id,

        -- dates
        extract_on,
        extract_at,
        landed_at
    from source

)

select * from final
