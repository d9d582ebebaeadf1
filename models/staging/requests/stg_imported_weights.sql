with source as (

    select * from {{ source('raw', 'imported_weights') }}

),

final as (

    select
        -- keys
        harm_index,
        offence_code,
        recorded_crime_code,

        -- attributes
        harm_days,
        harm_days_highest,
        basis,
        source
    from source

)

select * from final
