-- A row here is a code that no crime can match, because it is not in the normal form of its kind (019/08, 19C), or a
-- code of the wrong kind. Correct its seed.
with codes as (

    select
        'offences' as seed,
        code_type,
        offence_code
    from {{ ref('offences') }}

    union all

    select
        'recorded_crime_links' as seed,
        'home_office' as code_type,
        offence_code
    from {{ ref('recorded_crime_links') }}

    union all

    select
        'recorded_crime_links' as seed,
        'recorded_crime' as code_type,
        recorded_crime_code as offence_code
    from {{ ref('recorded_crime_links') }}

    union all

    select
        'harm_weights' as seed,
        'home_office' as code_type,
        offence_code
    from {{ ref('harm_weights') }}
    where offence_code is not null

    union all

    select
        'harm_weights' as seed,
        'recorded_crime' as code_type,
        recorded_crime_code as offence_code
    from {{ ref('harm_weights') }}
    where recorded_crime_code is not null

),

final as (

    select
        seed,
        code_type,
        offence_code
    from codes
    where
        (code_type = 'home_office' and not {{ matches('offence_code', '^[0-9]{3}/[0-9]{2}$') }})
        or (
            code_type = 'recorded_crime'
            and (
                {{ matches('offence_code', '/') }}
                or offence_code <> trim(offence_code)
                or offence_code <> {{ normalise_offence_code('offence_code') | indent(16) }}
                or offence_code in ('NN', 'ASB')
            )
        )

)

select * from final
