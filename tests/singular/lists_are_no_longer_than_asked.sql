select
    history.list_date,
    max(history.harm_rank) as places
from {{ ref('list_history') }} as history
cross join {{ ref('int_rules') }} as rules
group by history.list_date, rules.list_size
having max(history.harm_rank) > rules.list_size or max(history.harm_rank) <> count(*)
