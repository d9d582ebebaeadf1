with extracts as (

    select * from {{ source('raw', 'extracts') }}

),

built_extracts as (

    select * from {{ source('raw', 'built_extracts') }}

),

final as (

    select extracts.extract_id
    from extracts
    left join built_extracts
        on extracts.extract_id = built_extracts.extract_id
    where
        built_extracts.extract_id is null
        {%- if not only_changes() %}
        -- A full rebuild: no extract is new.
        and false
        {%- endif %}

)

select * from final
