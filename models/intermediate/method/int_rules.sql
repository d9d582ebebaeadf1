with builds as (

    select * from {{ ref('int_build') }}

),

methods as (

    select * from {{ ref('ranking_methods') }}

),

indices as (

    select * from {{ ref('int_harm_indices') }}

),

final as (

    select
        builds.list_date,
        builds.newest_extract_on,
        methods.method,
        methods.harm_index,
        methods.weight_choice,
        methods.window_days,
        methods.offender_sexes,
        methods.victim_sexes,
        methods.vawg_scopes,
        methods.statuses,
        methods.reported_by,
        methods.minimum_age,
        methods.minimum_allegations,
        methods.minimum_female_victims,
        methods.historic_reports,
        methods.historic_after_days,
        methods.custody,
        methods.deceased,
        methods.list_size,
        indices.flat_harm_days
    from builds
    inner join methods
        on builds.method = methods.method
    inner join indices
        on methods.harm_index = indices.harm_index

)

select * from final
