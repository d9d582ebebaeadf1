-- One row per place on a monthly list.
select
    list_date,
    harm_rank::integer as harm_rank,
    offender_key,
    harm_days::double as harm_days,
    allegations::integer as allegations,
    female_victims::integer as female_victims
from method.ranked
where harm_rank <= 100 and list_date = last_day(list_date)
