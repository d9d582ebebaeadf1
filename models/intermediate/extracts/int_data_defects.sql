with value_defects as (

    select * from {{ ref('stg_value_defects') }}

),

quarantine as (

    select * from {{ ref('stg_quarantine') }}

),

checks as (

    select * from {{ ref('stg_extract_checks') }}

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

-- A check of a table as a whole counts as one row.
failed_checks as (

    select
        extract_id,
        table_name,
        column_name,
        'check not passed: ' || sentence as reason,
        coalesce(rows_unexpected, 1) as rows_affected
    from checks
    where not has_passed

),

content_defects as (

    {% for defects in ['crime_defects', 'involvement_defects', 'merge_defects'] -%}
    select
        extract_id,
        table_name,
        column_name,
        reason,
        1 as rows_affected
    from {{ defects }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

all_defects as (

    select * from value_defects
    where rows_affected > 0
    union all
    select * from quarantined
    union all
    select * from failed_checks
    union all
    select * from content_defects

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
