with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

offenders as (

    select * from {{ ref('int_redrawn_offenders') }}

),

redrawn as (

    select * from {{ ref('int_redrawn_harm') }}

),

evidence as (

    select * from {{ ref('offender_evidence') }}

),

gravest as (

    select *
    from {{ ref('int_leave_one_out_scores') }}
    where is_gravest

),

rules as (

    select * from {{ ref('int_rules') }}

),

-- All other people take part in every redraw with their recorded harm.
as_recorded as (

    select
        ranked.harm_days,
        count(*) as people
    from ranked
    left join offenders
        on ranked.offender_key = offenders.offender_key
    where ranked.is_current and offenders.offender_key is null
    group by ranked.harm_days

),

in_order as (

    select
        *,
        row_number() over (
            partition by redraw
            order by harm_days desc, harm_rank asc
        ) as place_among_redrawn
    from redrawn

),

levels as (

    select * from as_recorded

    union all

    select distinct
        harm_days,
        0 as people
    from in_order

),

ahead as (

    select
        harm_days,
        sum(sum(people)) over (order by harm_days desc) - sum(people) as people
    from levels
    group by harm_days

),

placed as (

    select
        in_order.offender_key,
        in_order.place_among_redrawn + ahead.people as place
    from in_order
    inner join ahead
        on in_order.harm_days = ahead.harm_days

),

places as (

    select
        placed.offender_key,
        count(*) as redraws,
        sum(case when placed.place <= rules.list_size then 1 else 0 end) as redraws_listed,
        percentile_disc(0.05) within group (order by placed.place) as redrawn_rank_low,
        percentile_disc(0.95) within group (order by placed.place) as redrawn_rank_high
    from placed
    cross join rules
    group by placed.offender_key

),

final as (

    select
        cast(ranked.list_date as date) as list_date,
        cast(ranked.offender_key as string) as offender_key,
        cast(ranked.harm_rank as integer) as harm_rank,
        cast(ranked.is_listed as boolean) as is_listed,
        cast(cast(places.redraws_listed as double) / places.redraws as double) as listed_in_redraws,
        cast(2 * places.redraws_listed > places.redraws as boolean) as is_mostly_listed,
        cast(places.redrawn_rank_low as integer) as redrawn_rank_low,
        cast(places.redrawn_rank_high as integer) as redrawn_rank_high,
        cast(coalesce(evidence.harm_days, 0) / nullif(ranked.harm_days, 0) as double) as largest_allegation_share,
        cast(ranked.is_listed and not evidence.is_decisive as boolean) as is_listed_without_largest
    from ranked
    inner join places
        on ranked.offender_key = places.offender_key
    inner join gravest
        on ranked.offender_key = gravest.offender_key
    inner join evidence
        on
            gravest.offender_key = evidence.offender_key
            and gravest.force = evidence.force
            and gravest.crime_ref = evidence.crime_ref
    where ranked.is_current

)

select * from final
