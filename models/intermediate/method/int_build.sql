with requests as (

    select * from {{ ref('stg_build_request') }}

),

methods as (

    select * from {{ ref('ranking_methods') }}

),

extracts as (

    select * from {{ ref('stg_extracts') }}

),

newest as (

    select
        max(extract_on) as newest_extract_on,
        max(landed_at) as newest_landed_at
    from extracts

),

default_method as (

    select max(method) as method
    from methods
    where is_default

),

-- Where extracts have landed and no refresh has asked for a build yet, the defaults apply.
final as (

    select
        {% if var('method', none) or var('list_date', none) -%}
        'dbt variables, never published' as build_id,
        {%- else -%}
        coalesce(requests.build_id, 'not asked for by a refresh') as build_id,
        {%- endif %}
        coalesce(requests.requested_at, newest.newest_landed_at) as requested_at,
        {% if var('method', none) -%}
        '{{ var("method") }}' as method,
        {%- else -%}
        coalesce(requests.method, default_method.method) as method,
        {%- endif %}
        {% if var('list_date', none) -%}
        cast('{{ var("list_date") }}' as date) as list_date,
        {%- else -%}
        coalesce(requests.list_date, newest.newest_extract_on) as list_date,
        {%- endif %}
        requests.known_at,
        newest.newest_extract_on,
        coalesce(requests.code_version, 'not recorded') as code_version,
        coalesce(requests.duckdb_version, version()) as duckdb_version,
        coalesce(requests.dbt_version, '{{ dbt_version }}') as dbt_version
    from newest
    cross join default_method
    left join requests
        on newest.newest_extract_on is not null

)

select * from final
