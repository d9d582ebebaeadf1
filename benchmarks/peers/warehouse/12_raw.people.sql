-- Every row of every people file, typed. An unusable row keeps its text and the reason.
with read as (

    select
        *,
        split_part(filename, '/', -2) as extract_id,
        row_number() over () as row_number
    from read_csv(
        '$extracts/*/people*.csv*',
        header = true,
        auto_detect = false,
        delim = ',',
        quote = '"',
        escape = '"',
        columns = {
            'force': 'VARCHAR', 'person_ref': 'VARCHAR', 'forename': 'VARCHAR', 'middle_names': 'VARCHAR',
            'surname': 'VARCHAR', 'date_of_birth': 'VARCHAR', 'birth_year': 'VARCHAR', 'sex': 'VARCHAR',
            'ethnicity': 'VARCHAR', 'pnc_id': 'VARCHAR', 'postcode': 'VARCHAR', 'deceased_on': 'VARCHAR',
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
        forename,
        middle_names,
        surname,
        try_cast(left(date_of_birth, 10) as date) as date_of_birth,
        try_cast(birth_year as integer) as birth_year,
        case when upper(sex) in ('M', 'F', 'X', 'U') then upper(sex) end as sex,
        ethnicity,
        pnc_id,
        postcode,
        try_cast(left(deceased_on, 10) as date) as deceased_on,
        try_cast(updated_at as timestamp) as updated_at,
        coalesce(deleted in ('Y', 'y'), false) as is_deleted
    from read

),

checked as (

    select
        *,
        case
            when force is null or person_ref is null or force like '%|%' then 'no usable key'
            when updated_at is null then 'no usable updated_at'
        end as problem
    from typed

)

select
    *,
    case when problem is not null then concat_ws(',', force, person_ref, surname, date_of_birth, updated_at) end
        as bad_row
from checked
