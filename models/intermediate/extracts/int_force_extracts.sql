with crimes as (

    select * from {{ ref('stg_crimes') }}

),

extracts as (

    select * from {{ ref('stg_extracts') }}

),

final as (

    select
        crimes.force,
        max(extracts.extract_on) as newest_extract_on
    from crimes
    inner join extracts
        on crimes.extract_id = extracts.extract_id
    group by crimes.force

)

select * from final
