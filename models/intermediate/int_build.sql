with requests as (

    select * from {{ ref('stg_build_request') }}

),

extracts as (

    select max(extract_on) as newest_extract_on from {{ ref('stg_extracts') }}

),

final as (

    select
        requests.build_id,
        requests.requested_at,
        {% if var('method', none) -%}
        '{{ var("method") }}' as method,
        {%- else -%}
        requests.method,
        {%- endif %}
        {% if var('list_date', none) -%}
        cast('{{ var("list_date") }}' as date) as list_date,
        {%- else -%}
        coalesce(requests.list_date, extracts.newest_extract_on) as list_date,
        {%- endif %}
        extracts.newest_extract_on,
        requests.code_version,
        requests.duckdb_version,
        requests.dbt_version
    from requests
    cross join extracts

)

select * from final
