{#- Fails with each value of the columns that is missing or less than the minimum. -#}
{% test at_least(model, columns, minimum) %}
{%- for column in columns %}
select
    '{{ column }}' as column_name,
    {{ column }} as value
from {{ model }}
where coalesce({{ column }}, {{ minimum }} - 1) < {{ minimum }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
