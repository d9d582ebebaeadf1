with list_dates as (

    select * from {{ ref('int_list_dates') }}

),

custody as (

    select * from {{ ref('stg_custody') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

final as (

    select distinct
        list_dates.list_date,
        {{ person_key('custody', 'identities') }} as person_key
    from custody
    inner join list_dates
        on
            custody.custody_from <= list_dates.list_date
            and (custody.custody_to is null or custody.custody_to > list_dates.list_date)
    left join identities
        on
            custody.force = identities.force
            and custody.person_ref = identities.person_ref

)

select * from final
