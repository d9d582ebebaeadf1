with recursive new_extracts as (

    select * from {{ ref('stg_new_extracts') }}

),

people as (

    select * from {{ ref('base_people') }}

),

merge_versions as (

    select * from {{ ref('base_person_merges') }}

),

person_merges as (

    select * from {{ ref('stg_person_merges') }}

),

-- Records with a new newest version, or whose merge was made, changed or withdrawn.
sent as (

    select
        people.force,
        people.person_ref
    from people
    inner join new_extracts
        on people.extract_id = new_extracts.extract_id

    union

    select
        merge_versions.force,
        merge_versions.person_ref
    from merge_versions
    inner join new_extracts
        on merge_versions.extract_id = new_extracts.extract_id

),

-- Every record merged into one of them, over any number of steps.
touched as (

    select
        force,
        person_ref,
        1 as step
    from sent

    union all

    select
        person_merges.force,
        person_merges.person_ref,
        touched.step + 1 as step
    from touched
    inner join person_merges
        on
            touched.force = person_merges.force
            and touched.person_ref = person_merges.merged_into_ref
    where touched.step < 10000

),

final as (

    select distinct
        force,
        person_ref,
        {{ digest(['force', 'person_ref']) }} as person_digest
    from touched

)

select * from final
