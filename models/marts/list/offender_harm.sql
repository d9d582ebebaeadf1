with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

final as (

    select
        cast(list_date as date) as list_date,
        cast(offender_key as string) as offender_key,
        cast(harm_rank as integer) as harm_rank,
        cast(harm_days as double) as harm_days,
        cast(allegations as integer) as allegations,
        cast(female_victims as integer) as female_victims,
        cast(harm_days_named as double) as harm_days_named,
        cast(harm_days_charged as double) as harm_days_charged,
        cast(harm_days_convicted as double) as harm_days_convicted,
        cast(harm_days_closed_without_charge as double) as harm_days_closed_without_charge,
        cast(share_closed_without_charge as double) as share_closed_without_charge,
        cast(first_reported_on as date) as first_reported_on,
        cast(latest_reported_on as date) as latest_reported_on,
        cast(unweighted_allegations as integer) as unweighted_allegations,
        cast(is_listed as boolean) as is_listed,
        cast(is_tied as boolean) as is_tied,
        cast(is_in_custody as boolean) as is_in_custody
    from ranked
    where is_current

)

select * from final
