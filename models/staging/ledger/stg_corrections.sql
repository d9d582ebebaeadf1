with source as (

    select * from {{ source('raw', 'corrections') }}

),

final as (

    select
        -- keys
        extract_id,
        corrects_extract_id
    from source

)

select * from final
