{#- The newest version of each record, tombstones included: the newest updated_at wins, then the later
    extract, then the later row. The engine overrides compute the same thing faster.

    Incremental: a row is new if its extract is. The newest version so far replaces all older ones, so that only it and
    the new rows are compared; a second run finds the same winner. -#}
{% macro newest_version(relation, key, attributes, digests, cleaned={}) -%}
    {{ return(adapter.dispatch('newest_version', 'harmrank')(relation, key, attributes, digests, cleaned)) }}
{%- endmacro %}

{% macro default__newest_version(relation, key, attributes, digests, cleaned) -%}
{%- set columns = key + digests.keys() | list + attributes + ['is_deleted', 'updated_at', 'extract_id'] -%}
with source as (

    {{ versions_to_compare(relation, columns, digests, cleaned) | indent(4) }}

),

numbered as (

    select
        {{ columns | join(',\n        ') }},
        row_number() over (
            partition by {{ key | join(', ') }}
            order by updated_at desc, extract_id desc, row_number desc
        ) as version_number
    from source

),

final as (

    select
        {{ columns | join(',\n        ') }}
    from numbered
    where version_number = 1

)

select * from final
{%- endmacro %}

{% macro duckdb__newest_version(relation, key, attributes, digests, cleaned) -%}
{%- set columns = key + digests.keys() | list + attributes + ['is_deleted', 'updated_at', 'extract_id'] -%}
{%- set kept = '' if rebuilds_part() else 'not materialized ' -%}
{#- Read several times, not materialized: otherwise all of raw would be in memory. -#}
with source as {{ kept }}(

    {{ versions_to_compare(relation, columns, digests, cleaned) | indent(4) }}

),

{#- Most records came once, and whole numbers show that in half the time of their keys. Where two share a number, both
    are compared by their keys. -#}
repeated as (

    select hash({{ key | join(', ') }}) as record
    from source
    group by record
    having count(*) > 1

),

extracts as (

    select
        extract_id,
        row_number() over (order by extract_id) as extract_number
    from (select distinct extract_id from source)

),

{#- The whole order in one number: microseconds (negative before 1970), then 24 bits of extracts, then 36 bits of rows. One
    number is much faster to compare and to keep for each key than three columns. -#}
numbered as {{ kept }}(

    select
        source.*,
        cast(epoch_us(source.updated_at) as hugeint) * 1152921504606846976
        + cast(extracts.extract_number as hugeint) * 68719476736
        + source.row_number as version_number
    from source
    inner join extracts
        on source.extract_id = extracts.extract_id
    where hash(source.{{ key | join(', source.') }}) in (select record from repeated)

),

final as (

    select
        {{ columns | join(',\n        ') }}
    from source
    where hash({{ key | join(', ') }}) not in (select record from repeated)

    union all

    select
        {{ columns | join(',\n        ') }}
    from numbered
    where ({{ key | join(', ') }}, version_number) in (
        select newest.{{ key | join(', newest.') }}, max(newest.version_number)
        from numbered as newest
        group by newest.{{ key | join(', newest.') }}
    )

)

select * from final
{%- endmacro %}

{#- All rows; or the new ones, and the newest so far of all records with the same (first) digest. Those came with another
    extract, so that their row number decides nothing. The table gets all rows with these digests from the query. -#}
{% macro versions_to_compare(relation, columns, digests, cleaned) -%}
    {{- runs_after('stg_new_extracts') -}}
    {%- set made = dict(cleaned) -%}
    {%- for name, columns_of_it in digests.items() %}{% do made.update({name: digest(columns_of_it)}) %}{% endfor -%}
    {%- set first = digests.keys() | first -%}
    select
        {%- for column in columns %}
        {% if column in made %}{{ made[column] }} as {% endif %}{{ column }},
        {%- endfor %}
        row_number
    from {{ relation }}
    {%- if rebuilds_part() %}
    where extract_id in (select extract_id from {{ ref('stg_new_extracts') }})

    union all

    select
        {{ columns | join(',\n        ') }},
        0 as row_number
    from {{ this }}
    where {{ first }} in (
        select {{ made[first] }}
        from {{ relation }}
        where extract_id in (select extract_id from {{ ref('stg_new_extracts') }})
    )
    {%- endif -%}
{%- endmacro %}
