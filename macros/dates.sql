{#- Calendar arithmetic. Dates in, dates or whole numbers out; null in, null out. -#}

{#- The date a number of days after (before, when negative) another. -#}
{% macro add_days(date, days) -%}
    cast({{ date }} + ({{ days }}) * interval '1' day as date)
{%- endmacro %}

{#- Whole days from one date to a later one. -#}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between', 'harmrank')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    ({{ later }} - {{ earlier }})
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{#- Age in completed years. Somebody born on 29 February is a year older on 1 March of a common year. -#}
{% macro age_on(date_of_birth, on_date) -%}
    (
        extract(year from {{ on_date }}) - extract(year from {{ date_of_birth }})
        - case
            when
                extract(month from {{ on_date }}) * 100 + extract(day from {{ on_date }})
                < extract(month from {{ date_of_birth }}) * 100 + extract(day from {{ date_of_birth }})
                then 1
            else 0
        end
    )
{%- endmacro %}

{#- One row per `step` (month, day) from that of `first_date` to that of `last_date`: its first day, as `<step>_start`.
    Both are columns of the one-row relation `relation`; no rows where either is null. -#}
{% macro dates_between(relation, first_date, last_date, step) -%}
    {{ return(adapter.dispatch('dates_between', 'harmrank')(relation, first_date, last_date, step)) }}
{%- endmacro %}

{% macro default__dates_between(relation, first_date, last_date, step) -%}
    select
        cast(
            unnest(
                generate_series(
                    cast(date_trunc('{{ step }}', {{ first_date }}) as timestamp),
                    cast(date_trunc('{{ step }}', {{ last_date }}) as timestamp),
                    interval '1' {{ step }}
                )
            ) as date
        ) as {{ step }}_start
    from {{ relation }}
{%- endmacro %}

{% macro spark__dates_between(relation, first_date, last_date, step) -%}
    select
        explode(
            sequence(
                cast(date_trunc('{{ step }}', {{ first_date }}) as date),
                cast(date_trunc('{{ step }}', {{ last_date }}) as date),
                interval '1' {{ step }}
            )
        ) as {{ step }}_start
    from {{ relation }}
    where {{ first_date }} <= {{ last_date }}
{%- endmacro %}
