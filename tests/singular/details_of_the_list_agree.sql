with places as (

    select * from {{ ref('top_100') }}

),

first_below as (

    select
        ranked.list_date,
        ranked.harm_days
    from {{ ref('offender_harm') }} as ranked
    inner join {{ ref('int_rules') }} as rules
        on ranked.harm_rank = rules.list_size + 1

),

gravest as (

    select
        offender_key,
        max(harm_days) as harm_days
    from {{ ref('top_100_evidence') }}
    group by offender_key

),

gravest_offences as (

    select distinct
        evidence.offender_key,
        evidence.offence_code,
        coalesce(evidence.offence, evidence.offence_code) as offence
    from {{ ref('top_100_evidence') }} as evidence
    inner join gravest
        on evidence.offender_key = gravest.offender_key
    where evidence.harm_days is not distinct from gravest.harm_days

),

unclassified as (

    select
        offender_key,
        count(*) as allegations
    from {{ ref('unclassified_allegations') }}
    group by offender_key

),

in_custody as (

    select custody.person_key
    from {{ ref('int_custody_on_list_dates') }} as custody
    inner join {{ ref('int_rules') }} as rules
        on custody.list_date = rules.list_date

),

final as (

    select places.harm_rank
    from places
    left join gravest_offences
        on
            places.offender_key = gravest_offences.offender_key
            and places.most_serious_offence_code = gravest_offences.offence_code
            and places.most_serious_offence = gravest_offences.offence
    left join first_below
        on places.list_date = first_below.list_date
    left join unclassified
        on places.offender_key = unclassified.offender_key
    left join in_custody
        on places.offender_key = in_custody.person_key
    where
        gravest_offences.offender_key is null
        or places.unclassified_allegations <> coalesce(unclassified.allegations, 0)
        or places.is_in_custody <> (in_custody.person_key is not null)
        or places.harm_days_above_line is distinct from places.harm_days - first_below.harm_days

)

select * from final
