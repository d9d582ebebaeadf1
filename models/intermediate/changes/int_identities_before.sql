{%- if only_changes() -%}
with final as (

    select
        force,
        person_ref,
        person_key
    from {{ as_last_built('int_identities') }}

)
{%- else -%}
with final as (

    select
        cast(null as string) as force,
        cast(null as string) as person_ref,
        cast(null as string) as person_key
    where false

)
{%- endif %}

select * from final
