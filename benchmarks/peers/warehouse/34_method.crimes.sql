-- One row per current crime, weighed.
select
    crimes.force,
    crimes.crime_ref,
    offences.offence_code,
    offences.offence,
    offences.is_in_scope,
    offences.harm_days,
    offences.weight_is_ambiguous,
    coalesce(crimes.reported_by, 'victim') as reported_by,
    crimes.outcome_type,
    coalesce(crimes.outcome_type between 1 and 8, false) as is_detected,
    crimes.area_code,
    crimes.reported_on,
    crimes.committed_from,
    coalesce(crimes.committed_to, crimes.committed_from) as last_committed_on,
    crimes.cancelled_on
from newest.crimes as crimes
inner join method.offences as offences
    on crimes.offence_code = offences.spelling
where not crimes.is_deleted
