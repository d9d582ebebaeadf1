select
    identities.force,
    identities.person_ref
from {{ ref('int_identities') }} as identities
inner join {{ ref('stg_person_merges') }} as person_merges
    on
        identities.force = person_merges.force
        and identities.person_ref = person_merges.person_ref
where identities.is_surviving_record
