{#- The person to whom a record belongs. `identities`, left-joined, has a row only for a record merged into another. -#}
{% macro person_key(record, identities) -%}
    coalesce({{ identities }}.person_key, {{ record }}.force || '|' || {{ record }}.person_ref)
{%- endmacro %}

{#- That person as two columns, `surviving_force` and `surviving_ref`. -#}
{% macro surviving_record(record, identities) -%}
    coalesce({{ identities }}.surviving_force, {{ record }}.force) as surviving_force,
    coalesce({{ identities }}.surviving_ref, {{ record }}.person_ref) as surviving_ref
{%- endmacro %}

{#- The record that a person is named after: the force and the reference in a person_key. A force has no `|` in it. -#}
{% macro force_of(person_key) -%}
    split_part({{ person_key }}, '|', 1)
{%- endmacro %}

{% macro person_ref_of(person_key) -%}
    substr({{ person_key }}, length({{ force_of(person_key) }}) + 2)
{%- endmacro %}

{#- The digest of that record. -#}
{% macro digest_of_person(person_key) -%}
    {{ digest([force_of(person_key), person_ref_of(person_key)]) }}
{%- endmacro %}
