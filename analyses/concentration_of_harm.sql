-- How much of the harm the most harmful share of offenders makes: "a few per cent with 80 % of the harm".
with offenders as (

    select * from {{ ref('offender_harm') }}

),

running as (

    select
        harm_rank,
        sum(harm_days) over (order by harm_rank) / sum(harm_days) over () as share_of_harm,
        harm_rank * 1.0 / count(*) over () as share_of_offenders
    from offenders

),

final as (

    select
        min(case when share_of_harm >= 0.5 then share_of_offenders end) as offenders_with_half,
        min(case when share_of_harm >= 0.8 then share_of_offenders end) as offenders_with_four_fifths
    from running

)

select * from final
