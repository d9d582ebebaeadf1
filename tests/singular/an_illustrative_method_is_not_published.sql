select
    builds.method,
    methods.title
from {{ ref('int_build') }} as builds
inner join {{ ref('ranking_methods') }} as methods
    on builds.method = methods.method
where methods.is_illustrative
