{#- Fails with one row when a column does not hold exactly the whole numbers from 1 to the number of rows. -#}
{% test whole_numbers_from_one(model, column_name) %}
select
    min({{ column_name }}) as smallest,
    max({{ column_name }}) as largest,
    count(distinct {{ column_name }}) as different,
    count(*) as all_rows
from {{ model }}
having
    count(*) > 0
    and (
        min({{ column_name }}) <> 1
        or max({{ column_name }}) <> count(*)
        or count(distinct {{ column_name }}) <> count(*)
    )
{% endtest %}
