{#- The key of each table, in the order of the contract, as in record_key. -#}
{%- set keys = {
    'crimes': ['force', 'crime_ref'],
    'people': ['force', 'person_ref'],
    'involvements': ['force', 'crime_ref', 'person_ref', 'role'],
    'custody': ['force', 'person_ref', 'custody_from'],
    'person_merges': ['force', 'person_ref'],
} -%}
with quarantine as (

    select * from {{ ref('stg_quarantine') }}

),

corrections as (

    select * from {{ ref('stg_corrections') }}

),

files as (

    select * from {{ ref('stg_extract_files') }}

),

{% for table in keys -%}
{{ table }} as (

    select * from {{ ref('base_' ~ table) }}

),

{% endfor -%}
-- Rows with a later version of the same record, or its tombstone.
sent_again as (

    {% for table, key in keys.items() -%}
    select
        quarantine.extract_id,
        quarantine.table_name,
        quarantine.file_name,
        quarantine.line_number,
        {{ table }}.extract_id as cleared_by_extract_id
    from quarantine
    inner join {{ table }}
        on
            {% for column in key -%}
            {{ json_text('quarantine.record_key', loop.index0) }} = cast({{ table }}.{{ column }} as string)
            and {% endfor -%}
            quarantine.extract_id < {{ table }}.extract_id
    where quarantine.table_name = '{{ table }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

tables_brought as (

    select distinct
        extract_id,
        table_name
    from files

),

-- Rows of an extract that a later extract says it corrects, in the tables that one brings.
corrected as (

    select
        quarantine.extract_id,
        quarantine.table_name,
        quarantine.file_name,
        quarantine.line_number,
        corrections.extract_id as cleared_by_extract_id
    from quarantine
    inner join corrections
        on
            quarantine.extract_id = corrections.corrects_extract_id
            and quarantine.extract_id < corrections.extract_id
    inner join tables_brought
        on
            corrections.extract_id = tables_brought.extract_id
            and quarantine.table_name = tables_brought.table_name

),

clearings as (

    select * from sent_again
    union all
    select * from corrected

),

first_clearings as (

    select
        extract_id,
        table_name,
        file_name,
        line_number,
        min(cleared_by_extract_id) as cleared_by_extract_id
    from clearings
    group by extract_id, table_name, file_name, line_number

),

final as (

    select
        quarantine.extract_id,
        quarantine.table_name,
        quarantine.file_name,
        quarantine.line_number,
        quarantine.reason,
        quarantine.record_key,
        first_clearings.cleared_by_extract_id is not null as is_cleared,
        first_clearings.cleared_by_extract_id
    from quarantine
    left join first_clearings
        on
            quarantine.extract_id = first_clearings.extract_id
            and quarantine.table_name = first_clearings.table_name
            and quarantine.file_name = first_clearings.file_name
            and quarantine.line_number = first_clearings.line_number

)

select * from final
