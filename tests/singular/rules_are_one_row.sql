select count(*) as methods
from {{ ref('int_rules') }}
having count(*) <> 1
