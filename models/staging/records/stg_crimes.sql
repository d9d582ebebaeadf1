with versions as (

    select * from {{ ref('base_crimes') }}

),

final as (

    select
        -- keys
        force,
        crime_ref,
        crime_digest,

        -- attributes
        offence_code,
        reported_by,
        outcome_type,
        area_code,
        domestic_abuse as is_domestic_abuse,

        -- dates
        reported_on,
        committed_from,
        committed_to,
        outcome_on,
        cancelled_on,

        -- lineage
        updated_at,
        extract_id
    from versions
    where not is_deleted

)

select * from final
