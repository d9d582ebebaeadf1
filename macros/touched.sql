{#- What makes a build cost what changed, and not what is stored. A refresh on top of tables that were built to the end
    only remakes what the new extracts touch; everything else, plain dbt among it, makes every table anew. -#}

{#- Whether only what the new extracts touch is remade. Only `harmrank refresh` may say so: it knows that the tables
    are whole and were made by the same rules. -#}
{% macro only_changes() -%}
    {{ return(env_var('HARMRANK_ONLY_CHANGES', 'no') == 'yes') }}
{%- endmacro %}

{#- dbt's own, overridden: models are made anew unless a refresh knows that they need not be, whatever plain dbt is told. -#}
{% macro should_full_refresh() -%}
    {{ return(not only_changes() or config.get('full_refresh') == true) }}
{%- endmacro %}

{#- Whether this model's table is remade in part: only that of a model that can be, and that is there already. -#}
{% macro remakes_part() -%}
    {{ return(only_changes() and is_incremental()) }}
{%- endmacro %}

{#- A WHERE that keeps what is to be remade: the rows whose columns stand in the model of touched keys. Nothing where
    the whole table is made. -#}
{% macro where_touched(model_name, columns) -%}
    {%- if not execute or remakes_part() -%}
        where ({{ columns | join(', ') }}) in (select {{ columns | join(', ') }} from {{ ref(model_name) }})
    {%- endif -%}
{%- endmacro %}

{#- The same for what hangs on two keys: the offender is touched, or the list date is. -#}
{% macro where_touched_list(offender_key, list_date) -%}
    {%- if not execute or remakes_part() -%}
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

{#- The incremental strategy: rows with touched keys go, those the model gives now come. Rows that nothing replaces go,
    too, which delete+insert would leave. `meta.touched` names models of touched keys and their columns; where it names no
    model, what the query gives says which rows go. -#}
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

{#- The rows of a tested model that this build has made, and those without a key: a test that costs much looks at these.
    The others were tested when they were made, by the same rules. -#}
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
