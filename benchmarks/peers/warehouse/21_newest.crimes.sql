-- The newest version of each record, tombstones included: newest updated_at, then later extract, then later row.
-- Searching row numbers first keeps the hash table narrow.
with newest as (

    select arg_max(row_number, row(updated_at, extract_id, row_number)) as row_number
    from raw.crimes
    where problem is null
    group by force, crime_ref

)

select
    force,
    crime_ref,
    offence_code,
    reported_on,
    committed_from,
    committed_to,
    reported_by,
    outcome_type,
    cancelled_on,
    area_code,
    is_deleted,
    extract_id
from raw.crimes
where row_number in (select newest.row_number from newest)
