with source as (

    select * from {{ source('raw', 'extract_files') }}

),

final as (

    select
        -- keys
        extract_id,
        table_name,
        file_name,

        -- attributes
        rows_read,
        rows_landed,
        rows_quarantined
    from source

)

select * from final
