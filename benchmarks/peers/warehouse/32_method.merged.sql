-- One row per person record that was merged away: the record at the end of its chain.
with recursive person_merges as (

    select
        force,
        person_ref,
        merged_into_ref
    from newest.person_merges
    where not is_deleted

),

steps as (

    select
        force,
        person_ref,
        merged_into_ref as reached_ref,
        1 as step
    from person_merges
    union all
    select
        steps.force,
        steps.person_ref,
        person_merges.merged_into_ref as reached_ref,
        steps.step + 1 as step
    from steps
    inner join person_merges
        on
            steps.force = person_merges.force
            and steps.reached_ref = person_merges.person_ref
    where steps.step < 10000

)

select
    force,
    person_ref,
    arg_max(reached_ref, step) as surviving_ref
from steps
group by force, person_ref
