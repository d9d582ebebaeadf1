-- Which offences on the list weigh the lowest of several values, and how much harm hangs on that.
with evidence as (

    select * from {{ ref('top_100_evidence') }}

),

final as (

    select
        offence_code,
        offence,
        count(*) as allegations,
        sum(harm_days) as harm_days,
        sum(harm_days_highest) as harm_days_if_highest
    from evidence
    where weight_is_ambiguous
    group by offence_code, offence

)

select * from final
order by harm_days_if_highest - harm_days desc
