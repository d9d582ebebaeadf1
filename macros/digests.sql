{#- Keys as whole numbers, to find rows among millions: a build on top of the last one finds touched keys by them.
    They are not unique: if two keys share a digest, a build only reads more rows than it must. With four bytes few do:
    of ten million keys, several hundred share the digest of a key of one month. -#}

{#- The digest of a key, the same in every table of a build. Another engine or version may compute a different one. -#}
{% macro digest(columns) -%}
    {{ return(adapter.dispatch('digest', 'harmrank')(columns)) }}
{%- endmacro %}

{% macro default__digest(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro duckdb__digest(columns) -%}
    cast(hash({{ columns | join(', ') }}) % 4294967296 as uinteger)
{%- endmacro %}

{#- A WHERE that keeps the rows of a large model whose digest is in a small relation of the query: all rows that a join
    of the two can use, and few more. A full build keeps all rows, unless the relation is small there too
    (`always_few`). -#}
{% macro where_key_in(digest, relation, asked_for=none, always_few=false) -%}
    {%- if not execute or only_changes() or always_few -%}
        where {{ digest }} in (select {{ asked_for or digest }} from {{ relation }})
    {%- endif -%}
{%- endmacro %}
