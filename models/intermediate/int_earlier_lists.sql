with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

list_dates as (

    select * from {{ ref('int_list_dates') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

-- On the list before nobody may have stood: then nobody has a previous rank.
previous_list as (

    select max(list_dates.list_date) as list_date
    from list_dates
    cross join rules
    where list_dates.is_monthly and list_dates.list_date < rules.list_date

),

final as (

    select
        ranked.offender_key,
        count(*) as earlier_months,
        max(case when ranked.list_date = previous_list.list_date then ranked.harm_rank end) as previous_rank
    from ranked
    cross join rules
    cross join previous_list
    where
        ranked.is_monthly
        and ranked.is_listed
        and ranked.list_date < rules.list_date
    group by ranked.offender_key

)

select * from final
