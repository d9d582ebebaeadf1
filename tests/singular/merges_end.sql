select
    person_merges.force,
    person_merges.person_ref
from {{ ref('stg_person_merges') }} as person_merges
left join {{ ref('int_identities') }} as identities
    on
        person_merges.force = identities.force
        and person_merges.person_ref = identities.person_ref
where identities.person_key is null
