-- One row per allegation and list it counts on.
with in_window as (

    select
        list_dates.list_date,
        allegations.*
    from method.allegations as allegations
    inner join method.list_dates as list_dates
        on
            allegations.reported_on <= list_dates.list_date
            and allegations.reported_on > list_dates.list_date - 365

)

select
    list_date,
    offender_key,
    force,
    crime_ref,
    harm_days,
    harm_split,
    reported_on
from in_window
where
    (cancelled_on is null or cancelled_on > list_date)
    and (deceased_on is null or deceased_on > list_date)
    and coalesce(
        case
            when date_of_birth is not null
                then
                    extract(year from list_date) - extract(year from date_of_birth)
                    - case
                        when
                            extract(month from list_date) * 100 + extract(day from list_date)
                            < extract(month from date_of_birth) * 100 + extract(day from date_of_birth)
                            then 1
                        else 0
                    end
            else extract(year from list_date) - birth_year
        end, 18
    ) >= 18
