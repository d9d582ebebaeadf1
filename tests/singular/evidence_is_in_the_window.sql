select
    evidence.offender_key,
    evidence.crime_ref
from {{ ref('offender_evidence') }} as evidence
cross join {{ ref('int_rules') }} as rules
where
    evidence.reported_on > evidence.list_date
    or evidence.counts_until < evidence.list_date
    or evidence.list_date <> rules.list_date
