-- The newest version of each record, tombstones included: newest updated_at, then later extract, then later row.
-- Searching row numbers first keeps the hash table narrow.
with newest as (

    select arg_max(row_number, row(updated_at, extract_id, row_number)) as row_number
    from raw.people
    where problem is null
    group by force, person_ref

)

select
    force,
    person_ref,
    sex,
    date_of_birth,
    birth_year,
    deceased_on,
    is_deleted,
    extract_id
from raw.people
where row_number in (select newest.row_number from newest)
