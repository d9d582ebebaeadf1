{#- Marks the tables as not whole in the ledger of what they hold (`built`, its relation); the ledger stays. -#}
{% macro mark_not_whole(built) -%}
    {{ return(adapter.dispatch('mark_not_whole', 'harmrank')(built)) }}
{%- endmacro %}

{% macro default__mark_not_whole(built) -%}
    {#- The text that a hook returns would be rolled back. -#}
    {%- do run_query('update ' ~ built ~ ' set is_whole = false') -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- Parquet files cannot be updated: a new table replaces the old one. -#}
{% macro spark__mark_not_whole(built) -%}
    {%- do replace_table(
        built, 'select extract_id, content_sha256, rules, false as is_whole from ' ~ built
    ) -%}
{%- endmacro %}
