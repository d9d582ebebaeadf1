{#- What dbt's adapter for Spark lacks, or does differently than this project needs. -#}

{#- The text between the quotes of a string: Spark reads a backslash as an escape, which dbt's own macro ignores. -#}
{% macro spark__escape_single_quotes(expression) -%}
    {{ return(expression | string | replace('\\', '\\\\') | replace("'", "\\'")) }}
{%- endmacro %}

{#- Rows of a seed. In session mode dbt's own macro does not escape values and writes `None` for a missing one. Here each
    column is cast once, not each value. -#}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(1000) -%}
        {%- set statement -%}
            insert into {{ this.render() }}
            select
                {%- for name in agate_table.column_names %}
                cast({{ name }} as {{ types.get(name, 'string') }}){{ ',' if not loop.last }}
                {%- endfor %}
            from values
                {%- for row in chunk %}
                (
                    {%- for value in row -%}
                        {{- 'null' if value is none else dbt.string_literal(dbt.escape_single_quotes(value)) -}}
                        {{- ', ' if not loop.last -}}
                    {%- endfor -%}
                ){{ ',' if not loop.last }}
                {%- endfor %}
                as given ({{ agate_table.column_names | join(', ') }})
        {%- endset -%}
        {%- do adapter.add_query(statement, abridge_sql_log=True) -%}
        {%- do statements.append(statement) -%}
    {%- endfor -%}
    {{ return(statements[0]) }}
{%- endmacro %}

{#- Replaces a table by the result of a query, which may read the table. -#}
{% macro replace_table(relation, query) -%}
    {%- set made = relation.incorporate(path={'identifier': relation.identifier ~ '__next'}, type='table') -%}
    {%- do adapter.drop_relation(made) -%}
    {%- do run_query('create table ' ~ made ~ ' using ' ~ config.get('file_format', 'parquet') ~ ' as ' ~ query) -%}
    {%- do adapter.drop_relation(relation) -%}
    {%- do run_query('alter table ' ~ made ~ ' rename to ' ~ relation) -%}
{%- endmacro %}

{#- Incremental models on Spark, by the strategy `replace_touched`, which dbt's own materialization would refuse. Files of
    Parquet change no row: a table is rewritten from its untouched rows and the model's new rows. -#}
{% materialization incremental, adapter='spark' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if rebuilds_part() -%}
        {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='quoted') | join(', ') -%}
        {%- set given = target_relation.incorporate(path={'identifier': this.identifier ~ '__given'}) -%}
        {%- do adapter.drop_relation(given) -%}
        {%- call statement('main') -%}
            {{ create_table_as(False, given, compiled_code) }}
        {%- endcall -%}
        {%- do replace_table(
            target_relation,
            'select ' ~ columns ~ ' from ' ~ target_relation ~ ' where not coalesce(' ~ is_row_touched(given) ~ ', false)'
            ~ ' union all select ' ~ columns ~ ' from ' ~ given
        ) -%}
        {%- do adapter.drop_relation(given) -%}
    {%- else -%}
        {%- if existing is not none -%}
            {%- do adapter.drop_relation(existing) -%}
        {%- endif -%}
        {%- call statement('main') -%}
            {{ create_table_as(False, target_relation, compiled_code) }}
        {%- endcall -%}
    {%- endif -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}
