select
    method,
    scoring
from {{ ref('ranking_methods') }}
where
    (
        scoring = 'points'
        and coalesce(recency_percent + frequency_percent + gravity_percent + victims_percent, 0) <> 100
    )
    or (
        scoring = 'harm'
        and coalesce(recency_percent, frequency_percent, gravity_percent, victims_percent) is not null
    )
