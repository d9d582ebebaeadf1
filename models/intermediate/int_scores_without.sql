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
        coalesce(harm_days, 0) as harm_days
    from counted
    where is_current

),

victims as (

    select * from {{ ref('int_crime_victims') }}
    {{ where_asked_for('crime_digest', 'allegations') }}

),

women as (

    select
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        count(*) over (partition by allegations.offender_key, victims.person_key) as allegations_of_this_woman
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
        count(*) as female_victims
    from women
    where allegations_of_this_woman = 1
    group by offender_key, force, crime_ref

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
        sum(harm_days) over (partition by offender_key) as harm_days_in_all,
        sum(harm_days) over (partition by offender_key order by reported_on) as harm_days_gone
    from allegations

),

-- What ranks the person where everything but this allegation stays.
final as (

    select
        in_order.offender_key,
        in_order.force,
        in_order.crime_ref,
        in_order.harm_days_in_all - in_order.harm_days_gone as harm_days_left,
        ranked.list_date,
        ranked.harm_days - in_order.harm_days as harm_days,
        ranked.female_victims - coalesce(own_women.female_victims, 0) as female_victims,
        ranked.allegations - 1 as allegations,
        case
            when in_order.place_from_latest = 1 then in_order.next_reported_on
            else ranked.latest_reported_on
        end as latest_reported_on
    from in_order
    inner join ranked
        on in_order.offender_key = ranked.offender_key
    left join own_women
        on
            in_order.offender_key = own_women.offender_key
            and in_order.force = own_women.force
            and in_order.crime_ref = own_women.crime_ref
    where ranked.is_current

)

select * from final
