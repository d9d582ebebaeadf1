with places as (

    select * from {{ ref('int_published_places') }}

),

people as (

    select * from {{ ref('int_corrected_people') }}

),

lost as (

    select * from {{ ref('int_lost_evidence') }}

),

later as (

    select * from {{ ref('int_later_evidence') }}

),

counted as (

    select * from {{ ref('int_listed_allegations') }}

),

builds as (

    select * from {{ ref('int_build') }}

),

kinds as (

    select
        list_date,
        offender_key,
        reason,
        count(*) as allegations,
        coalesce(sum(harm_days), 0) as harm_days
    from lost
    group by list_date, offender_key, reason

    union all

    select
        list_date,
        offender_key,
        reason,
        count(*) as allegations,
        coalesce(sum(harm_days), 0) as harm_days
    from later
    group by list_date, offender_key, reason

),

-- Of several kinds, the one with most harm. For a new place a changed record may mean nothing, so it comes last.
in_order as (

    select
        kinds.*,
        row_number() over (
            partition by kinds.list_date, kinds.offender_key
            order by
                case when places.is_listed and kinds.reason = 'changed_record' then 1 else 0 end asc,
                kinds.harm_days desc,
                kinds.reason asc
        ) as place,
        sum(
            case when places.is_listed and kinds.reason <> 'changed_record' then kinds.harm_days else 0 end
        ) over (partition by kinds.list_date, kinds.offender_key) as harm_days_later
    from kinds
    inner join places
        on
            kinds.list_date = places.list_date
            and kinds.offender_key = places.offender_key

),

scores as (

    select
        list_date,
        offender_key,
        coalesce(sum(harm_days), 0) as harm_days
    from counted
    group by list_date, offender_key

),

lines as (

    select
        list_date,
        min(published_harm_days) as published_line
    from places
    group by list_date

),

own_reasons as (

    select
        places.*,
        coalesce(scores.harm_days, 0) as harm_days_now,
        in_order.allegations as allegations_changed,
        in_order.harm_days as harm_days_changed,
        case
            when places.method <> builds.method then 'rule'
            when people.is_merged_away or (places.is_listed and people.has_merged) then 'merged'
            when places.was_published and in_order.reason is not null then in_order.reason
            when
                in_order.reason <> 'changed_record'
                and scores.harm_days - in_order.harm_days_later <= lines.published_line
                then in_order.reason
            when in_order.reason is not null or people.has_merged or people.has_changed then 'changed_record'
        end as own_reason
    from places
    cross join builds
    inner join lines
        on places.list_date = lines.list_date
    inner join people
        on
            places.list_date = people.list_date
            and places.offender_key = people.offender_key
    left join in_order
        on
            places.list_date = in_order.list_date
            and places.offender_key = in_order.offender_key
            and in_order.place = 1
    left join scores
        on
            places.list_date = scores.list_date
            and places.offender_key = scores.offender_key

),

-- A person without a change of their own lost the place to, or took it from, a person with one.
corrected as (

    select
        own_reasons.*,
        case
            when own_reasons.own_reason is not null then own_reasons.own_reason
            when count(own_reasons.own_reason) over (partition by own_reasons.list_date) > 0 then 'others_changed'
            when own_reasons.code_version <> builds.code_version then 'rule'
            else 'other'
        end as reason
    from own_reasons
    cross join builds

),

final as (

    select
        cast(list_date as date) as list_date,
        cast(offender_key as string) as offender_key,
        cast(case when is_listed then 'added' else 'removed' end as string) as correction,
        cast(reason as string) as reason,
        cast(published_harm_rank as integer) as published_harm_rank,
        cast(published_harm_days as double) as published_harm_days,
        cast(harm_rank as integer) as harm_rank,
        cast(harm_days_now as double) as harm_days,
        cast(coalesce(allegations_changed, 0) as integer) as allegations_changed,
        cast(coalesce(harm_days_changed, 0) as double) as harm_days_changed,
        cast(build_id as string) as build_id,
        cast(built_at as timestamp) as built_at,
        cast(method as string) as method,
        cast(newest_extract_id as string) as newest_extract_id
    from corrected

)

select * from final
