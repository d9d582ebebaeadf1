with people as (

    select
        offender_key,
        sum(case when is_surviving_record then 1 else 0 end) as surviving_records
    from {{ ref('offender_people') }}
    group by offender_key

),

offenders as (

    select offender_key from {{ ref('offender_harm') }}
    union
    select offender_key from {{ ref('list_history') }}

),

final as (

    select
        people.offender_key as named,
        offenders.offender_key as on_a_list
    from people
    full outer join offenders
        on people.offender_key = offenders.offender_key
    where
        people.offender_key is null
        or offenders.offender_key is null
        or people.surviving_records <> 1

)

select * from final
