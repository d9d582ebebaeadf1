with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

counted as (

    select * from {{ ref('int_counted_allegations') }}

),

allegations as (

    select * from {{ ref('int_eligible_allegations') }}

),

without as (

    select * from {{ ref('int_leave_one_out_scores') }}

),

lines as (

    select * from {{ ref('int_list_cutoffs') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

left_over as (

    select
        offender_key,
        force,
        crime_ref,
        harm_days_left as harm_days,
        female_victims_left as female_victims,
        allegations_left as allegations,
        latest_reported_on_left as latest_reported_on
    from without

),

evidence as (

    select
        cast(ranked.list_date as date) as list_date,
        cast(ranked.harm_rank as integer) as harm_rank,
        cast(ranked.offender_key as string) as offender_key,
        cast(allegations.force as string) as force,
        cast(allegations.crime_ref as string) as crime_ref,
        cast(allegations.offence_code as string) as offence_code,
        cast(allegations.offence as string) as offence,
        cast(allegations.offence_group as string) as offence_group,
        cast(coalesce(allegations.area_code, 'unknown') as string) as area_code,
        cast(allegations.reported_on as date) as reported_on,
        cast(allegations.committed_from as date) as committed_from,
        cast(allegations.committed_to as date) as committed_to,
        cast(allegations.status as string) as status,
        cast(allegations.relationship as string) as relationship,
        cast(allegations.reported_by as string) as reported_by,
        cast(allegations.outcome_type as integer) as outcome_type,
        cast(allegations.is_closed_without_charge as boolean) as is_closed_without_charge,
        cast(allegations.female_victims as integer) as female_victims,
        cast(allegations.harm_index as string) as harm_index,
        cast(allegations.harm_days as double) as harm_days,
        cast(allegations.harm_days_highest as double) as harm_days_highest,
        cast(allegations.weight_is_ambiguous as boolean) as weight_is_ambiguous,
        cast(allegations.weight_basis as string) as weight_basis,
        cast(allegations.weight_source as string) as weight_source,
        cast(allegations.is_historic as boolean) as is_historic,
        cast(allegations.counts_until as date) as counts_until,
        cast(without.harm_days_left as double) as harm_days_left,
        cast(
            ranked.is_listed and {{ falls_off_list('without', 'rules', 'lines') | indent(8) }} as boolean
        ) as is_decisive,
        cast(
            ranked.is_listed and {{ falls_off_list('left_over', 'rules', 'lines') | indent(8) }} as boolean
        ) as is_off_when_gone
    from counted
    inner join ranked
        on
            counted.list_date = ranked.list_date
            and counted.offender_key = ranked.offender_key
    inner join allegations
        on
            counted.offender_key = allegations.offender_key
            and counted.force = allegations.force
            and counted.crime_ref = allegations.crime_ref
    inner join without
        on
            counted.offender_key = without.offender_key
            and counted.force = without.force
            and counted.crime_ref = without.crime_ref
    inner join left_over
        on
            counted.offender_key = left_over.offender_key
            and counted.force = left_over.force
            and counted.crime_ref = left_over.crime_ref
    cross join rules
    left join lines
        on counted.list_date = lines.list_date
    where counted.is_current and ranked.is_current

),

final as (

    select
        *,
        cast(
            is_off_when_gone and counts_until < {{ next_list_date('list_date') }} as boolean
        ) as is_off_by_next_list
    from evidence

)

select * from final
