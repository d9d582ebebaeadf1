select count(*) as default_methods
from {{ ref('ranking_methods') }}
where is_default
having count(*) <> 1
