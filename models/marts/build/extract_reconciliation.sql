with reconciliation as (

    select * from {{ ref('int_extract_reconciliation') }}

),

final as (

    select
        cast(extract_id as string) as extract_id,
        cast(extract_on as date) as extract_on,
        cast(table_name as string) as table_name,
        cast(rows_read as bigint) as rows_read,
        cast(rows_landed as bigint) as rows_landed,
        cast(rows_quarantined as bigint) as rows_quarantined,
        cast(rows_quarantine_cleared as bigint) as rows_quarantine_cleared,
        cast(rows_current as bigint) as rows_current,
        cast(rows_superseded as bigint) as rows_superseded,
        cast(rows_deleted as bigint) as rows_deleted
    from reconciliation

)

select * from final
