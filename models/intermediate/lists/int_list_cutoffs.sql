with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

below as (

    select
        *,
        row_number() over (partition by list_date order by harm_rank) as place_below
    from ranked
    where not is_listed

),

final as (

    select
        list_date,
        offender_key as line_offender_key,
        harm_days as line_harm_days,
        female_victims as line_female_victims,
        allegations as line_allegations,
        latest_reported_on as line_latest_reported_on
    from below
    where place_below = 1

)

select * from final
