with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

final as (

    select
        list_date,
        max(harm_days) as line_harm_days
    from ranked
    where not is_listed
    group by list_date

)

select * from final
