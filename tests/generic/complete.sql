{#- Fails with each missing value: the name of its column. -#}
{% test complete(model, columns) %}
{%- for column in columns %}
select '{{ column }}' as column_name
from {{ model }}
where {{ column }} is null
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
