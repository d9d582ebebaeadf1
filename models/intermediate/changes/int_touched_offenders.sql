with new_extracts as (

    select * from {{ ref('stg_new_extracts') }}

),

touched_records as (

    select * from {{ ref('int_touched_records') }}

),

touched_crimes as (

    select * from {{ ref('int_touched_crimes') }}

),

involvement_versions as (

    select * from {{ ref('base_involvements') }}

),

custody_versions as (

    select * from {{ ref('base_custody') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

identities_before as (

    select * from {{ ref('int_identities_before') }}

),

-- Current and former suspects of a touched crime: a withdrawn link stays as a tombstone.
records as (

    select
        involvement_versions.force,
        involvement_versions.person_ref
    from involvement_versions
    where
        involvement_versions.role = 'suspect'
        and involvement_versions.crime_digest in (select touched_crimes.crime_digest from touched_crimes)

    union

    select
        custody_versions.force,
        custody_versions.person_ref
    from custody_versions
    inner join new_extracts
        on custody_versions.extract_id = new_extracts.extract_id

    union

    select
        force,
        person_ref
    from touched_records

),

-- The person to whom a record belongs now, and the one to whom it belonged before.
offenders as (

    {% for map in ['identities', 'identities_before'] -%}
    select {{ person_key('records', map) }} as offender_key
    from records
    left join {{ map }}
        on
            records.force = {{ map }}.force
            and records.person_ref = {{ map }}.person_ref
    {{ 'union' if not loop.last }}
    {% endfor %}
),

final as (

    select
        offender_key,
        {{ digest_of_person('offender_key') }} as offender_digest
    from offenders

)

select * from final
