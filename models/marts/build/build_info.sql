with builds as (

    select * from {{ ref('int_build') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

indices as (

    select * from {{ ref('int_harm_indices') }}

),

extracts as (

    select max(extract_id) as newest_extract_id
    from {{ ref('int_extract_reconciliation') }}

),

final as (

    select
        cast(builds.build_id as string) as build_id,
        cast(builds.requested_at as timestamp) as built_at,
        cast(builds.list_date as date) as list_date,
        cast({{ next_list_date('builds.list_date') }} as date) as next_list_date,
        cast(builds.known_at as date) as known_at,
        cast(builds.method as string) as method,
        cast(rules.harm_index as string) as harm_index,
        cast(indices.unit as string) as harm_unit,
        cast(indices.source as string) as harm_index_source,
        cast(indices.caveat as string) as harm_index_caveat,
        cast(extracts.newest_extract_id as string) as newest_extract_id,
        cast(builds.code_version as string) as code_version,
        cast(builds.duckdb_version as string) as duckdb_version,
        cast(builds.dbt_version as string) as dbt_version
    from builds
    cross join extracts
    inner join rules
        on builds.method = rules.method
    inner join indices
        on rules.harm_index = indices.harm_index

)

select * from final
