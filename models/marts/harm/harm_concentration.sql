with concentration as (

    select * from {{ ref('int_harm_concentration') }}

),

final as (

    select
        cast(list_date as date) as list_date,
        cast(share_of as string) as share_of,
        cast(per_cent as integer) as per_cent,
        cast(offenders as integer) as offenders,
        cast(share_of_offenders as double) as share_of_offenders,
        cast(harm_days as double) as harm_days,
        cast(harm_days_named as double) as harm_days_named,
        cast(harm_days_charged as double) as harm_days_charged,
        cast(harm_days_convicted as double) as harm_days_convicted,
        cast(share_of_harm as double) as share_of_harm
    from concentration

)

select * from final
