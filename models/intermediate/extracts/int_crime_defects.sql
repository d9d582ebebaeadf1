{%- set oldest_years = (var('oldest_report_days') / 365.25) | int -%}
-- Rows are new when their crime is touched: all rows of such crimes are replaced, so that a second run changes nothing.
with crimes as (

    select * from {{ ref('stg_crimes') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

extracts as (

    select * from {{ ref('stg_extracts') }}

),

offences as (

    select * from {{ ref('offences') }}

),

weighted_crimes as (

    select * from {{ ref('int_weighted_crimes') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

-- What each crime is compared with: its offence, its weight and the day of its extract.
joined as (

    select
        crimes.extract_id,
        crimes.force,
        crimes.crime_ref,
        crimes.crime_digest,
        crimes.reported_on,
        crimes.committed_from,
        crimes.committed_to,
        extracts.extract_on,
        offences.offence_code is not null as has_offence,
        coalesce(weighted_crimes.is_in_scope and weighted_crimes.harm_days is null, false) as is_unweighted
    from crimes
    left join extracts
        on crimes.extract_id = extracts.extract_id
    left join offences
        on crimes.offence_code = offences.offence_code
    left join weighted_crimes
        on
            crimes.force = weighted_crimes.force
            and crimes.crime_ref = weighted_crimes.crime_ref

),

found as (

    select
        *,
        'offence_code' as column_name,
        'offence code stands in no table: the crime is kept, in no scope and unweighted' as reason
    from joined
    where not has_offence

    union all

    select
        *,
        'offence_code' as column_name,
        'offence in scope has no weight in the harm index: its allegations are shown as unweighted' as reason
    from joined
    where is_unweighted

    union all

    select
        *,
        'committed_from' as column_name,
        'committed after it was reported' as reason
    from joined
    where committed_from > reported_on

    union all

    select
        *,
        'committed_to' as column_name,
        'ends before it begins' as reason
    from joined
    where committed_to < committed_from

    union all

    select
        *,
        'reported_on' as column_name,
        'reported after the extract was taken' as reason
    from joined
    where reported_on > extract_on

    union all

    select
        *,
        'reported_on' as column_name,
        'reported more than {{ oldest_years }} years before the extract was taken' as reason
    from joined
    where reported_on < {{ add_days('extract_on', '-' ~ var('oldest_report_days')) }}

),

final as (

    select
        extract_id,
        force,
        crime_ref,
        crime_digest,
        'crimes' as table_name,
        column_name,
        reason
    from found

)

select * from final
