with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

final as (

    select
        cast(list_date as date) as list_date,
        cast(harm_rank as integer) as harm_rank,
        cast(offender_key as string) as offender_key,
        cast(harm_days as double) as harm_days,
        cast(allegations as integer) as allegations,
        cast(female_victims as integer) as female_victims,
        cast(harm_days_named as double) as harm_days_named,
        cast(harm_days_charged as double) as harm_days_charged,
        cast(harm_days_convicted as double) as harm_days_convicted,
        cast(harm_days_closed_without_charge as double) as harm_days_closed_without_charge,
        cast(share_closed_without_charge as double) as share_closed_without_charge
    from ranked
    where is_monthly and is_listed

)

select * from final
