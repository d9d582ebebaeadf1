{#- Fails with each of the columns in which a row has no value, and in how many rows. -#}
{% test complete(model, columns) %}
{%- for column in columns %}
select
    '{{ column }}' as column_name,
    count(*) as rows_without_value
from {{ model }}
where {{ column }} is null
having count(*) > 0
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
