with places as (

    select * from {{ ref('int_published_places') }}

),

counted as (

    select * from {{ ref('int_listed_allegations') }}

),

crimes as (

    select * from {{ ref('base_crimes') }}

),

involvements as (

    select * from {{ ref('base_involvements') }}

),

suspect_versions as (

    select * from {{ ref('stg_suspect_versions') }}

),

extracts as (

    select * from {{ ref('stg_extracts') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

statuses as (

    select * from {{ ref('suspect_statuses') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

allegations as (

    select
        places.list_date,
        places.offender_key,
        places.built_at,
        counted.force,
        counted.crime_ref,
        counted.crime_digest,
        counted.harm_days
    from places
    inner join counted
        on
            places.list_date = counted.list_date
            and places.offender_key = counted.offender_key
    where not places.was_published

),

crime_versions as (

    select
        crimes.force,
        crimes.crime_ref,
        extracts.landed_at
    from crimes
    inner join extracts
        on crimes.extract_id = extracts.extract_id
    where crimes.crime_digest in (select allegations.crime_digest from allegations)

),

links as (

    select
        involvements.force,
        involvements.crime_ref,
        involvements.person_ref,
        involvements.role,
        involvements.is_deleted,
        extracts.landed_at
    from involvements
    inner join extracts
        on involvements.extract_id = extracts.extract_id
    where involvements.crime_digest in (select allegations.crime_digest from allegations)

),

suspect_links as (

    select
        allegations.list_date,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.built_at,
        links.person_ref,
        links.landed_at > allegations.built_at as is_later
    from allegations
    inner join links
        on
            allegations.force = links.force
            and allegations.crime_ref = links.crime_ref
    left join identities
        on
            links.force = identities.force
            and links.person_ref = identities.person_ref
    where
        links.role = 'suspect'
        and not links.is_deleted
        and {{ person_key('links', 'identities') }} = allegations.offender_key

),

later_links as (

    select * from suspect_links
    where is_later

),

-- The versions of such a link that had landed by the publication, and whether one of them counted.
known_versions as (

    select
        later_links.list_date,
        later_links.offender_key,
        later_links.force,
        later_links.crime_ref,
        later_links.person_ref,
        max(case when {{ is_status_of_method('statuses.status', 'rules') }} then 1 else 0 end) = 1 as has_counted
    from suspect_versions
    inner join later_links
        on
            suspect_versions.force = later_links.force
            and suspect_versions.crime_ref = later_links.crime_ref
            and suspect_versions.person_ref = later_links.person_ref
    inner join extracts
        on
            suspect_versions.extract_id = extracts.extract_id
            and later_links.built_at >= extracts.landed_at
    inner join statuses
        on
            suspect_versions.status = statuses.status
            or (suspect_versions.status is null and statuses.is_default)
    cross join rules
    group by
        later_links.list_date, later_links.offender_key, later_links.force, later_links.crime_ref,
        later_links.person_ref

),

known as (

    select
        suspect_links.list_date,
        suspect_links.offender_key,
        suspect_links.force,
        suspect_links.crime_ref,
        max(case when not suspect_links.is_later or known_versions.has_counted then 1 else 0 end) = 1 as has_counted,
        max(case when not known_versions.has_counted then 1 else 0 end) = 1 as has_not_counted
    from suspect_links
    left join known_versions
        on
            suspect_links.list_date = known_versions.list_date
            and suspect_links.offender_key = known_versions.offender_key
            and suspect_links.force = known_versions.force
            and suspect_links.crime_ref = known_versions.crime_ref
            and suspect_links.person_ref = known_versions.person_ref
    group by
        suspect_links.list_date, suspect_links.offender_key, suspect_links.force, suspect_links.crime_ref

),

later_changes as (

    select
        allegations.list_date,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref
    from allegations
    inner join crime_versions
        on
            allegations.force = crime_versions.force
            and allegations.crime_ref = crime_versions.crime_ref
            and allegations.built_at < crime_versions.landed_at

    union

    select
        allegations.list_date,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref
    from allegations
    inner join links
        on
            allegations.force = links.force
            and allegations.crime_ref = links.crime_ref
            and allegations.built_at < links.landed_at

),

final as (

    select
        allegations.list_date,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.harm_days,
        case
            when known.has_counted then 'changed_record'
            when known.has_not_counted then 'status_change'
            else 'late_report'
        end as reason
    from allegations
    inner join later_changes
        on
            allegations.list_date = later_changes.list_date
            and allegations.offender_key = later_changes.offender_key
            and allegations.force = later_changes.force
            and allegations.crime_ref = later_changes.crime_ref
    inner join known
        on
            allegations.list_date = known.list_date
            and allegations.offender_key = known.offender_key
            and allegations.force = known.force
            and allegations.crime_ref = known.crime_ref

)

select * from final
