with places as (

    select * from {{ ref('int_published_places') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

people as (

    select * from {{ ref('base_people') }}

),

person_merges as (

    select * from {{ ref('base_person_merges') }}

),

extracts as (

    select * from {{ ref('stg_extracts') }}

),

corrected as (

    select
        list_date,
        offender_key,
        built_at,
        {{ force_of('offender_key') }} as force,
        {{ person_ref_of('offender_key') }} as person_ref
    from places
    where was_published <> is_listed

),

-- Their own records and the records merged into them.
records as (

    select * from corrected

    union all

    select
        corrected.list_date,
        corrected.offender_key,
        corrected.built_at,
        identities.force,
        identities.person_ref
    from corrected
    inner join identities
        on corrected.offender_key = identities.person_key

),

versions as (

    select
        people.force,
        people.person_ref,
        people.extract_id,
        false as is_merge
    from people
    where people.person_digest in (select {{ digest(['records.force', 'records.person_ref']) }} from records)

    union all

    select
        person_merges.force,
        person_merges.person_ref,
        person_merges.extract_id,
        true as is_merge
    from person_merges

),

changed as (

    select
        records.list_date,
        records.offender_key,
        max(case when versions.is_merge then 1 else 0 end) as has_merged,
        max(case when not versions.is_merge then 1 else 0 end) as has_changed
    from records
    inner join versions
        on
            records.force = versions.force
            and records.person_ref = versions.person_ref
    inner join extracts
        on
            versions.extract_id = extracts.extract_id
            and records.built_at < extracts.landed_at
    group by records.list_date, records.offender_key

),

final as (

    select
        corrected.list_date,
        corrected.offender_key,
        identities.person_key is not null as is_merged_away,
        coalesce(changed.has_merged = 1, false) as has_merged,
        coalesce(changed.has_changed = 1, false) as has_changed
    from corrected
    left join identities
        on
            corrected.force = identities.force
            and corrected.person_ref = identities.person_ref
    left join changed
        on
            corrected.list_date = changed.list_date
            and corrected.offender_key = changed.offender_key

)

select * from final
