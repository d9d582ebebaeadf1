with counted as (

    select * from {{ ref('int_counted_allegations') }}

),

eligible as (

    select * from {{ ref('int_eligible_allegations') }}

),

members as (

    select offender_key from {{ ref('int_list_members') }}
    union
    select offender_key from {{ ref('int_published_places') }}

),

allegations as (

    select
        offender_key,
        force,
        crime_ref,
        crime_digest,
        offence_code,
        counts_until,
        cancelled_on,
        deceased_on
    from eligible
    where offender_key in (select members.offender_key from members)

),

-- By digest first: the keys of tens of millions of rows need not be read.
counted_then as (

    select
        list_date,
        offender_key,
        force,
        crime_ref,
        harm_days,
        reported_on
    from counted
    where crime_digest in (select allegations.crime_digest from allegations)

),

final as (

    select
        counted_then.list_date,
        counted_then.offender_key,
        counted_then.force,
        counted_then.crime_ref,
        allegations.crime_digest,
        allegations.offence_code,
        counted_then.harm_days,
        counted_then.reported_on,
        allegations.counts_until,
        allegations.cancelled_on,
        allegations.deceased_on
    from counted_then
    inner join allegations
        on
            counted_then.offender_key = allegations.offender_key
            and counted_then.force = allegations.force
            and counted_then.crime_ref = allegations.crime_ref

)

select * from final
