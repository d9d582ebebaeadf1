with allegations as (

    select * from {{ ref('int_weighted_allegations') }}

),

in_custody as (

    select * from {{ ref('int_custody_on_list_dates') }}

),

methods as (

    select * from {{ ref('int_compared_methods') }}

),

longest_window as (

    select
        list_date,
        max(window_days) as window_days
    from methods
    group by list_date

),

final as (

    select
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.crime_digest,
        allegations.status,
        allegations.offence_code,
        allegations.vawg_scope,
        allegations.reported_by,
        allegations.reported_on,
        allegations.days_to_report,
        allegations.offender_sex,
        allegations.victim_sexes,
        allegations.deceased_on,
        {{ highest_possible_age(
            'allegations.date_of_birth', 'allegations.birth_year', 'longest_window.list_date'
        ) | indent(4) }} as highest_possible_age,
        in_custody.person_key is not null as is_in_custody
    from allegations
    inner join longest_window
        on
            allegations.reported_on <= longest_window.list_date
            and allegations.reported_on > {{ window_starts_after(
                'longest_window.list_date', 'longest_window.window_days'
            ) }}
            and {{ is_on_record('allegations.cancelled_on', 'longest_window.list_date') }}
    left join in_custody
        on
            longest_window.list_date = in_custody.list_date
            and allegations.offender_key = in_custody.person_key

)

select * from final
