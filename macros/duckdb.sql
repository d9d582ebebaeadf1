{#- Where dbt's adapter for DuckDB takes more statements than this project needs. It builds a table beside the old one and
    renames both; here one transaction replaces it, which is as safe: after an error the old one stays. -#}

{% materialization table, adapter='duckdb' -%}
    {%- set target_relation = make_room('table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        create or replace table {{ target_relation }}
        {%- if config.get('contract').enforced -%}
            {#- Names and types; rules that have not changed make the same. -#}
            {%- if not only_changes() -%}{{ get_assert_columns_equivalent(compiled_code) }}{%- endif -%}
            {{ get_table_columns_and_constraints() }};
            insert into {{ target_relation }} {{ get_column_names() }}
            {{ get_select_subquery(compiled_code) }}
        {%- else %}
            as {{ compiled_code }}
        {%- endif -%}
    {%- endcall -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{% materialization view, adapter='duckdb' -%}
    {%- set target_relation = make_room('view') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        create or replace view {{ target_relation }} as {{ compiled_code }}
    {%- endcall -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{#- Returns the model's relation of that type. One of the other type, as an earlier version made it, is dropped: DuckDB
    would not replace it. -#}
{% macro make_room(type) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.type != type -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {{ return(this.incorporate(type=type)) }}
{%- endmacro %}

{#- Descriptions of a relation and its columns, in one statement and without asking which columns it has: each has a
    description, and one of a column that is gone is an error. Rows that are replaced in a table leave its descriptions. -#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- if not rebuilds_part() -%}
        {%- call statement('descriptions') -%}
            comment on {{ relation.type }} {{ relation }} is {{ duckdb_escape_comment(model.description) }};
            {%- for column in model.columns.values() %}
            comment on column {{ relation }}.{{ adapter.quote(column.name) }} is {{ duckdb_escape_comment(column.description) }};
            {%- endfor %}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
