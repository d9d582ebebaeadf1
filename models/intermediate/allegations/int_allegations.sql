-- Rows are new when their crime is touched: all rows of such crimes are replaced, so that a second run changes nothing.
with involvements as (

    select * from {{ ref('stg_involvements') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

statuses as (

    select * from {{ ref('suspect_statuses') }}

),

suspects as (

    select
        {{ person_key('involvements', 'identities') }} as offender_key,
        involvements.force,
        involvements.crime_ref,
        involvements.crime_digest,
        involvements.relationship,
        statuses.standing
    from involvements
    inner join statuses
        on
            involvements.status = statuses.status
            or (involvements.status is null and statuses.is_default)
    left join identities
        on
            involvements.force = identities.force
            and involvements.person_ref = identities.person_ref
    where involvements.role = 'suspect'

),

-- Two records of one person on one crime are one allegation with the furthest status.
allegations as (

    select
        offender_key,
        force,
        crime_ref,
        crime_digest,
        min(relationship) as relationship,
        max(standing) as standing
    from suspects
    group by offender_key, force, crime_ref, crime_digest

),

final as (

    select
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.crime_digest,
        allegations.relationship,
        statuses.status,
        statuses.harm_split
    from allegations
    inner join statuses
        on allegations.standing = statuses.standing

)

select * from final
