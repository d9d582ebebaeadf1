with ranked as (

    select * from {{ ref('offender_harm') }}

),

evidence as (

    select
        evidence.*,
        statuses.harm_split,
        coalesce(outcomes.is_closed_without_charge, false) as has_outcome_without_charge
    from {{ ref('offender_evidence') }} as evidence
    left join {{ ref('suspect_statuses') }} as statuses
        on evidence.status = statuses.status
    left join {{ ref('outcomes') }} as outcomes
        on evidence.outcome_type = outcomes.outcome_type

),

summed as (

    select
        offender_key,
        min(harm_rank) as lowest_rank,
        max(harm_rank) as highest_rank,
        coalesce(sum(harm_days), 0) as harm_days,
        coalesce(sum(case when harm_split = 'named' then harm_days end), 0) as harm_days_named,
        coalesce(sum(case when harm_split = 'charged' then harm_days end), 0) as harm_days_charged,
        coalesce(sum(case when harm_split = 'convicted' then harm_days end), 0) as harm_days_convicted,
        coalesce(
            sum(case when harm_split = 'named' and has_outcome_without_charge then harm_days end), 0
        ) as harm_days_closed_without_charge,
        count(*) as allegations,
        sum(case when harm_days is null then 1 else 0 end) as unweighted_allegations,
        max(female_victims) as fewest_female_victims,
        sum(female_victims) as most_female_victims,
        min(reported_on) as first_reported_on,
        max(reported_on) as latest_reported_on
    from evidence
    group by offender_key

),

final as (

    select
        ranked.offender_key,
        ranked.harm_days,
        summed.harm_days as evidence_harm_days
    from ranked
    left join summed
        on ranked.offender_key = summed.offender_key
    where
        summed.offender_key is null
        or ranked.harm_rank <> summed.lowest_rank
        or ranked.harm_rank <> summed.highest_rank
        or ranked.harm_days <> summed.harm_days
        or ranked.harm_days_named <> summed.harm_days_named
        or ranked.harm_days_charged <> summed.harm_days_charged
        or ranked.harm_days_convicted <> summed.harm_days_convicted
        or ranked.harm_days_closed_without_charge <> summed.harm_days_closed_without_charge
        or ranked.allegations <> summed.allegations
        or ranked.unweighted_allegations <> summed.unweighted_allegations
        or ranked.female_victims < summed.fewest_female_victims
        or ranked.female_victims > summed.most_female_victims
        or ranked.first_reported_on <> summed.first_reported_on
        or ranked.latest_reported_on <> summed.latest_reported_on

)

select * from final
