with source as (

    select * from {{ source('raw', 'value_defects') }}

),

final as (

    select
        -- keys
        extract_id,
        table_name,
        column_name,
        reason,

        -- attributes
        rows_affected
    from source

)

select * from final
