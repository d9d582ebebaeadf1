{%- set columns = [
    'list_date', 'offender_key', 'harm_rank', 'harm_days', 'harm_days_named', 'harm_days_charged', 'harm_days_convicted',
    'harm_days_closed_without_charge', 'allegations', 'unweighted_allegations', 'female_victims', 'first_reported_on',
    'latest_reported_on', 'is_tied', 'is_in_custody',
] -%}
with places as (

    select
        {{ columns | join(',\n        ') }}
    from {{ ref('top_100') }}

),

listed as (

    select
        {{ columns | join(',\n        ') }}
    from {{ ref('offender_harm') }}
    where is_listed

),

only_in_places as (

    select * from places
    except
    select * from listed

),

only_in_listed as (

    select * from listed
    except
    select * from places

),

final as (

    select
        harm_rank,
        offender_key
    from only_in_places

    union all

    select
        harm_rank,
        offender_key
    from only_in_listed

)

select * from final
