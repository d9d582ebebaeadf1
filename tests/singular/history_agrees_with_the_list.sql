{%- set columns = [
    'list_date', 'harm_rank', 'offender_key', 'harm_days', 'allegations', 'female_victims', 'harm_days_named',
    'harm_days_charged', 'harm_days_convicted', 'harm_days_closed_without_charge',
] -%}
with month_ends as (

    select list_date
    from {{ ref('int_list_dates') }}
    where is_current and is_monthly

),

places as (

    select
        lists.{{ columns | join(',\n        lists.') }}
    from {{ ref('top_100') }} as lists
    inner join month_ends
        on lists.list_date = month_ends.list_date

),

monthly as (

    select
        lists.{{ columns | join(',\n        lists.') }}
    from {{ ref('list_history') }} as lists
    inner join month_ends
        on lists.list_date = month_ends.list_date

),

only_in_places as (

    select * from places
    except
    select * from monthly

),

only_in_monthly as (

    select * from monthly
    except
    select * from places

),

final as (

    select
        list_date,
        harm_rank
    from only_in_places

    union all

    select
        list_date,
        harm_rank
    from only_in_monthly

)

select * from final
