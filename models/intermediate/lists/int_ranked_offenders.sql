-- Rows are new when their list has changed: such a list is ranked again as a whole, and a second run changes nothing.
with scores as (

    select * from {{ ref('int_offender_scores') }}
    {{ where_touched('int_changed_lists', ['list_date']) }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

eligible as (

    select
        scores.*,
        rules.list_size
    from scores
    cross join rules
    where {{ meets_the_minimums('scores', 'rules') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by list_date
            order by {{ ranking_order() }}
        ) as harm_rank,
        count(*) over (
            partition by list_date, {{ ranking_columns() | join(', ') }}
        ) > 1 as is_tied
    from eligible

),

final as (

    select
        list_date,
        is_current,
        is_monthly,
        offender_key,
        harm_rank,
        harm_rank <= list_size as is_listed,
        is_tied,
        is_in_custody,
        harm_days,
        harm_days_named,
        harm_days_charged,
        harm_days_convicted,
        harm_days_closed_without_charge,
        harm_days_closed_without_charge / nullif(harm_days, 0) as share_closed_without_charge,
        allegations,
        unweighted_allegations,
        female_victims,
        first_reported_on,
        latest_reported_on
    from ranked

)

select * from final
