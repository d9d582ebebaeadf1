with places as (

    select * from {{ ref('top_100') }}

),

evidence as (

    select
        offender_key,
        coalesce(sum(harm_days), 0) as harm_days,
        count(*) as allegations,
        sum(case when harm_days is null then 1 else 0 end) as unweighted_allegations
    from {{ ref('top_100_evidence') }}
    group by offender_key

),

final as (

    select
        places.harm_rank,
        places.harm_days,
        evidence.harm_days as evidence_harm_days
    from places
    left join evidence
        on places.offender_key = evidence.offender_key
    where
        evidence.offender_key is null
        or places.harm_days <> evidence.harm_days
        or places.allegations <> evidence.allegations
        or places.unweighted_allegations <> evidence.unweighted_allegations
)

select * from final
