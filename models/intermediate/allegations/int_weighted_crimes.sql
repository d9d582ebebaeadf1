{{- runs_after('int_touched_crimes') }}

with crimes as (

    select * from {{ ref('stg_crimes') }}

),

offences as (

    select * from {{ ref('offences') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

weights as (

    select * from {{ ref('int_harm_weights') }}

),

outcomes as (

    select * from {{ ref('outcomes') }}

),

final as (

    select
        crimes.force,
        crimes.crime_ref,
        crimes.crime_digest,
        crimes.offence_code,
        offences.offence,
        offences.offence_group,
        offences.offence_code is not null as is_known_offence,
        offences.vawg_scope,
        {{ is_scope_of_method('offences.vawg_scope', 'rules') }} as is_in_scope,
        rules.harm_index,
        {{ weight_of_method('weights', 'rules') | indent(4) }} as harm_days,
        coalesce(rules.flat_harm_days, weights.harm_days_highest) as harm_days_highest,
        rules.flat_harm_days is null and coalesce(weights.is_ambiguous, false) as weight_is_ambiguous,
        case
            when rules.weight_choice = 'highest' and weights.is_ambiguous
                then 'the highest of the values that the index gives this code'
            else weights.basis
        end as weight_basis,
        weights.source as weight_source,
        coalesce(crimes.reported_by, 'victim') as reported_by,
        crimes.outcome_type,
        coalesce(outcomes.is_detected, false) as is_detected,
        coalesce(outcomes.is_closed_without_charge, false) as has_outcome_without_charge,
        crimes.area_code,
        crimes.reported_on,
        crimes.committed_from,
        crimes.committed_to,
        coalesce(crimes.committed_to, crimes.committed_from) as last_committed_on,
        crimes.cancelled_on
    from crimes
    cross join rules
    left join offences
        on crimes.offence_code = offences.offence_code
    left join weights
        on
            crimes.offence_code = weights.offence_code
            and rules.harm_index = weights.harm_index
    left join outcomes
        on crimes.outcome_type = outcomes.outcome_type

)

select * from final
