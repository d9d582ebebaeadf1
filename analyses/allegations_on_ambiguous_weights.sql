-- Offences on the list that count with the lowest of several weights, and how much harm depends on that choice.
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
