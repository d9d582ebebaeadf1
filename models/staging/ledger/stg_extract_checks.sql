with source as (

    select * from {{ source('raw', 'extract_checks') }}

),

final as (

    select
        -- keys
        extract_id,
        check_name,

        -- attributes
        table_name,
        column_name,
        sentence,
        passed as has_passed,
        rows_checked,
        rows_unexpected
    from source

)

select * from final
