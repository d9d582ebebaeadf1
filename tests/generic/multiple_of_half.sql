{#- Fails with each value of the columns that is not a multiple of 0.5. -#}
{% test multiple_of_half(model, columns) %}
{%- for column in columns %}
select
    '{{ column }}' as column_name,
    {{ column }} as value
from {{ model }}
where {{ column }} * 2 <> floor({{ column }} * 2)
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
