{#- Text functions of the method. -#}

{#- Whether a value matches a regular expression. -#}
{% macro matches(value, pattern) -%}
    {{ return(adapter.dispatch('matches', 'harmrank')(value, pattern)) }}
{%- endmacro %}

{% macro default__matches(value, pattern) -%}
    regexp_like({{ value }}, '{{ pattern }}')
{%- endmacro %}

{% macro duckdb__matches(value, pattern) -%}
    regexp_matches({{ value }}, '{{ pattern }}')
{%- endmacro %}

{#- An offence code in the one form the seeds use. Home Office codes come as 019/08, 19/8, 01908 or, where a
    spreadsheet ate the zeros, 1908 and 806: they become 019/08 and 008/06. Anything else is a recorded-crime code (19C,
    4.4) and is only upper-cased. Of three digits alone, these six are recorded-crime codes, no others. 802 and 814 can
    be 008/02 and 008/14 too, which landing checks (expectations/door_in/crimes.yml). -#}
{% macro normalise_offence_code(code) -%}
    case
        when {{ matches(code, '^[0-9]{1,3}/[0-9]{1,2}$') }}
            then lpad(split_part({{ code }}, '/', 1), 3, '0') || '/' || lpad(split_part({{ code }}, '/', 2), 2, '0')
        when {{ matches(code, '^[0-9]{3,5}$') }} and {{ code }} not in ('104', '106', '126', '139', '802', '814')
            then substr(lpad({{ code }}, 5, '0'), 1, 3) || '/' || substr(lpad({{ code }}, 5, '0'), 4, 2)
        else upper({{ code }})
    end
{%- endmacro %}

{#- Whether a word is in a list of words separated by single spaces, as the ranking methods write them. -#}
{% macro is_listed(word, words) -%}
    position(' ' || {{ word }} || ' ' in ' ' || {{ words }} || ' ') > 0
{%- endmacro %}

{#- One element, counted from 0, of a JSON array of text. -#}
{% macro json_text(array, position) -%}
    {{ return(adapter.dispatch('json_text', 'harmrank')(array, position)) }}
{%- endmacro %}

{% macro default__json_text(array, position) -%}
    get_json_object({{ array }}, '$[{{ position }}]')
{%- endmacro %}

{% macro duckdb__json_text(array, position) -%}
    json_extract_string({{ array }}, '$[{{ position }}]')
{%- endmacro %}
