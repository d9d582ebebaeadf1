with allegations as (

    select * from {{ ref('int_unclassified_allegations') }}

),

final as (

    select
        cast(list_date as date) as list_date,
        cast(offender_key as string) as offender_key,
        cast(force as string) as force,
        cast(crime_ref as string) as crime_ref,
        cast(offence_code as string) as offence_code,
        cast(reported_on as date) as reported_on,
        cast(status as string) as status
    from allegations

)

select * from final
