{#- The order of the list, defined once: the ranking columns, most important first, in each the higher value first. The
    key comes last: it is arbitrary and only makes the order complete. -#}
{% macro ranking_columns() -%}
    {{ return(['harm_days', 'female_victims', 'allegations', 'latest_reported_on']) }}
{%- endmacro %}

{#- The ORDER BY of the list. -#}
{% macro ranking_order() -%}
    {{ ranking_columns() | join(' desc, ') }} desc, offender_key asc
{%- endmacro %}

{#- Whether the person in `one` comes after the person in `other`, whose columns have a prefix. -#}
{% macro ranks_behind(one, other, prefix) -%}
    case
        {%- for column in ranking_columns() %}
        when {{ one }}.{{ column }} <> {{ other }}.{{ prefix }}{{ column }}
            then {{ one }}.{{ column }} < {{ other }}.{{ prefix }}{{ column }}
        {%- endfor %}
        else {{ one }}.offender_key > {{ other }}.{{ prefix }}offender_key
    end
{%- endmacro %}

{#- Whether only the key decides which of the two comes first. -#}
{% macro ranks_alike(one, other, prefix) -%}
    (
        {%- for column in ranking_columns() %}
        {{ 'and ' if not loop.first }}{{ one }}.{{ column }} = {{ other }}.{{ prefix }}{{ column }}
        {%- endfor %}
    )
{%- endmacro %}

{#- The sums of a person's allegations in a score, for a GROUP BY; the female victims come from a separate join. -#}
{% macro sums_of_score() -%}
    coalesce(sum(harm_days), 0) as harm_days,
    count(*) as allegations,
    sum(case when harm_days is null then 1 else 0 end) as unweighted_allegations,
    max(reported_on) as latest_reported_on
{%- endmacro %}

{#- The distinct female victims in the crimes of `allegations`, by columns of it. -#}
{% macro female_victims_by(columns, allegations, victims) -%}
    select
        {%- for column in columns %}
        {{ allegations }}.{{ column }},
        {%- endfor %}
        count(distinct {{ victims }}.person_key) as female_victims
    from {{ allegations }}
    inner join {{ victims }}
        on
            {{ allegations }}.force = {{ victims }}.force
            and {{ allegations }}.crime_ref = {{ victims }}.crime_ref
    where {{ victims }}.is_female
    group by {% for column in columns %}{{ allegations }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{#- Whether a score is enough to be ranked. -#}
{% macro meets_the_minimums(scores, rules) -%}
    (
        {{ scores }}.allegations >= {{ rules }}.minimum_allegations
        and {{ scores }}.female_victims >= {{ rules }}.minimum_female_victims
    )
{%- endmacro %}

{#- Whether the rest of a listed score falls off the list: it is too little to be ranked, or comes after the first
    person below the list. -#}
{% macro falls_off_list(scores, rules, lines) -%}
    (
        not {{ meets_the_minimums(scores, rules) | indent(8) }}
        or coalesce({{ ranks_behind(scores, lines, 'line_') | indent(8) }}, false)
    )
{%- endmacro %}

{#- The first column that ranks the person in `one` before the one in `other`; the key where no other does. -#}
{% macro separated_by(one, other) -%}
    case
        {%- for column in ranking_columns() %}
        when {{ one }}.{{ column }} <> {{ other }}.{{ column }} then '{{ column }}'
        {%- endfor %}
        when {{ one }}.offender_key <> {{ other }}.offender_key then 'offender_key'
    end
{%- endmacro %}

{#- The distance in that column, in its unit: days for dates, zero for the key. -#}
{% macro separation(one, other) -%}
    case
        {%- for column in ranking_columns() %}
        when {{ one }}.{{ column }} <> {{ other }}.{{ column }}
            then
                {% if column.endswith('_on') -%}
                    {{ days_between(other ~ '.' ~ column, one ~ '.' ~ column) }}
                {%- else -%}
                    {{ one }}.{{ column }} - {{ other }}.{{ column }}
                {%- endif %}
        {%- endfor %}
        when {{ one }}.offender_key <> {{ other }}.offender_key then 0
    end
{%- endmacro %}
