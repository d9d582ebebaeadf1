{#- A build costs what has changed, not what is stored. A refresh on top of trusted tables rebuilds only what the new
    extracts touch; every other build, plain dbt included, is a full build. -#}

{#- Whether the build rebuilds only what the new extracts touch. Only `harmrank refresh` may ask for that: it knows that
    the tables are trusted and were built by the same rules. -#}
{% macro only_changes() -%}
    {{ return(env_var('HARMRANK_ONLY_CHANGES', 'no') == 'yes') }}
{%- endmacro %}

{#- Overrides dbt's own: every build is a full build unless a refresh asks for changes only; no flag of dbt changes that. -#}
{% macro should_full_refresh() -%}
    {{ return(not only_changes() or config.get('full_refresh') == true) }}
{%- endmacro %}

{#- Whether only part of this model's table is rebuilt: it must exist, and its model be incremental. -#}
{% macro rebuilds_part() -%}
    {{ return(only_changes() and is_incremental()) }}
{%- endmacro %}

{#- A WHERE that keeps the rows to rebuild: their columns are in the model of touched keys. Nothing where the whole table
    is built. -#}
{% macro where_touched(model_name, columns) -%}
    {%- if not execute or rebuilds_part() -%}
        where ({{ columns | join(', ') }}) in (select {{ columns | join(', ') }} from {{ ref(model_name) }})
    {%- endif -%}
{%- endmacro %}

{#- The same for rows with two keys: the offender is touched, or the list date is. -#}
{% macro where_touched_list(offender_key, list_date) -%}
    {%- if not execute or rebuilds_part() -%}
        where
            {{ offender_key }} in (select offender_key from {{ ref('int_touched_offenders') }})
            or {{ list_date }} in (select list_date from {{ ref('int_touched_list_dates') }})
    {%- endif -%}
{%- endmacro %}

{#- Makes a model run after another without reading it. -#}
{% macro runs_after(model_name) -%}
    {%- if not execute %}{% do ref(model_name) %}{% endif -%}
{%- endmacro %}

{#- A model's table as the last build left it, for a model that runs before it: that one must refer to this. -#}
{% macro as_last_built(model_name) -%}
    {{ return(this.incorporate(path={'identifier': model_name})) }}
{%- endmacro %}

{#- The incremental strategy: rows with touched keys are deleted, the model's new rows inserted. Rows without a replacement
    are deleted too, which delete+insert would leave. `meta.touched` names models of touched keys and their columns; where
    it names no model, the keys in the query's result are the touched ones. -#}
{% macro get_incremental_replace_touched_sql(arg_dict) -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arg_dict['target_relation'] }}
    where {{ is_row_touched(arg_dict['temp_relation']) }};

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}

{#- Whether a row of this model's table has one of its touched keys. -#}
{% macro is_row_touched(made) -%}
    {%- for touched in config.get('meta')['touched'] %}
        {{ 'or ' if not loop.first }}{{ is_touched(touched, made) }}
    {%- endfor %}
{%- endmacro %}

{#- Whether a row has a touched key. -#}
{% macro is_touched(touched, made) -%}
    {%- set columns = touched['columns'] | join(', ') -%}
    ({{ columns }}) in (select {{ columns }} from {{ as_last_built(touched['by']) if 'by' in touched else made }})
{%- endmacro %}

{#- The rows of a tested model that this build has made, and those without a key: an expensive test looks at these. All
    other rows were tested when they were made, by the same rules. `meta.tested` says where to look if not in `touched`. -#}
{% macro rows_just_made(tested, key) -%}
    {%- set node = graph.nodes[model.attached_node] if execute else none -%}
    {%- set meta = node.config.meta if execute and only_changes() else {} -%}
    {%- set touched = meta.get('tested', meta.get('touched', [])) -%}
    {%- if touched -%}
        (
            select * from {{ tested }}
            where
                {%- for keys in touched %}
                {%- set made -%}
                    ({{ keys['columns'] | join(', ') }}) in (
                        select {{ keys.get('called', keys['columns']) | join(', ') }}
                        from {{ api.Relation.create(node.database, node.schema, keys['by']) }}
                    )
                {%- endset %}
                {{ 'or ' if not loop.first }}
                {%- if keys.get('whole_keys') -%}
                    {{ keys['whole_keys'] }} in (select {{ keys['whole_keys'] }} from {{ tested }} where {{ made }})
                {%- else -%}
                    {{ made }}
                {%- endif %}
                {%- endfor %}
                {%- for column in key %}
                or {{ column }} is null
                {%- endfor %}
        ) as rows_just_made
    {%- else -%}
        {{ tested }}
    {%- endif -%}
{%- endmacro %}

{#- Runs before dbt builds anything: a later refresh rebuilds every table unless one has marked them trusted since. -#}
{% macro mark_tables_untrusted() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'retry') -%}
        {%- set built = adapter.get_relation(target.database, 'raw', 'built_extracts') -%}
        {%- if built -%}
            {{- mark_not_whole(built) -}}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
