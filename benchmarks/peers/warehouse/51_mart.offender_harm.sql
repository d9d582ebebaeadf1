-- One row per ranked offender on the list date.
select
    list_date,
    offender_key,
    harm_rank::integer as harm_rank,
    harm_days::double as harm_days,
    allegations::integer as allegations,
    female_victims::integer as female_victims,
    harm_days_named::double as harm_days_named,
    harm_days_charged::double as harm_days_charged,
    harm_days_convicted::double as harm_days_convicted,
    first_reported_on,
    latest_reported_on,
    unweighted_allegations::integer as unweighted_allegations,
    is_tied
from method.ranked
where list_date = date '$list_date'
