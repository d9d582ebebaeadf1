-- Rows are new when their offender or list date is touched: all such rows are replaced, so that a second run changes
-- nothing.
with allegations as (

    select * from {{ ref('int_eligible_allegations') }}

),

list_dates as (

    select * from {{ ref('int_list_dates') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

in_custody as (

    select * from {{ ref('int_custody_on_list_dates') }}

),

in_window as (

    select
        list_dates.list_date,
        list_dates.is_current,
        list_dates.is_monthly,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.crime_digest,
        allegations.harm_days,
        allegations.harm_split,
        allegations.is_closed_without_charge,
        allegations.reported_on,
        allegations.cancelled_on,
        allegations.deceased_on,
        {{ highest_possible_age(
            'allegations.date_of_birth', 'allegations.birth_year', 'list_dates.list_date'
        ) | indent(4) }} as highest_possible_age
    from allegations
    inner join list_dates
        on
            allegations.reported_on <= list_dates.list_date
            and allegations.reported_on > list_dates.window_starts_after
    {{ where_touched_list('allegations.offender_key', 'list_dates.list_date') }}

),

final as (

    select
        in_window.list_date,
        in_window.is_current,
        in_window.is_monthly,
        in_window.offender_key,
        in_window.force,
        in_window.crime_ref,
        in_window.crime_digest,
        in_window.harm_days,
        in_window.harm_split,
        in_window.is_closed_without_charge,
        in_window.reported_on,
        in_custody.person_key is not null as is_in_custody
    from in_window
    cross join rules
    left join in_custody
        on
            in_window.list_date = in_custody.list_date
            and in_window.offender_key = in_custody.person_key
    where
        {{ is_on_record('in_window.cancelled_on', 'in_window.list_date') }}
        and {{ is_age_of_method('in_window.highest_possible_age', 'rules') }}
        and {{ counts_when_dead('in_window.deceased_on', 'in_window.list_date', 'rules') | indent(4) }}
        and {{ counts_in_custody('(in_custody.person_key is not null)', 'rules') }}

)

select * from final
