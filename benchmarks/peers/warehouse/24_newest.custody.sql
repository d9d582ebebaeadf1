-- The newest version of each record, tombstones included: newest updated_at, then later extract, then later row.
-- Searching row numbers first keeps the hash table narrow.
with newest as (

    select arg_max(row_number, row(updated_at, extract_id, row_number)) as row_number
    from raw.custody
    where problem is null
    group by force, person_ref, custody_from

)

select
    force,
    person_ref,
    custody_from,
    custody_to,
    is_deleted,
    extract_id
from raw.custody
where row_number in (select newest.row_number from newest)
