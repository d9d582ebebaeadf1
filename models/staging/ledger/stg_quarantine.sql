with source as (

    select * from {{ source('raw', 'quarantine') }}

),

final as (

    select
        -- keys
        extract_id,
        table_name,
        file_name,
        line_number,

        -- attributes
        reason,
        record_key
    from source

)

select * from final
