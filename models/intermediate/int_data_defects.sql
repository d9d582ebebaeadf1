with value_defects as (

    select * from {{ ref('stg_value_defects') }}

),

quarantine as (

    select * from {{ ref('stg_quarantine') }}

),

crime_defects as (

    select * from {{ ref('int_crime_defects') }}

),

involvement_defects as (

    select * from {{ ref('int_involvement_defects') }}

),

merge_defects as (

    select * from {{ ref('int_merge_defects') }}

),

quarantined as (

    select
        extract_id,
        table_name,
        '(row)' as column_name,
        'quarantined: ' || reason as reason,
        count(*) as rows_affected
    from quarantine
    group by extract_id, table_name, reason

),

all_defects as (

    select * from value_defects
    union all
    select * from quarantined
    union all
    select * from crime_defects
    union all
    select * from involvement_defects
    union all
    select * from merge_defects

),

final as (

    select
        extract_id,
        table_name,
        column_name,
        reason,
        sum(rows_affected) as rows_affected
    from all_defects
    group by extract_id, table_name, column_name, reason

)

select * from final
