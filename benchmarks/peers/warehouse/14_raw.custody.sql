-- Every row of every custody file, typed. An unusable row keeps its text and the reason.
with read as (

    select
        *,
        split_part(filename, '/', -2) as extract_id,
        row_number() over () as row_number
    from read_csv(
        '$extracts/*/custody*.csv*',
        header = true,
        auto_detect = false,
        delim = ',',
        quote = '"',
        escape = '"',
        columns = {
            'force': 'VARCHAR', 'person_ref': 'VARCHAR', 'custody_from': 'VARCHAR', 'custody_to': 'VARCHAR',
            'updated_at': 'VARCHAR', 'deleted': 'VARCHAR'
        },
        nullstr = ['', 'NULL', 'null'],
        filename = true,
        store_rejects = true
    )

),

typed as (

    select
        extract_id,
        row_number,
        force,
        person_ref,
        try_cast(left(custody_from, 10) as date) as custody_from,
        try_cast(left(custody_to, 10) as date) as custody_to,
        try_cast(updated_at as timestamp) as updated_at,
        coalesce(deleted in ('Y', 'y'), false) as is_deleted
    from read

),

checked as (

    select
        *,
        case
            when force is null or person_ref is null or custody_from is null or force like '%|%' then 'no usable key'
            when updated_at is null then 'no usable updated_at'
        end as problem
    from typed

)

select
    *,
    case when problem is not null then concat_ws(',', force, person_ref, custody_to, updated_at) end as bad_row
from checked
