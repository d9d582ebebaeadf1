{%- set parts = ['harm_days_named', 'harm_days_charged', 'harm_days_convicted'] -%}
with shown as (

    {% for mart in ['top_100', 'offender_harm', 'list_history'] -%}
    select
        '{{ mart }}' as table_name,
        harm_rank as row_number_of_table,
        harm_days,
        {{ parts | join(',\n        ') }},
        harm_days_closed_without_charge,
        share_closed_without_charge
    from {{ ref(mart) }}

    union all

    {% endfor -%}
    select
        'harm_concentration' as table_name,
        per_cent as row_number_of_table,
        harm_days,
        {{ parts | join(',\n        ') }},
        0 as harm_days_closed_without_charge,
        0 / nullif(harm_days, 0) as share_closed_without_charge
    from {{ ref('harm_concentration') }}

),

final as (

    select
        table_name,
        row_number_of_table,
        harm_days
    from shown
    where
        harm_days <> {{ parts | join(' + ') }}
        or harm_days_closed_without_charge < 0
        or harm_days_closed_without_charge > harm_days_named
        or share_closed_without_charge is distinct from harm_days_closed_without_charge / nullif(harm_days, 0)

)

select * from final
