with reconciliation as (

    select * from {{ ref('extract_reconciliation') }}

),

defects as (

    select
        extract_id,
        table_name,
        sum(rows_affected) as rows_quarantined
    from {{ ref('data_defects') }}
    where column_name = '(row)'
    group by extract_id, table_name

),

final as (

    select
        coalesce(reconciliation.extract_id, defects.extract_id) as extract_id,
        coalesce(reconciliation.table_name, defects.table_name) as table_name
    from reconciliation
    full outer join defects
        on
            reconciliation.extract_id = defects.extract_id
            and reconciliation.table_name = defects.table_name
    where coalesce(reconciliation.rows_quarantined, 0) <> coalesce(defects.rows_quarantined, 0)

)

select * from final
