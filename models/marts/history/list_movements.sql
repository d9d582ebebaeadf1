with members as (

    select * from {{ ref('int_list_members') }}

),

changes as (

    select * from {{ ref('int_list_changes') }}

),

custody as (

    select * from {{ ref('int_custody_on_list_dates') }}

),

published as (

    select * from {{ ref('int_published_places') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

standings as (

    select
        *,
        offender_key as before_offender_key,
        case
            when is_listed and was_listed then 'stayed'
            when is_listed then 'entered'
            else 'left'
        end as movement
    from members
    where previous_list_date is not null

),

compared as (

    select
        standings.*,
        standings.before_harm_rank is null or not (
            {{ ranks_behind('standings', 'standings', 'before_') }}
            or {{ ranks_alike('standings', 'standings', 'before_') }}
        ) as has_risen,
        standings.harm_rank is null or {{ ranks_behind('standings', 'standings', 'before_') }} as has_fallen
    from standings

),

remade as (

    select distinct list_date
    from published
    where
        published_harm_rank is distinct from harm_rank
        or published_harm_days is distinct from harm_days

),

-- The first reason that applies. A change of the person (age, custody, death) comes before a change of the allegations;
-- of cancelled and passed ones, the kind that took more harm.
reasons as (

    select
        compared.list_date,
        compared.offender_key,
        case
            when
                compared.movement = 'entered'
                and changes.allegations_admitted > 0
                and held_before.person_key is not null
                and rules.custody <> 'include'
                then 'released'
            when compared.movement = 'entered' and changes.allegations_admitted > 0 then 'came_of_age'
            when compared.movement = 'left' and changes.has_died then 'died'
            when compared.movement = 'left' and changes.allegations_excluded > 0 then 'in_custody'
            when compared.movement <> 'left' and compared.has_risen then 'new_allegation'
            when compared.movement = 'entered' then 'others_left'
            when compared.movement = 'left' and not compared.has_fallen then 'overtaken'
            when not compared.has_fallen then 'unchanged'
            when changes.allegations_cancelled > 0 and changes.harm_days_cancelled >= changes.harm_days_passed
                then 'cancelled'
            when changes.allegations_passed > 0 then 'window_passed'
            else 'other'
        end as reason
    from compared
    cross join rules
    left join changes
        on
            compared.list_date = changes.list_date
            and compared.offender_key = changes.offender_key
    left join custody as held_before
        on
            compared.previous_list_date = held_before.list_date
            and compared.offender_key = held_before.person_key

),

final as (

    select
        cast(compared.list_date as date) as list_date,
        cast(compared.previous_list_date as date) as previous_list_date,
        cast(compared.is_monthly as boolean) as is_monthly,
        cast(compared.offender_key as string) as offender_key,
        cast(compared.movement as string) as movement,
        cast(reasons.reason as string) as reason,
        cast(compared.harm_rank as integer) as harm_rank,
        cast(compared.before_harm_rank as integer) as harm_rank_before,
        cast(compared.before_harm_rank - compared.harm_rank as integer) as places_moved,
        cast(coalesce(compared.harm_days, 0) as double) as harm_days,
        cast(coalesce(compared.before_harm_days, 0) as double) as harm_days_before,
        cast(coalesce(compared.allegations, 0) as integer) as allegations,
        cast(coalesce(compared.before_allegations, 0) as integer) as allegations_before,
        cast(compared.months_on_list as integer) as months_on_list,
        cast(coalesce(changes.allegations_reported, 0) as integer) as allegations_reported,
        cast(coalesce(changes.harm_days_reported, 0) as double) as harm_days_reported,
        cast(coalesce(changes.allegations_admitted, 0) as integer) as allegations_admitted,
        cast(coalesce(changes.harm_days_admitted, 0) as double) as harm_days_admitted,
        cast(coalesce(changes.allegations_passed, 0) as integer) as allegations_passed,
        cast(coalesce(changes.harm_days_passed, 0) as double) as harm_days_passed,
        cast(coalesce(changes.allegations_cancelled, 0) as integer) as allegations_cancelled,
        cast(coalesce(changes.harm_days_cancelled, 0) as double) as harm_days_cancelled,
        cast(coalesce(changes.allegations_excluded, 0) as integer) as allegations_excluded,
        cast(coalesce(changes.harm_days_excluded, 0) as double) as harm_days_excluded,
        cast(remade.list_date is not null or remade_before.list_date is not null as boolean) as is_remade
    from compared
    inner join reasons
        on
            compared.list_date = reasons.list_date
            and compared.offender_key = reasons.offender_key
    left join changes
        on
            compared.list_date = changes.list_date
            and compared.offender_key = changes.offender_key
    left join remade
        on compared.list_date = remade.list_date
    left join remade as remade_before
        on compared.previous_list_date = remade_before.list_date

)

select * from final
