{#- Fails with each combination of the columns that is in more than one row, or lacks a column that may not be missing. -#}
{% test unique_key(model, columns, may_be_missing=[]) %}
select
    {{ columns | join(', ') }},
    count(*) as rows_with_this_key
from {{ rows_just_made(model, columns) }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns if column not in may_be_missing %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
