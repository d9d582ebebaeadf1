{#- Counted in the tables themselves, as a check on the landing ledger. -#}
{%- set tables = ['crimes', 'people', 'involvements', 'custody', 'person_merges'] -%}
with {% for table in tables -%}
{{ table }}_landed as (

    select
        extract_id,
        '{{ table }}' as table_name,
        count(*) as rows_in_raw
    from {{ source('raw', table) }}
    group by extract_id

),

{{ table }}_newest as (

    select
        extract_id,
        sum(case when is_deleted then 0 else 1 end) as rows_current,
        sum(case when is_deleted then 1 else 0 end) as rows_deleted
    from {{ ref('base_' ~ table) }}
    group by extract_id

),

{% endfor -%}
counted as (

    {% for table in tables -%}
    select
        {{ table }}_landed.extract_id,
        {{ table }}_landed.table_name,
        {{ table }}_landed.rows_in_raw,
        coalesce({{ table }}_newest.rows_current, 0) as rows_current,
        coalesce({{ table }}_newest.rows_deleted, 0) as rows_deleted
    from {{ table }}_landed
    left join {{ table }}_newest
        on {{ table }}_landed.extract_id = {{ table }}_newest.extract_id
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        extract_id,
        table_name,
        rows_in_raw,
        rows_current,
        rows_deleted,
        rows_in_raw - rows_current - rows_deleted as rows_superseded
    from counted

)

select * from final
