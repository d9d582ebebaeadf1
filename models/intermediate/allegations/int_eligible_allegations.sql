-- Rows are new when their crime is touched: all rows of such crimes are replaced, so that a second run changes nothing.
with allegations as (

    select * from {{ ref('int_weighted_allegations') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

final as (

    select
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.crime_digest,
        allegations.status,
        allegations.harm_split,
        allegations.relationship,
        allegations.offence_code,
        allegations.offence,
        allegations.offence_group,
        allegations.harm_index,
        allegations.harm_days,
        allegations.harm_days_highest,
        allegations.weight_is_ambiguous,
        allegations.weight_basis,
        allegations.weight_source,
        allegations.reported_by,
        allegations.outcome_type,
        allegations.area_code,
        allegations.is_closed_without_charge,
        allegations.reported_on,
        allegations.committed_from,
        allegations.committed_to,
        allegations.cancelled_on,
        allegations.date_of_birth,
        allegations.birth_year,
        allegations.deceased_on,
        allegations.female_victims,
        allegations.is_historic,
        {{ add_days('allegations.reported_on', 'rules.window_days - 1') }} as counts_until
    from allegations
    cross join rules
    where
        allegations.is_in_scope
        and allegations.has_counted_victim
        and allegations.is_counted_reporter
        and allegations.is_counted_status
        and allegations.is_counted_sex
        and {{ counts_when_historic('allegations.is_historic', 'rules') }}

)

select * from final
