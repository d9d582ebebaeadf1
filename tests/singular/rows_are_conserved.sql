select
    extract_id,
    table_name,
    rows_read,
    rows_landed,
    rows_quarantined,
    rows_current,
    rows_superseded,
    rows_deleted
from {{ ref('extract_reconciliation') }}
where
    rows_read <> rows_landed + rows_quarantined
    or rows_landed <> rows_current + rows_superseded + rows_deleted
    or least(rows_read, rows_landed, rows_quarantined, rows_current, rows_superseded, rows_deleted) < 0
