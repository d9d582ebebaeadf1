with places as (

    select * from {{ ref('int_published_places') }}

),

evidence as (

    select * from {{ ref('stg_published_evidence') }}

),

counted as (

    select * from {{ ref('int_listed_allegations') }}

),

weighted as (

    select * from {{ ref('int_weighted_allegations') }}

),

crimes as (

    select * from {{ ref('base_crimes') }}

),

involvements as (

    select * from {{ ref('base_involvements') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

published as (

    select
        places.list_date,
        evidence.offender_key,
        evidence.force,
        evidence.crime_ref,
        {{ digest(['evidence.force', 'evidence.crime_ref']) }} as crime_digest,
        evidence.offence_code,
        evidence.status,
        evidence.harm_days
    from evidence
    inner join places
        on
            evidence.build_id = places.build_id
            and evidence.offender_key = places.offender_key
    where not places.is_listed

),

no_longer_the_same as (

    select
        published.*,
        counted.crime_ref is not null as is_counted,
        counted.offence_code as offence_code_now
    from published
    left join counted
        on
            published.list_date = counted.list_date
            and published.offender_key = counted.offender_key
            and published.force = counted.force
            and published.crime_ref = counted.crime_ref
    where counted.crime_ref is null or published.harm_days is distinct from counted.harm_days

),

allegations as (

    select
        offender_key,
        force,
        crime_ref,
        offence_code,
        status,
        cancelled_on,
        is_in_scope,
        is_counted_status
    from weighted
    where crime_digest in (select no_longer_the_same.crime_digest from no_longer_the_same)

),

-- Tombstones of the crime, or of the link between it and one of the person's records.
deleted_crimes as (

    select
        force,
        crime_ref
    from crimes
    where
        is_deleted
        and crime_digest in (select no_longer_the_same.crime_digest from no_longer_the_same)

),

links as (

    select
        force,
        crime_ref,
        person_ref
    from involvements
    where
        is_deleted
        and role = 'suspect'
        and crime_digest in (select no_longer_the_same.crime_digest from no_longer_the_same)

),

deleted_links as (

    select distinct
        links.force,
        links.crime_ref,
        {{ person_key('links', 'identities') }} as offender_key
    from links
    left join identities
        on
            links.force = identities.force
            and links.person_ref = identities.person_ref

),

final as (

    select
        lost.list_date,
        lost.offender_key,
        lost.force,
        lost.crime_ref,
        lost.harm_days,
        case
            when lost.is_counted and lost.offence_code = lost.offence_code_now then 'rule'
            when lost.is_counted then 'changed_record'
            when deleted_crimes.crime_ref is not null then 'deleted'
            when allegations.crime_ref is null and deleted_links.crime_ref is not null then 'deleted'
            when not {{ is_on_record('allegations.cancelled_on', 'lost.list_date') }} then 'cancelled'
            when not allegations.is_counted_status and allegations.status = lost.status then 'rule'
            when not allegations.is_counted_status then 'status_change'
            when not allegations.is_in_scope and allegations.offence_code = lost.offence_code then 'rule'
            else 'changed_record'
        end as reason
    from no_longer_the_same as lost
    left join deleted_crimes
        on
            lost.force = deleted_crimes.force
            and lost.crime_ref = deleted_crimes.crime_ref
    left join deleted_links
        on
            lost.force = deleted_links.force
            and lost.crime_ref = deleted_links.crime_ref
            and lost.offender_key = deleted_links.offender_key
    left join allegations
        on
            lost.offender_key = allegations.offender_key
            and lost.force = allegations.force
            and lost.crime_ref = allegations.crime_ref

)

select * from final
