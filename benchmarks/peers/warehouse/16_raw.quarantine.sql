-- Bad rows: those of the wrong width from the reader's rejects, the others from the raw tables.
with wrong_width as (

    select
        split_part(scans.file_path, '/', -2) as extract_id,
        regexp_extract(scans.file_path, '([a-z_]+?)[_0-9]*\.csv[^/]*$$', 1) as table_name,
        errors.line as line_number,
        any_value(errors.csv_line) as bad_row
    from reject_errors as errors
    inner join reject_scans as scans
        on
            errors.scan_id = scans.scan_id
            and errors.file_id = scans.file_id
    group by all

)

select
    extract_id,
    table_name,
    null::bigint as row_number,
    line_number,
    'wrong number of fields' as problem,
    bad_row
from wrong_width
union all
select
    extract_id,
    'crimes' as table_name,
    row_number,
    null as line_number,
    problem,
    bad_row
from raw.crimes
where problem is not null
union all
select
    extract_id,
    'people' as table_name,
    row_number,
    null as line_number,
    problem,
    bad_row
from raw.people
where problem is not null
union all
select
    extract_id,
    'involvements' as table_name,
    row_number,
    null as line_number,
    problem,
    bad_row
from raw.involvements
where problem is not null
union all
select
    extract_id,
    'custody' as table_name,
    row_number,
    null as line_number,
    problem,
    bad_row
from raw.custody
where problem is not null
union all
select
    extract_id,
    'person_merges' as table_name,
    row_number,
    null as line_number,
    problem,
    bad_row
from raw.person_merges
where problem is not null
