with places as (

    select
        list_date,
        offender_key
    from {{ ref('int_ranked_offenders') }}
    where is_listed

),

-- Large models, each read once and only for people who were ever on a list.
ranks as (

    select
        list_date,
        offender_key,
        harm_rank
    from {{ ref('int_ranked_offenders') }}
    where offender_key in (select places.offender_key from places)

),

standings as (

    select
        list_date,
        offender_key,
        harm_days,
        female_victims,
        allegations,
        latest_reported_on
    from {{ ref('int_offender_scores') }}
    where offender_key in (select places.offender_key from places)

),

list_dates as (

    select * from {{ ref('int_list_dates') }}

),

-- The list date is the last of all, so that every list before it is a monthly one.
listed as (

    select
        list_date,
        offender_key,
        count(*) over (
            partition by offender_key
            order by list_date
            rows between unbounded preceding and current row
        ) as months_on_list
    from places

),

members as (

    select
        listed.list_date,
        listed.offender_key
    from listed

    union

    select
        list_dates.list_date,
        listed.offender_key
    from listed
    inner join list_dates
        on listed.list_date = list_dates.previous_list_date

),

-- A person below the minima of the method has no rank.
final as (

    select
        members.list_date,
        members.offender_key,
        list_dates.previous_list_date,
        list_dates.is_monthly,
        listed.offender_key is not null as is_listed,
        listed_before.offender_key is not null as was_listed,
        coalesce(listed.months_on_list, listed_before.months_on_list) as months_on_list,
        ranks.harm_rank,
        standings.harm_days,
        standings.female_victims,
        standings.allegations,
        standings.latest_reported_on,
        ranks_before.harm_rank as before_harm_rank,
        standings_before.harm_days as before_harm_days,
        standings_before.female_victims as before_female_victims,
        standings_before.allegations as before_allegations,
        standings_before.latest_reported_on as before_latest_reported_on
    from members
    inner join list_dates
        on members.list_date = list_dates.list_date
    left join listed
        on
            members.list_date = listed.list_date
            and members.offender_key = listed.offender_key
    left join listed as listed_before
        on
            list_dates.previous_list_date = listed_before.list_date
            and members.offender_key = listed_before.offender_key
    left join ranks
        on
            members.list_date = ranks.list_date
            and members.offender_key = ranks.offender_key
    left join ranks as ranks_before
        on
            list_dates.previous_list_date = ranks_before.list_date
            and members.offender_key = ranks_before.offender_key
    left join standings
        on
            members.list_date = standings.list_date
            and members.offender_key = standings.offender_key
    left join standings as standings_before
        on
            list_dates.previous_list_date = standings_before.list_date
            and members.offender_key = standings_before.offender_key

)

select * from final
