with movements as (

    select * from {{ ref('list_movements') }}

),

list_dates as (

    select
        *,
        window_starts_after < min(list_date) over () as is_window_filling
    from {{ ref('int_list_dates') }}

),

-- No movements to a date: both lists were empty.
counts as (

    select
        list_dates.list_date,
        list_dates.previous_list_date,
        list_dates.is_monthly,
        list_dates.is_window_filling,
        coalesce(sum(case when movements.movement = 'entered' then 1 else 0 end), 0) as entered,
        coalesce(sum(case when movements.movement = 'stayed' then 1 else 0 end), 0) as stayed,
        coalesce(sum(case when movements.movement = 'left' then 1 else 0 end), 0) as people_left,
        sum(case when movements.movement <> 'left' and movements.allegations = 1 then 1 else 0 end) as with_one,
        sum(case when movements.movement = 'entered' and movements.months_on_list = 1 then 1 else 0 end) as first_time,
        coalesce(sum(case when movements.movement <> 'left' then movements.harm_days end), 0) as harm_days,
        coalesce(
            sum(case when movements.movement <> 'entered' then movements.harm_days_before end), 0
        ) as harm_days_before,
        max(case when movements.is_remade then 1 else 0 end) = 1 as is_remade
    from list_dates
    left join movements
        on list_dates.list_date = movements.list_date
    where list_dates.previous_list_date is not null
    group by
        list_dates.list_date,
        list_dates.previous_list_date,
        list_dates.is_monthly,
        list_dates.is_window_filling

),

final as (

    select
        cast(list_date as date) as list_date,
        cast(previous_list_date as date) as previous_list_date,
        cast(is_monthly as boolean) as is_monthly,
        cast(is_window_filling as boolean) as is_window_filling,
        cast(entered + stayed as integer) as places,
        cast(stayed + people_left as integer) as places_before,
        cast(entered as integer) as entered,
        cast(stayed as integer) as stayed,
        cast(people_left as integer) as people_left,
        cast(harm_days as double) as harm_days,
        cast(harm_days_before as double) as harm_days_before,
        cast(people_left as double) / nullif(stayed + people_left, 0) as churn,
        cast(stayed as double) / nullif(entered + stayed + people_left, 0) as jaccard,
        cast(entered as double) / nullif(entered + stayed, 0) as share_new,
        cast(first_time as double) / nullif(entered + stayed, 0) as share_first_time,
        cast(with_one as double) / nullif(entered + stayed, 0) as share_with_one_allegation,
        cast(is_remade as boolean) as is_remade
    from counts

)

select * from final
