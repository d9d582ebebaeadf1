{#- The newest version of each record, tombstones included: the newest updated_at wins, then the later
    extract, then the later row. The engine overrides only say the same thing faster. -#}
{% macro newest_version(relation, key, attributes) -%}
    {{ return(adapter.dispatch('newest_version', 'harmrank')(relation, key, attributes)) }}
{%- endmacro %}

{% macro default__newest_version(relation, key, attributes) -%}
{%- set columns = key + attributes + ['is_deleted', 'updated_at', 'extract_id'] -%}
with source as (

    select * from {{ relation }}

),

numbered as (

    select
        {{ columns | join(',\n        ') }},
        row_number() over (
            partition by {{ key | join(', ') }}
            order by updated_at desc, extract_id desc, row_number desc
        ) as version_number
    from source

),

final as (

    select
        {{ columns | join(',\n        ') }}
    from numbered
    where version_number = 1

)

select * from final
{%- endmacro %}

{% macro duckdb__newest_version(relation, key, attributes) -%}
{%- set versioned = attributes + ['is_deleted', 'updated_at', 'extract_id'] -%}
with source as (

    select * from {{ relation }}

),

newest as (

    select
        {{ key | join(',\n        ') }},
        arg_max(
            struct_pack(
                {%- for column in versioned %}
                {{ column }} := {{ column }}{{ ',' if not loop.last }}
                {%- endfor %}
            ),
            row(updated_at, extract_id, row_number)
        ) as version
    from source
    group by {{ key | join(', ') }}

),

final as (

    select
        {{ key | join(',\n        ') }},
        {%- for column in versioned %}
        version.{{ column }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from newest

)

select * from final
{%- endmacro %}
