-- Every row of every involvements file, typed. An unusable row keeps its text and the reason.
with read as (

    select
        *,
        split_part(filename, '/', -2) as extract_id,
        row_number() over () as row_number
    from read_csv(
        '$extracts/*/involvements*.csv*',
        header = true,
        auto_detect = false,
        delim = ',',
        quote = '"',
        escape = '"',
        columns = {
            'force': 'VARCHAR', 'crime_ref': 'VARCHAR', 'person_ref': 'VARCHAR', 'role': 'VARCHAR',
            'status': 'VARCHAR', 'relationship': 'VARCHAR', 'updated_at': 'VARCHAR', 'deleted': 'VARCHAR'
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
        crime_ref,
        person_ref,
        case when lower(role) in ('suspect', 'victim', 'witness') then lower(role) end as role,
        case
            when
                lower(status) in ('named', 'arrested', 'charged', 'convicted', 'acquitted', 'eliminated')
                then lower(status)
        end as status,
        case
            when lower(relationship) in ('partner', 'ex_partner', 'family', 'acquaintance', 'stranger', 'unknown')
                then lower(relationship)
        end as relationship,
        try_cast(updated_at as timestamp) as updated_at,
        coalesce(deleted in ('Y', 'y'), false) as is_deleted,
        role as role_text
    from read

),

checked as (

    select
        *,
        case
            when force is null or crime_ref is null or person_ref is null or force like '%|%' then 'no usable key'
            when role is null then 'no usable role'
            when updated_at is null then 'no usable updated_at'
        end as problem
    from typed

)

select
    * exclude (role_text),
    case when problem is not null then concat_ws(',', force, crime_ref, person_ref, role_text, updated_at) end
        as bad_row
from checked
