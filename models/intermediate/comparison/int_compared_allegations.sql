{#- What an allegation is checked for: the columns that decide, and the conditions. -#}
{%- set checks = {
    'kind': [
        ['vawg_scope', 'status', 'reported_by', 'offender_sex', 'victim_sexes'],
        [
            is_scope_of_method('facts.vawg_scope', 'methods'),
            is_status_of_method('facts.status', 'methods'),
            is_reporter_of_method('facts.reported_by', 'methods'),
            is_sex_of_method('facts.offender_sex', 'methods'),
            has_victim_of_method('facts.victim_sexes', 'methods'),
        ],
    ],
    'day': [
        ['reported_on'],
        ['facts.reported_on > ' ~ window_starts_after('methods.list_date', 'methods.window_days')],
    ],
    'delay': [
        ['days_to_report'],
        [counts_when_historic(is_historic_report('facts.days_to_report', 'methods'), 'methods')],
    ],
    'person': [
        ['highest_possible_age', 'deceased_on', 'is_in_custody'],
        [
            is_age_of_method('facts.highest_possible_age', 'methods'),
            counts_when_dead('facts.deceased_on', 'methods.list_date', 'methods'),
            counts_in_custody('facts.is_in_custody', 'methods'),
        ],
    ],
} %}
-- The ways to count by which an allegation counts are the bits of one number. Conditions are checked once for each
-- value of their columns, not once for each allegation, since there are few. Where all are met, all have the bit.
with methods as (

    select * from {{ ref('int_compared_methods') }}

),

allegations as (

    select * from {{ ref('int_windowed_allegations') }}

),

{% for name, (columns, conditions) in checks.items() -%}
{{ name }}_facts as (

    select distinct {{ columns | join(', ') }}
    from allegations

),

bits_by_{{ name }} as (

    select
        {%- for column in columns %}
        facts.{{ column }},
        {%- endfor %}
        bit_or(methods.counting_bit) as counting_bits
    from {{ name }}_facts as facts
    inner join methods
        on
            {{ conditions | join('\n            and ') }}
    group by
        facts.{{ columns | join(',\n        facts.') }}

),

{% endfor -%}
with_bits as (

    select
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.crime_digest,
        allegations.reported_on,
        allegations.offence_code,
        bits_by_kind.counting_bits
        & bits_by_day.counting_bits
        & bits_by_delay.counting_bits
        & bits_by_person.counting_bits as counting_bits
    from allegations
    inner join bits_by_kind
        on
            allegations.vawg_scope = bits_by_kind.vawg_scope
            and allegations.status = bits_by_kind.status
            and allegations.reported_by = bits_by_kind.reported_by
            and allegations.offender_sex = bits_by_kind.offender_sex
            and allegations.victim_sexes = bits_by_kind.victim_sexes
    inner join bits_by_day
        on allegations.reported_on = bits_by_day.reported_on
    inner join bits_by_delay
        on allegations.days_to_report is not distinct from bits_by_delay.days_to_report
    inner join bits_by_person
        on
            allegations.highest_possible_age is not distinct from bits_by_person.highest_possible_age
            and allegations.deceased_on is not distinct from bits_by_person.deceased_on
            and allegations.is_in_custody = bits_by_person.is_in_custody

),

final as (

    select *
    from with_bits
    where counting_bits <> 0

)

select * from final
