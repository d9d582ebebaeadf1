{#- Each list of words of a method, once its known words are struck out, must be blank. -#}
{%- set known = {
    'offender_sexes': ['M', 'F', 'X', 'U'],
    'victim_sexes': ['M', 'F', 'X', 'U'],
    'vawg_scopes': ['in', 'discretionary', 'out'],
    'statuses': ['named', 'arrested', 'charged', 'convicted', 'acquitted', 'eliminated'],
    'reported_by': ['victim', 'witness', 'third_party', 'police', 'company'],
} -%}
{% for column, words in known.items() -%}
{%- set remaining = namespace(sql="' ' || replace(" ~ column ~ ", ' ', '  ') || ' '") -%}
{%- for word in words -%}
{%- set remaining.sql = "replace(" ~ remaining.sql ~ ", ' " ~ word ~ " ', ' ')" -%}
{%- endfor -%}
select
    method,
    '{{ column }}' as column_name,
    {{ column }} as words
from {{ ref('ranking_methods') }}
where trim({{ remaining.sql }}) <> '' or trim({{ column }}) = ''
{{ 'union all' if not loop.last }}
{% endfor %}
