with involvements as (

    select * from {{ ref('stg_involvements') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

statuses as (

    select * from {{ ref('suspect_statuses') }}

),

suspects as (

    select
        identities.person_key as offender_key,
        involvements.force,
        involvements.crime_ref,
        involvements.relationship,
        statuses.standing
    from involvements
    inner join identities
        on
            involvements.force = identities.force
            and involvements.person_ref = identities.person_ref
    inner join statuses
        on
            involvements.status = statuses.status
            or (involvements.status is null and statuses.is_default)
    where involvements.role = 'suspect'

),

-- Two records of one person on one crime are one allegation; the furthest status is where it stands.
allegations as (

    select
        offender_key,
        force,
        crime_ref,
        min(relationship) as relationship,
        max(standing) as standing
    from suspects
    group by offender_key, force, crime_ref

),

final as (

    select
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.relationship,
        statuses.status,
        statuses.harm_split
    from allegations
    inner join statuses
        on allegations.standing = statuses.standing

)

select * from final
