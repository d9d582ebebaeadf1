with rules as (

    select * from {{ ref('int_rules') }}

),

-- As far back as a report date is accepted.
covered as (

    select
        {{ add_days('newest_extract_on', '-' ~ var('oldest_report_days')) }} as first_on,
        case
            when list_date < newest_extract_on then newest_extract_on
            else list_date
        end as last_on
    from rules

),

days as (

    {{ dates_between('covered', 'first_on', 'last_on', 'day') | trim }}

),

final as (

    select day_start as date_day
    from days

)

select * from final
