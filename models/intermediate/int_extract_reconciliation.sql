with files as (

    select * from {{ ref('stg_extract_files') }}

),

record_counts as (

    select * from {{ ref('stg_record_counts') }}

),

extracts as (

    select * from {{ ref('stg_extracts') }}

),

ledger as (

    select
        extract_id,
        table_name,
        sum(rows_read) as rows_read,
        sum(rows_landed) as rows_landed,
        sum(rows_quarantined) as rows_quarantined
    from files
    group by extract_id, table_name

),

final as (

    select
        ledger.extract_id,
        extracts.extract_on,
        ledger.table_name,
        ledger.rows_read,
        ledger.rows_landed,
        ledger.rows_quarantined,
        coalesce(record_counts.rows_current, 0) as rows_current,
        coalesce(record_counts.rows_superseded, 0) as rows_superseded,
        coalesce(record_counts.rows_deleted, 0) as rows_deleted
    from ledger
    inner join extracts
        on ledger.extract_id = extracts.extract_id
    left join record_counts
        on
            ledger.extract_id = record_counts.extract_id
            and ledger.table_name = record_counts.table_name

)

select * from final
