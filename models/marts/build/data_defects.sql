with defects as (

    select * from {{ ref('int_data_defects') }}

),

reconciliation as (

    select * from {{ ref('int_extract_reconciliation') }}

),

extracts as (

    select distinct
        extract_id,
        extract_on
    from reconciliation

),

final as (

    select
        cast(defects.extract_id as string) as extract_id,
        cast(extracts.extract_on as date) as extract_on,
        cast(defects.table_name as string) as table_name,
        cast(defects.column_name as string) as column_name,
        cast(defects.reason as string) as reason,
        cast(defects.rows_affected as bigint) as rows_affected
    from defects
    left join extracts
        on defects.extract_id = extracts.extract_id

)

select * from final
