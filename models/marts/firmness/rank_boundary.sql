with ranked as (

    select *
    from {{ ref('int_ranked_offenders') }}
    where is_current

),

lines as (

    select * from {{ ref('int_list_cutoffs') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

-- A tie across the cut-off: the first place below equals the last place above.
tied as (

    select ranked.offender_key
    from ranked
    cross join rules
    inner join lines
        on
            ranked.list_date = lines.list_date
            and {{ ranks_alike('ranked', 'lines', 'line_') }}
    inner join ranked as last_listed
        on
            lines.list_date = last_listed.list_date
            and rules.list_size = last_listed.harm_rank
            and {{ ranks_alike('last_listed', 'lines', 'line_') }}

),

shown as (

    select
        ranked.*,
        tied.offender_key is not null as is_tied_across_line
    from ranked
    cross join rules
    left join tied
        on ranked.offender_key = tied.offender_key
    where
        tied.offender_key is not null
        or ranked.harm_rank between rules.list_size - {{ var('places_around_line') }}
        and rules.list_size + {{ var('places_around_line') }}

),

final as (

    select
        cast(shown.list_date as date) as list_date,
        cast(shown.harm_rank as integer) as harm_rank,
        cast(shown.offender_key as string) as offender_key,
        cast(shown.is_listed as boolean) as is_listed,
        cast(shown.harm_days as double) as harm_days,
        cast(shown.female_victims as integer) as female_victims,
        cast(shown.allegations as integer) as allegations,
        cast(shown.latest_reported_on as date) as latest_reported_on,
        cast({{ separated_by('shown', 'next_place') }} as string) as separated_by,
        cast({{ separation('shown', 'next_place') }} as double) as separation,
        cast(shown.is_tied_across_line as boolean) as is_tied_across_line
    from shown
    left join ranked as next_place
        on
            shown.list_date = next_place.list_date
            and shown.harm_rank + 1 = next_place.harm_rank

)

select * from final
