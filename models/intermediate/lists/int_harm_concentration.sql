with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

shares as (

    select * from {{ ref('concentration_shares') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

offenders as (

    select
        harm_rank,
        harm_days,
        harm_days_named,
        harm_days_charged,
        harm_days_convicted,
        sum(harm_days) over (order by harm_rank) - harm_days as harm_days_before,
        sum(harm_days) over () as harm_days_in_all,
        count(*) over () as offenders_in_all
    from ranked
    where is_current

),

-- The next offender is included while the earlier ones do not reach the share: the last one reaches or passes it.
included as (

    select
        shares.share_of,
        shares.per_cent,
        offenders.*
    from offenders
    inner join shares
        on
            (
                shares.share_of = 'offenders'
                and (offenders.harm_rank - 1) * 100 < shares.per_cent * offenders.offenders_in_all
            )
            or (
                shares.share_of = 'harm'
                and offenders.harm_days_before * 100 < shares.per_cent * offenders.harm_days_in_all
            )

),

summed as (

    select
        share_of,
        per_cent,
        count(*) as offenders,
        cast(count(*) as double) / max(offenders_in_all) as share_of_offenders,
        sum(harm_days) as harm_days,
        sum(harm_days_named) as harm_days_named,
        sum(harm_days_charged) as harm_days_charged,
        sum(harm_days_convicted) as harm_days_convicted,
        sum(harm_days) / nullif(max(harm_days_in_all), 0) as share_of_harm
    from included
    group by share_of, per_cent

),

-- Without ranked people, or without harm for a share of harm, nobody is included.
final as (

    select
        rules.list_date,
        shares.share_of,
        shares.per_cent,
        coalesce(summed.offenders, 0) as offenders,
        summed.share_of_offenders,
        coalesce(summed.harm_days, 0) as harm_days,
        coalesce(summed.harm_days_named, 0) as harm_days_named,
        coalesce(summed.harm_days_charged, 0) as harm_days_charged,
        coalesce(summed.harm_days_convicted, 0) as harm_days_convicted,
        summed.share_of_harm
    from shares
    cross join rules
    left join summed
        on
            shares.share_of = summed.share_of
            and shares.per_cent = summed.per_cent

)

select * from final
