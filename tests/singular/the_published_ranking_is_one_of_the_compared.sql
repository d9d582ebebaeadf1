with published as (

    select *
    from {{ ref('int_method_ranks') }}
    where is_published

),

ranked as (

    select *
    from {{ ref('int_ranked_offenders') }}
    where is_current

)

select
    coalesce(ranked.offender_key, published.offender_key) as offender_key,
    ranked.harm_rank,
    published.method_rank
from ranked
full outer join published
    on
        ranked.offender_key = published.offender_key
        and ranked.harm_rank = published.method_rank
        and ranked.harm_days = published.harm_days
        and ranked.is_listed = published.is_listed
        and ranked.is_tied = published.is_tied
        and ranked.allegations = published.allegations
        and ranked.unweighted_allegations = published.unweighted_allegations
        and ranked.female_victims = published.female_victims
        and ranked.latest_reported_on = published.latest_reported_on
where ranked.offender_key is null or published.offender_key is null
