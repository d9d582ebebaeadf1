with person_merges as (

    select * from {{ ref('stg_person_merges') }}

),

people as (

    select * from {{ ref('stg_people') }}

),

defects as (

    select
        person_merges.extract_id,
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

),

final as (

    select
        extract_id,
        table_name,
        column_name,
        reason,
        count(*) as rows_affected
    from defects
    group by extract_id, table_name, column_name, reason

)

select * from final
