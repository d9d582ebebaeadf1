{#- Fails with each row whose value is missing or less than the minimum. -#}
{% test at_least(model, column_name, minimum) %}
select {{ column_name }}
from {{ model }}
where coalesce({{ column_name }}, {{ minimum }} - 1) < {{ minimum }}
{% endtest %}
