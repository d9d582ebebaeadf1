-- One row per allegation behind a place on the list.
select
    listed.list_date,
    listed.harm_rank,
    listed.offender_key,
    allegations.force,
    allegations.crime_ref,
    allegations.offence_code,
    allegations.offence,
    allegations.reported_on,
    allegations.committed_from,
    allegations.status,
    allegations.outcome_type,
    allegations.female_victims::integer as female_victims,
    'cchi_2020_supplemented' as harm_index,
    allegations.harm_days,
    allegations.is_historic,
    allegations.weight_is_ambiguous
from mart.offender_harm as listed
inner join method.counted as counted
    on
        listed.list_date = counted.list_date
        and listed.offender_key = counted.offender_key
inner join method.allegations as allegations
    on
        counted.offender_key = allegations.offender_key
        and counted.force = allegations.force
        and counted.crime_ref = allegations.crime_ref
where listed.harm_rank <= 100
