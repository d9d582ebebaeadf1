{#- The conditions of a method, each defined once: for the published method on every list, and for the compared methods on
    the list date. `rules` is a relation whose row holds a method's parameters. -#}

{#- The sexes that a record can carry. -#}
{% macro sexes() -%}
    {{ return(['F', 'M', 'U', 'X']) }}
{%- endmacro %}

{#- The sexes of a group's rows in one word, each once; empty where none is known. -#}
{% macro sexes_in_one_word(sex) -%}
    {%- for known in sexes() -%}
        max(case when {{ sex }} = '{{ known }}' then '{{ known }}' else '' end)
        {{- '\n        || ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Whether an offence is in one of the scopes that count; an offence that no table knows is in none. -#}
{% macro is_scope_of_method(vawg_scope, rules) -%}
    coalesce({{ is_listed(vawg_scope, rules ~ '.vawg_scopes') }}, false)
{%- endmacro %}

{#- Whether one of the sexes of a crime's victims, in one word, counts. -#}
{% macro has_victim_of_method(victim_sexes, rules) -%}
    (
        {%- for sex in sexes() %}
        {{ 'or ' if not loop.first }}(position('{{ sex }}' in {{ victim_sexes }}) > 0 and {{ is_listed("'" ~ sex ~ "'", rules ~ '.victim_sexes') }})
        {%- endfor %}
    )
{%- endmacro %}

{% macro is_reporter_of_method(reported_by, rules) -%}
    {{ is_listed(reported_by, rules ~ '.reported_by') }}
{%- endmacro %}

{% macro is_status_of_method(status, rules) -%}
    {{ is_listed(status, rules ~ '.statuses') }}
{%- endmacro %}

{#- An offender of unknown sex counts in no method. -#}
{% macro is_sex_of_method(sex, rules) -%}
    coalesce({{ is_listed(sex, rules ~ '.offender_sexes') }}, false)
{%- endmacro %}

{#- Whether a report is historic by the method; a report of a crime without a date is not. -#}
{% macro is_historic_report(days_to_report, rules) -%}
    coalesce({{ days_to_report }} > {{ rules }}.historic_after_days, false)
{%- endmacro %}

{% macro counts_when_historic(is_historic, rules) -%}
    ({{ rules }}.historic_reports = 'include' or not {{ is_historic }})
{%- endmacro %}

{#- The day after which the window of a list starts; the list date is its last day. -#}
{% macro window_starts_after(list_date, window_days) -%}
    {{ add_days(list_date, '-' ~ window_days) }}
{%- endmacro %}

{#- The date of the next monthly list after a list: the first month-end after it. -#}
{% macro next_list_date(list_date) -%}
    last_day({{ add_days(list_date, 1) }})
{%- endmacro %}

{#- Whether a crime is on record on a day; one cancelled on that day is not. -#}
{% macro is_on_record(cancelled_on, on_date) -%}
    ({{ cancelled_on }} is null or {{ cancelled_on }} > {{ on_date }})
{%- endmacro %}

{#- The oldest that somebody can be on a day; null where nothing is known of the birth. -#}
{% macro highest_possible_age(date_of_birth, birth_year, on_date) -%}
    case
        when {{ date_of_birth }} is not null then {{ age_on(date_of_birth, on_date) }}
        else extract(year from {{ on_date }}) - {{ birth_year }}
    end
{%- endmacro %}

{#- An unknown age excludes nobody. -#}
{% macro is_age_of_method(highest_possible_age, rules) -%}
    ({{ highest_possible_age }} is null or {{ highest_possible_age }} >= {{ rules }}.minimum_age)
{%- endmacro %}

{% macro counts_when_dead(deceased_on, on_date, rules) -%}
    (
        {{ rules }}.deceased = 'include'
        or {{ deceased_on }} is null
        or {{ deceased_on }} > {{ on_date }}
    )
{%- endmacro %}

{% macro counts_in_custody(is_in_custody, rules) -%}
    ({{ rules }}.custody = 'include' or not {{ is_in_custody }})
{%- endmacro %}

{#- What an offence weighs: the same for every offence, or one of its values in the index. -#}
{% macro weight_of_method(weights, rules) -%}
    case
        when {{ rules }}.flat_harm_days is not null then {{ rules }}.flat_harm_days
        when {{ rules }}.weight_choice = 'highest' then {{ weights }}.harm_days_highest
        else {{ weights }}.harm_days
    end
{%- endmacro %}
