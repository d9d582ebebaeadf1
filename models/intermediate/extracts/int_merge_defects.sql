with person_merges as (

    select * from {{ ref('stg_person_merges') }}

),

people as (

    select * from {{ ref('stg_people') }}

),

final as (

    select
        person_merges.extract_id,
        person_merges.force,
        person_merges.person_ref,
        'person_merges' as table_name,
        'merged_into_ref' as column_name,
        'merged into a person who has not been sent: sex and age are unknown until then' as reason
    from person_merges
    left join people
        on
            person_merges.force = people.force
            and person_merges.merged_into_ref = people.person_ref
    left join person_merges as next_merges
        on
            person_merges.force = next_merges.force
            and person_merges.merged_into_ref = next_merges.person_ref
    where people.person_ref is null and next_merges.person_ref is null

)

select * from final
