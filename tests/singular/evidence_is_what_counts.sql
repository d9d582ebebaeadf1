with evidence as (

    select * from {{ ref('offender_evidence') }}

),

counted as (

    select * from {{ ref('int_counted_allegations') }}

),

allegations as (

    select * from {{ ref('int_eligible_allegations') }}

),

final as (

    select
        evidence.offender_key,
        evidence.force,
        evidence.crime_ref
    from evidence
    left join counted
        on
            evidence.offender_key = counted.offender_key
            and evidence.force = counted.force
            and evidence.crime_ref = counted.crime_ref
            and evidence.list_date = counted.list_date
            and counted.is_current
    left join allegations
        on
            evidence.offender_key = allegations.offender_key
            and evidence.force = allegations.force
            and evidence.crime_ref = allegations.crime_ref
    where
        counted.crime_ref is null
        or allegations.crime_ref is null
        or evidence.reported_on <> allegations.reported_on
        or evidence.offence_code <> allegations.offence_code
        or evidence.status <> allegations.status
        or evidence.reported_by is distinct from allegations.reported_by
        or evidence.outcome_type is distinct from allegations.outcome_type
        or evidence.is_closed_without_charge <> allegations.is_closed_without_charge
        or evidence.is_historic <> allegations.is_historic
        or evidence.female_victims <> allegations.female_victims
        or evidence.harm_days is distinct from allegations.harm_days

)

select * from final
