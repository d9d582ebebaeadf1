with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

lines as (

    select * from {{ ref('int_list_cutoffs') }}

),

evidence as (

    select * from {{ ref('offender_evidence') }}

),

gravest as (

    select *
    from {{ ref('int_leave_one_out_scores') }}
    where is_gravest

),

unclassified as (

    select
        offender_key,
        count(*) as unclassified_allegations
    from {{ ref('unclassified_allegations') }}
    group by offender_key

),

members as (

    select * from {{ ref('int_list_members') }}

),

final as (

    select
        cast(ranked.list_date as date) as list_date,
        cast(ranked.harm_rank as integer) as harm_rank,
        cast(ranked.offender_key as string) as offender_key,
        cast(ranked.harm_days as double) as harm_days,
        cast(ranked.allegations as integer) as allegations,
        cast(ranked.female_victims as integer) as female_victims,
        cast(coalesce(evidence.offence, evidence.offence_code) as string) as most_serious_offence,
        cast(evidence.offence_code as string) as most_serious_offence_code,
        cast(ranked.first_reported_on as date) as first_reported_on,
        cast(ranked.latest_reported_on as date) as latest_reported_on,
        cast(ranked.harm_days_named as double) as harm_days_named,
        cast(ranked.harm_days_charged as double) as harm_days_charged,
        cast(ranked.harm_days_convicted as double) as harm_days_convicted,
        cast(ranked.harm_days_closed_without_charge as double) as harm_days_closed_without_charge,
        cast(ranked.share_closed_without_charge as double) as share_closed_without_charge,
        cast(case when members.was_listed then members.before_harm_rank end as integer) as previous_rank,
        cast(members.months_on_list as integer) as months_on_list,
        cast(ranked.is_tied as boolean) as is_tied,
        cast(ranked.is_in_custody as boolean) as is_in_custody,
        cast(ranked.unweighted_allegations as integer) as unweighted_allegations,
        cast(coalesce(unclassified.unclassified_allegations, 0) as integer) as unclassified_allegations,
        cast(ranked.harm_days - lines.line_harm_days as double) as harm_days_above_line
    from ranked
    inner join gravest
        on ranked.offender_key = gravest.offender_key
    inner join evidence
        on
            gravest.offender_key = evidence.offender_key
            and gravest.force = evidence.force
            and gravest.crime_ref = evidence.crime_ref
    inner join members
        on
            ranked.list_date = members.list_date
            and ranked.offender_key = members.offender_key
    left join lines
        on ranked.list_date = lines.list_date
    left join unclassified
        on ranked.offender_key = unclassified.offender_key
    where ranked.is_current and ranked.is_listed

)

select * from final
