with source as (

    select * from {{ source('raw', 'published_evidence') }}

),

final as (

    select
        -- keys
        build_id,
        offender_key,
        force,
        crime_ref,

        -- attributes
        offence_code,
        status,
        harm_days
    from source

)

select * from final
