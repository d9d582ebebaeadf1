with files as (

    select * from {{ ref('stg_extract_files') }}

),

record_counts as (

    select * from {{ ref('stg_record_counts') }}

),

quarantined_rows as (

    select * from {{ ref('int_quarantined_rows') }}

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

cleared as (

    select
        extract_id,
        table_name,
        count(*) as rows_quarantine_cleared
    from quarantined_rows
    where is_cleared
    group by extract_id, table_name

),

final as (

    select
        coalesce(ledger.extract_id, record_counts.extract_id) as extract_id,
        extracts.extract_on,
        coalesce(ledger.table_name, record_counts.table_name) as table_name,
        coalesce(ledger.rows_read, 0) as rows_read,
        coalesce(ledger.rows_landed, 0) as rows_landed,
        coalesce(ledger.rows_quarantined, 0) as rows_quarantined,
        coalesce(cleared.rows_quarantine_cleared, 0) as rows_quarantine_cleared,
        coalesce(record_counts.rows_current, 0) as rows_current,
        coalesce(record_counts.rows_superseded, 0) as rows_superseded,
        coalesce(record_counts.rows_deleted, 0) as rows_deleted
    from ledger
    -- Rows without an entry in the ledger must show too.
    full outer join record_counts
        on
            ledger.extract_id = record_counts.extract_id
            and ledger.table_name = record_counts.table_name
    left join cleared
        on
            ledger.extract_id = cleared.extract_id
            and ledger.table_name = cleared.table_name
    left join extracts
        on coalesce(ledger.extract_id, record_counts.extract_id) = extracts.extract_id

)

select * from final
