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

final as (

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
    inner join touched_records
        on
            involvements.force = touched_records.force
            and involvements.person_ref = touched_records.person_ref

)

select * from final
