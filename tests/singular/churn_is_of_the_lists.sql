with churn as (

    select * from {{ ref('list_churn') }}

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
        harm_days
    from {{ ref('list_history') }}

    union

    select
        list_date,
        offender_key,
        harm_days
    from {{ ref('top_100') }}

),

sizes as (

    select
        list_date,
        count(*) as places,
        sum(harm_days) as harm_days
    from places
    group by list_date

),

final as (

    select
        coalesce(list_dates.list_date, churn.list_date) as list_date,
        churn.places,
        churn.places_before
    from list_dates
    full outer join churn
        on
            list_dates.list_date = churn.list_date
            and list_dates.previous_list_date = churn.previous_list_date
    left join sizes
        on list_dates.list_date = sizes.list_date
    left join sizes as sizes_before
        on list_dates.previous_list_date = sizes_before.list_date
    where
        churn.list_date is null
        or list_dates.list_date is null
        or churn.places <> coalesce(sizes.places, 0)
        or churn.places_before <> coalesce(sizes_before.places, 0)
        or churn.harm_days <> coalesce(sizes.harm_days, 0)
        or churn.harm_days_before <> coalesce(sizes_before.harm_days, 0)
        or churn.entered - churn.people_left <> churn.places - churn.places_before
        or churn.jaccard not between 0 and 1
        or churn.churn not between 0 and 1
        or churn.share_first_time > churn.share_new
        or churn.share_new > 1
        or churn.share_with_one_allegation not between 0 and 1

)

select * from final
