{#- One row per whole number from `first` to `last`, as `number`. -#}
{% macro whole_numbers(first, last) -%}
    {{ return(adapter.dispatch('whole_numbers', 'harmrank')(first, last)) }}
{%- endmacro %}

{% macro default__whole_numbers(first, last) -%}
    select cast(unnest(generate_series({{ first }}, {{ last }})) as integer) as number
{%- endmacro %}

{% macro spark__whole_numbers(first, last) -%}
    select explode(sequence({{ first }}, {{ last }})) as number
{%- endmacro %}
