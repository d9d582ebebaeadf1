with counted as (

    select * from {{ ref('int_counted_allegations') }}

),

ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

allegations as (

    select
        offender_key,
        force,
        crime_ref,
        crime_digest,
        reported_on,
        coalesce(harm_days, 0) as harm_days,
        -- No weight ranks below a weight of zero.
        row_number() over (
            partition by offender_key
            order by coalesce(harm_days, -1) desc, reported_on desc, force asc, crime_ref asc
        ) = 1 as is_gravest
    from counted
    where is_current

),

victims as (

    select * from {{ ref('int_crime_victims') }}
    {{ where_key_in('crime_digest', 'allegations') }}

),

women as (

    select
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        count(*) over (partition by allegations.offender_key, victims.person_key) as allegations_of_this_woman,
        row_number() over (
            partition by allegations.offender_key, victims.person_key
            order by allegations.reported_on desc, allegations.force asc, allegations.crime_ref asc
        ) as place_from_latest
    from allegations
    inner join victims
        on
            allegations.force = victims.force
            and allegations.crime_ref = victims.crime_ref
    where victims.is_female

),

own_women as (

    select
        offender_key,
        force,
        crime_ref,
        sum(case when allegations_of_this_woman = 1 then 1 else 0 end) as female_victims,
        sum(case when place_from_latest = 1 then 1 else 0 end) as female_victims_named_last
    from women
    group by offender_key, force, crime_ref

),

with_women as (

    select
        allegations.*,
        coalesce(own_women.female_victims, 0) as female_victims,
        coalesce(own_women.female_victims_named_last, 0) as female_victims_named_last
    from allegations
    left join own_women
        on
            allegations.offender_key = own_women.offender_key
            and allegations.force = own_women.force
            and allegations.crime_ref = own_women.crime_ref

),

in_order as (

    select
        *,
        row_number() over (
            partition by offender_key
            order by reported_on desc, force asc, crime_ref asc
        ) as place_from_latest,
        lead(reported_on) over (
            partition by offender_key
            order by reported_on desc, force asc, crime_ref asc
        ) as next_reported_on,
        sum(harm_days) over (partition by offender_key order by reported_on) as harm_days_gone,
        sum(female_victims_named_last) over (
            partition by offender_key
            order by reported_on
        ) as female_victims_gone,
        count(*) over (partition by offender_key order by reported_on) as allegations_gone
    from with_women

),

-- The score without this allegation, and the score after it and all reports up to it have left the window.
final as (

    select
        in_order.offender_key,
        in_order.force,
        in_order.crime_ref,
        ranked.list_date,
        in_order.is_gravest,
        ranked.harm_days - in_order.harm_days as harm_days,
        ranked.female_victims - in_order.female_victims as female_victims,
        ranked.allegations - 1 as allegations,
        case
            when in_order.place_from_latest = 1 then in_order.next_reported_on
            else ranked.latest_reported_on
        end as latest_reported_on,
        ranked.harm_days - in_order.harm_days_gone as harm_days_left,
        ranked.female_victims - in_order.female_victims_gone as female_victims_left,
        ranked.allegations - in_order.allegations_gone as allegations_left,
        case
            when ranked.latest_reported_on > in_order.reported_on then ranked.latest_reported_on
        end as latest_reported_on_left
    from in_order
    inner join ranked
        on in_order.offender_key = ranked.offender_key
    where ranked.is_current

)

select * from final
