with evidence as (

    select * from {{ ref('offender_evidence') }}

),

listed as (

    select * from {{ ref('int_ranked_offenders') }}

),

final as (

    select
        evidence.list_date,
        evidence.harm_rank,
        evidence.offender_key,
        evidence.force,
        evidence.crime_ref,
        evidence.offence_code,
        evidence.offence,
        evidence.offence_group,
        evidence.area_code,
        evidence.reported_on,
        evidence.committed_from,
        evidence.committed_to,
        evidence.status,
        evidence.relationship,
        evidence.reported_by,
        evidence.outcome_type,
        evidence.is_closed_without_charge,
        evidence.female_victims,
        evidence.harm_index,
        evidence.harm_days,
        evidence.harm_days_highest,
        evidence.weight_is_ambiguous,
        evidence.weight_basis,
        evidence.weight_source,
        evidence.is_historic,
        evidence.counts_until,
        evidence.harm_days_left,
        evidence.is_decisive,
        evidence.is_off_when_gone,
        evidence.is_off_by_next_list
    from evidence
    inner join listed
        on evidence.offender_key = listed.offender_key
    where listed.is_current and listed.is_listed

)

select * from final
