{#- Keys as whole numbers, for what must be found among millions of rows: a build on top of the last one looks touched
    keys up by these. They are no keys: two keys may share one, which only makes a build look at more rows than it need. With
    four bytes, few do: of ten million keys, several hundred beside a month's. -#}

{#- The digest of a key. The same in every table of a build; another engine or version may compute another. -#}
{% macro digest(columns) -%}
    {{ return(adapter.dispatch('digest', 'harmrank')(columns)) }}
{%- endmacro %}

{% macro default__digest(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro duckdb__digest(columns) -%}
    cast(hash({{ columns | join(', ') }}) % 4294967296 as uinteger)
{%- endmacro %}

{#- A WHERE that keeps the rows of a large model whose digest a small relation of the query has: all rows that a join of the
    two can use, and few more. In a full build it keeps all rows, unless the relation is small then too (`always_few`). -#}
{% macro where_key_in(digest, relation, asked_for=none, always_few=false) -%}
    {%- if not execute or only_changes() or always_few -%}
        where {{ digest }} in (select {{ asked_for or digest }} from {{ relation }})
    {%- endif -%}
{%- endmacro %}
