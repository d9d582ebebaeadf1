-- One row per extract and table: rows read, rows kept, rows in quarantine.
with landed as (

    select
        extract_id,
        'crimes' as table_name,
        count(*) filter (where problem is null) as rows_landed
    from raw.crimes
    group by extract_id
    union all
    select
        extract_id,
        'people' as table_name,
        count(*) filter (where problem is null) as rows_landed
    from raw.people
    group by extract_id
    union all
    select
        extract_id,
        'involvements' as table_name,
        count(*) filter (where problem is null) as rows_landed
    from raw.involvements
    group by extract_id
    union all
    select
        extract_id,
        'custody' as table_name,
        count(*) filter (where problem is null) as rows_landed
    from raw.custody
    group by extract_id
    union all
    select
        extract_id,
        'person_merges' as table_name,
        count(*) filter (where problem is null) as rows_landed
    from raw.person_merges
    group by extract_id

),

newest as (

    select
        extract_id,
        'crimes' as table_name,
        count(*) filter (where not is_deleted) as rows_current,
        count(*) filter (where is_deleted) as rows_deleted
    from newest.crimes
    group by extract_id
    union all
    select
        extract_id,
        'people' as table_name,
        count(*) filter (where not is_deleted) as rows_current,
        count(*) filter (where is_deleted) as rows_deleted
    from newest.people
    group by extract_id
    union all
    select
        extract_id,
        'involvements' as table_name,
        count(*) filter (where not is_deleted) as rows_current,
        count(*) filter (where is_deleted) as rows_deleted
    from newest.involvements
    group by extract_id
    union all
    select
        extract_id,
        'custody' as table_name,
        count(*) filter (where not is_deleted) as rows_current,
        count(*) filter (where is_deleted) as rows_deleted
    from newest.custody
    group by extract_id
    union all
    select
        extract_id,
        'person_merges' as table_name,
        count(*) filter (where not is_deleted) as rows_current,
        count(*) filter (where is_deleted) as rows_deleted
    from newest.person_merges
    group by extract_id

),

quarantined as (

    select
        extract_id,
        table_name,
        count(*) as rows_quarantined
    from raw.quarantine
    group by extract_id, table_name

)

select
    landed.extract_id,
    landed.table_name,
    landed.rows_landed + coalesce(quarantined.rows_quarantined, 0) as rows_read,
    landed.rows_landed,
    coalesce(quarantined.rows_quarantined, 0) as rows_quarantined,
    coalesce(newest.rows_current, 0) as rows_current,
    landed.rows_landed - coalesce(newest.rows_current, 0) - coalesce(newest.rows_deleted, 0) as rows_superseded,
    coalesce(newest.rows_deleted, 0) as rows_deleted
from landed
left join newest
    on
        landed.extract_id = newest.extract_id
        and landed.table_name = newest.table_name
left join quarantined
    on
        landed.extract_id = quarantined.extract_id
        and landed.table_name = quarantined.table_name
