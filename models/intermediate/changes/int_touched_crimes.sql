with new_extracts as (

    select * from {{ ref('stg_new_extracts') }}

),

crime_versions as (

    select * from {{ ref('base_crimes') }}

),

involvement_versions as (

    select * from {{ ref('base_involvements') }}

),

involvements as (

    select * from {{ ref('stg_involvements') }}

),

touched_records as (

    select * from {{ ref('int_touched_records') }}

),

touched as (

    select
        crime_versions.force,
        crime_versions.crime_ref
    from crime_versions
    inner join new_extracts
        on crime_versions.extract_id = new_extracts.extract_id

    union

    select
        involvement_versions.force,
        involvement_versions.crime_ref
    from involvement_versions
    inner join new_extracts
        on involvement_versions.extract_id = new_extracts.extract_id

    union

    select
        involvements.force,
        involvements.crime_ref
    from involvements
    where involvements.person_digest in (select touched_records.person_digest from touched_records)

),

final as (

    select
        force,
        crime_ref,
        {{ digest(['force', 'crime_ref']) }} as crime_digest
    from touched

)

select * from final
