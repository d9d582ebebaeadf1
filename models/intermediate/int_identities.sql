with recursive people as (

    select
        force,
        person_ref
    from {{ ref('stg_people') }}

),

involvements as (

    select
        force,
        person_ref
    from {{ ref('stg_involvements') }}

),

person_merges as (

    select * from {{ ref('stg_person_merges') }}

),

-- Every step of every chain: where a record ends up after one merge, two, three ... Landing refuses a circle;
-- the limit only makes sure that one that got in all the same ends here, for the test merges_end to find.
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

survivors as (

    select
        steps.force,
        steps.person_ref,
        steps.merged_into_ref as surviving_ref
    from steps
    left join person_merges
        on
            steps.force = person_merges.force
            and steps.merged_into_ref = person_merges.person_ref
    where person_merges.person_ref is null

),

records as (

    select * from people
    union
    select * from involvements
    union
    select
        force,
        person_ref
    from survivors
    union
    select
        force,
        surviving_ref as person_ref
    from survivors

),

final as (

    select
        records.force,
        records.person_ref,
        records.force || '|' || coalesce(survivors.surviving_ref, records.person_ref) as person_key,
        survivors.surviving_ref is null as is_surviving_record
    from records
    left join survivors
        on
            records.force = survivors.force
            and records.person_ref = survivors.person_ref

)

select * from final
