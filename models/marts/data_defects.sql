with defects as (

    select * from {{ ref('int_data_defects') }}

),

final as (

    select
        cast(extract_id as string) as extract_id,
        cast(table_name as string) as table_name,
        cast(column_name as string) as column_name,
        cast(reason as string) as reason,
        cast(rows_affected as bigint) as rows_affected
    from defects

)

select * from final
