{#- Fails with each value that is not a multiple of 0.5. -#}
{% test multiple_of_half(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} * 2 <> floor({{ column_name }} * 2)
{% endtest %}
