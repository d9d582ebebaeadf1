with movements as (

    select * from {{ ref('list_movements') }}

),

reasons as (

    select
        list_date,
        offender_key,
        case
            when movement = 'entered' then reason in ('released', 'came_of_age', 'new_allegation', 'others_left')
            when movement = 'left'
                then reason in ('died', 'in_custody', 'overtaken', 'cancelled', 'window_passed')
            else reason in ('new_allegation', 'unchanged', 'cancelled', 'window_passed')
        end as is_a_reason
    from movements

),

final as (

    select
        movements.list_date,
        movements.offender_key,
        movements.reason
    from movements
    inner join reasons
        on
            movements.list_date = reasons.list_date
            and movements.offender_key = reasons.offender_key
    where
        not reasons.is_a_reason
        or movements.allegations - movements.allegations_before <> (
            movements.allegations_reported + movements.allegations_admitted
            - movements.allegations_passed - movements.allegations_cancelled - movements.allegations_excluded
        )
        or movements.harm_days - movements.harm_days_before <> (
            movements.harm_days_reported + movements.harm_days_admitted
            - movements.harm_days_passed - movements.harm_days_cancelled - movements.harm_days_excluded
        )

)

select * from final
