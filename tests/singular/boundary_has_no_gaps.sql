with boundary as (

    select * from {{ ref('rank_boundary') }}

),

ranked as (

    select * from {{ ref('offender_harm') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

shown as (

    select
        min(boundary.harm_rank) as first_shown,
        max(boundary.harm_rank) as last_shown
    from boundary

),

-- Every rank from the first to the last expected one must have a row, with the values of the ranking.
final as (

    select
        ranked.harm_rank,
        boundary.harm_rank as shown_rank
    from ranked
    cross join rules
    cross join shown
    full outer join boundary
        on
            ranked.harm_rank = boundary.harm_rank
            and ranked.list_date = boundary.list_date
            and ranked.offender_key = boundary.offender_key
            and ranked.is_listed = boundary.is_listed
            and ranked.harm_days = boundary.harm_days
            and ranked.female_victims = boundary.female_victims
            and ranked.allegations = boundary.allegations
            and ranked.latest_reported_on = boundary.latest_reported_on
            -- The last of a tie is tied, too, but separated from the next by more than the key.
            and (ranked.is_tied or coalesce(boundary.separated_by, '') <> 'offender_key')
            and (ranked.is_tied or not boundary.is_tied_across_line)
    where
        ranked.harm_rank is null
        or (
            boundary.harm_rank is null
            and (
                ranked.harm_rank between shown.first_shown and shown.last_shown
                or ranked.harm_rank between rules.list_size - {{ var('places_around_line') }}
                and rules.list_size + {{ var('places_around_line') }}
            )
        )

)

select * from final
