with published as (

    select * from {{ ref('stg_published_places') }}

),

ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

list_dates as (

    select * from {{ ref('int_list_dates') }}

),

publications as (

    select distinct
        build_id,
        method,
        code_version,
        newest_extract_id,
        list_date,
        built_at
    from published

),

in_order as (

    select
        *,
        row_number() over (
            partition by list_date
            order by built_at desc, build_id desc
        ) as place_from_latest
    from publications

),

-- The last publication of each list date. A list date inside a month is built for that date alone.
latest as (

    select in_order.*
    from in_order
    inner join list_dates
        on in_order.list_date = list_dates.list_date
    where in_order.place_from_latest = 1

),

listed as (

    select
        ranked.list_date,
        ranked.offender_key,
        ranked.harm_rank,
        ranked.harm_days
    from ranked
    inner join latest
        on ranked.list_date = latest.list_date
    where ranked.is_listed

),

members as (

    select
        latest.list_date,
        published.offender_key
    from published
    inner join latest
        on published.build_id = latest.build_id

    union

    select
        listed.list_date,
        listed.offender_key
    from listed

),

final as (

    select
        members.list_date,
        members.offender_key,
        latest.build_id,
        latest.method,
        latest.code_version,
        latest.newest_extract_id,
        latest.built_at,
        published.harm_rank as published_harm_rank,
        published.harm_days as published_harm_days,
        listed.harm_rank,
        listed.harm_days,
        published.offender_key is not null as was_published,
        listed.offender_key is not null as is_listed
    from members
    inner join latest
        on members.list_date = latest.list_date
    left join published
        on
            latest.build_id = published.build_id
            and members.offender_key = published.offender_key
    left join listed
        on
            members.list_date = listed.list_date
            and members.offender_key = listed.offender_key

)

select * from final
