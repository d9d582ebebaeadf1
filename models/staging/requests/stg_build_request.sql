with source as (

    select * from {{ source('raw', 'build_request') }}

),

final as (

    select
        -- keys
        build_id,

        -- attributes
        method,
        code_version,
        duckdb_version,
        dbt_version,

        -- dates
        list_date,
        known_at,
        requested_at
    from source

)

select * from final
