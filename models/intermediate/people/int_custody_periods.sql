with custody as (

    select * from {{ ref('stg_custody') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

final as (

    select distinct
        {{ person_key('custody', 'identities') }} as person_key,
        custody.custody_from,
        custody.custody_to
    from custody
    left join identities
        on
            custody.force = identities.force
            and custody.person_ref = identities.person_ref

)

select * from final
