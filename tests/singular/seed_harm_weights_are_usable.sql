-- A row here has its highest value below its lowest, is for no code at all or names no source.
-- Fix it in seeds/harm_weights.csv.
with weights as (

    select * from {{ ref('harm_weights') }}

),

final as (

    select
        harm_index,
        offence_code,
        recorded_crime_code,
        harm_days,
        harm_days_highest,
        source
    from weights
    where
        coalesce(trim(source), '') = ''
        or harm_days_highest < harm_days
        or (offence_code is null and recorded_crime_code is null)

)

select * from final
