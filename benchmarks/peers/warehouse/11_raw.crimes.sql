-- Every row of every crimes file, typed. An unusable row keeps its text and the reason.
with read as (

    select
        *,
        split_part(filename, '/', -2) as extract_id,
        row_number() over () as row_number
    from read_csv(
        '$extracts/*/crimes*.csv*',
        header = true,
        auto_detect = false,
        delim = ',',
        quote = '"',
        escape = '"',
        columns = {
            'force': 'VARCHAR', 'crime_ref': 'VARCHAR', 'offence_code': 'VARCHAR', 'reported_on': 'VARCHAR',
            'committed_from': 'VARCHAR', 'committed_to': 'VARCHAR', 'reported_by': 'VARCHAR',
            'outcome_type': 'VARCHAR', 'outcome_on': 'VARCHAR', 'cancelled_on': 'VARCHAR', 'area_code': 'VARCHAR',
            'domestic_abuse': 'VARCHAR', 'updated_at': 'VARCHAR', 'deleted': 'VARCHAR'
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
        offence_code,
        try_cast(left(reported_on, 10) as date) as reported_on,
        try_cast(left(committed_from, 10) as date) as committed_from,
        try_cast(left(committed_to, 10) as date) as committed_to,
        case
            when lower(reported_by) in ('victim', 'witness', 'third_party', 'police', 'company') then lower(reported_by)
        end as reported_by,
        case when try_cast(outcome_type as integer) between 0 and 22 then try_cast(outcome_type as integer) end
            as outcome_type,
        try_cast(left(outcome_on, 10) as date) as outcome_on,
        try_cast(left(cancelled_on, 10) as date) as cancelled_on,
        area_code,
        case when domestic_abuse in ('Y', 'y') then true when domestic_abuse in ('N', 'n') then false end
            as domestic_abuse,
        try_cast(updated_at as timestamp) as updated_at,
        coalesce(deleted in ('Y', 'y'), false) as is_deleted,
        reported_on as reported_on_text
    from read

),

checked as (

    select
        *,
        case
            when force is null or crime_ref is null or force like '%|%' then 'no usable key'
            when updated_at is null then 'no usable updated_at'
            when is_deleted then null
            when offence_code is null then 'no offence_code'
            when reported_on is null then 'no usable reported_on'
        end as problem
    from typed

)

select
    * exclude (reported_on_text),
    case
        when problem is not null then concat_ws(',', force, crime_ref, offence_code, reported_on_text, updated_at)
    end as bad_row
from checked
