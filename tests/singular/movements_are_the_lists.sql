with movements as (

    select * from {{ ref('list_movements') }}

),

list_dates as (

    select
        list_date,
        previous_list_date
    from {{ ref('int_list_dates') }}
    where previous_list_date is not null

),

places as (

    select
        list_date,
        offender_key,
        harm_rank,
        harm_days,
        allegations
    from {{ ref('list_history') }}

    union

    select
        list_date,
        offender_key,
        harm_rank,
        harm_days,
        allegations
    from {{ ref('top_100') }}

),

lists as (

    select
        *,
        count(*) over (partition by offender_key order by list_date) as months
    from places

),

on_the_lists as (

    select
        list_dates.list_date,
        lists.offender_key,
        lists.harm_rank,
        lists.harm_days,
        lists.allegations,
        lists.months
    from list_dates
    inner join lists
        on list_dates.list_date = lists.list_date

),

on_the_lists_before as (

    select
        list_dates.list_date,
        lists.offender_key,
        lists.harm_rank,
        lists.harm_days,
        lists.allegations,
        lists.months
    from list_dates
    inner join lists
        on list_dates.previous_list_date = lists.list_date

),

people as (

    select
        coalesce(here.list_date, earlier.list_date) as list_date,
        coalesce(here.offender_key, earlier.offender_key) as offender_key,
        case
            when earlier.offender_key is null then 'entered'
            when here.offender_key is null then 'left'
            else 'stayed'
        end as movement,
        here.harm_rank,
        here.harm_days,
        here.allegations,
        earlier.harm_rank as harm_rank_before,
        earlier.harm_days as harm_days_before,
        earlier.allegations as allegations_before,
        coalesce(here.months, earlier.months) as months
    from on_the_lists as here
    full outer join on_the_lists_before as earlier
        on
            here.list_date = earlier.list_date
            and here.offender_key = earlier.offender_key

),

final as (

    select
        coalesce(people.list_date, movements.list_date) as list_date,
        coalesce(people.offender_key, movements.offender_key) as offender_key
    from people
    full outer join movements
        on
            people.list_date = movements.list_date
            and people.offender_key = movements.offender_key
    where
        people.movement is distinct from movements.movement
        or people.months <> movements.months_on_list
        or people.harm_rank <> movements.harm_rank
        or people.harm_days <> movements.harm_days
        or people.allegations <> movements.allegations
        or people.harm_rank_before <> movements.harm_rank_before
        or people.harm_days_before <> movements.harm_days_before
        or people.allegations_before <> movements.allegations_before
        or movements.places_moved <> movements.harm_rank_before - movements.harm_rank

)

select * from final
