with seeded as (

    select * from {{ ref('harm_indices') }}

),

imported as (

    select distinct
        harm_index,
        source
    from {{ ref('stg_imported_weights') }}

),

final as (

    select
        harm_index,
        extends_index,
        flat_harm_days,
        unit,
        source,
        caveat
    from seeded

    union all

    select
        harm_index,
        cast(null as string) as extends_index,
        cast(null as double) as flat_harm_days,
        'days of imprisonment' as unit,
        source,
        'Figures of an imported workbook, in days, as its authors published them' as caveat
    from imported

)

select * from final
