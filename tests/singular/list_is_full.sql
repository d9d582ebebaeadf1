{{ config(severity='warn') }}

select
    rules.list_size,
    count(places.harm_rank) as places
from {{ ref('int_rules') }} as rules
left join {{ ref('top_100') }} as places
    on rules.list_date = places.list_date
group by rules.list_size
having count(places.harm_rank) < rules.list_size
