select
    extract_id,
    table_name,
    rows_quarantined,
    rows_quarantine_cleared
from {{ ref('extract_reconciliation') }}
where
    rows_quarantine_cleared < 0
    or rows_quarantine_cleared > rows_quarantined
