-- The newest version of each record, tombstones included: newest updated_at, then later extract, then later row.
-- Searching row numbers first keeps the hash table narrow.
with newest as (

    select arg_max(row_number, row(updated_at, extract_id, row_number)) as row_number
    from raw.involvements
    where problem is null
    group by force, crime_ref, person_ref, role

)

select
    force,
    crime_ref,
    person_ref,
    role,
    status,
    relationship,
    is_deleted,
    extract_id
from raw.involvements
where row_number in (select newest.row_number from newest)
