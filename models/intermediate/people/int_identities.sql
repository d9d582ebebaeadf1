{{- runs_after('int_identities_before') -}}
with recursive person_merges as (

    select * from {{ ref('stg_person_merges') }}

),

-- Every step of every chain: where a record ends up after one merge, two, three ... Landing refuses a circle;
-- the limit only ends a circle that landed anyway, so that the test merges_end finds it.
steps as (

    select
        force,
        person_ref,
        merged_into_ref,
        1 as step
    from person_merges

    union all

    select
        steps.force,
        steps.person_ref,
        person_merges.merged_into_ref,
        steps.step + 1 as step
    from steps
    inner join person_merges
        on
            steps.force = person_merges.force
            and steps.merged_into_ref = person_merges.person_ref
    where steps.step < 10000

),

-- The end of each chain is the record that nothing was merged into another.
final as (

    select
        steps.force,
        steps.person_ref,
        steps.force as surviving_force,
        steps.merged_into_ref as surviving_ref,
        steps.force || '|' || steps.merged_into_ref as person_key
    from steps
    left join person_merges
        on
            steps.force = person_merges.force
            and steps.merged_into_ref = person_merges.person_ref
    where person_merges.person_ref is null

)

select * from final
