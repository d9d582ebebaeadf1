with eligible as (

    select * from {{ ref('int_eligible_allegations') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

-- A mistyped year must not create thousands of lists.
allegations as (

    select min(eligible.reported_on) as first_reported_on
    from eligible
    cross join rules
    where eligible.reported_on >= {{ add_days('rules.newest_extract_on', '-' ~ var('oldest_report_days')) }}

),

covered as (

    select
        allegations.first_reported_on,
        case
            when rules.list_date < rules.newest_extract_on then rules.list_date
            else rules.newest_extract_on
        end as last_covered_on
    from allegations
    cross join rules

),

months as (

    {{ dates_between('covered', 'first_reported_on', 'last_covered_on', 'month') | trim }}

),

month_ends as (

    select last_day(months.month_start) as list_date
    from months
    cross join covered
    where last_day(months.month_start) <= covered.last_covered_on

),

list_dates as (

    select list_date from month_ends
    union
    select list_date from rules

),

final as (

    select
        list_dates.list_date,
        {{ window_starts_after('list_dates.list_date', 'rules.window_days') }} as window_starts_after,
        list_dates.list_date = rules.list_date as is_current,
        month_ends.list_date is not null as is_monthly,
        max(month_ends.list_date) over (
            order by list_dates.list_date
            rows between unbounded preceding and 1 preceding
        ) as previous_list_date
    from list_dates
    cross join rules
    left join month_ends
        on list_dates.list_date = month_ends.list_date

)

select * from final
