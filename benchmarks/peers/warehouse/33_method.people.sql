-- One row per surviving person record.
select
    people.force || '|' || people.person_ref as person_key,
    people.sex,
    people.date_of_birth,
    people.birth_year,
    people.deceased_on
from newest.people as people
where
    not people.is_deleted
    and not exists (
        select 1 from method.merged as merged
        where merged.force = people.force and merged.person_ref = people.person_ref
    )
