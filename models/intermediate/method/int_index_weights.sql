with indices as (

    select * from {{ ref('int_harm_indices') }}

),

own_weights as (

    select
        harm_index,
        offence_code,
        recorded_crime_code,
        harm_days,
        harm_days_highest,
        basis,
        source
    from {{ ref('harm_weights') }}

    union all

    select
        harm_index,
        offence_code,
        recorded_crime_code,
        harm_days,
        harm_days_highest,
        basis,
        source
    from {{ ref('stg_imported_weights') }}

),

-- An index that extends another takes the figures of every code that it does not weigh itself.
inherited_weights as (

    select
        indices.harm_index,
        own_weights.offence_code,
        own_weights.recorded_crime_code,
        own_weights.harm_days,
        own_weights.harm_days_highest,
        own_weights.basis,
        own_weights.source
    from indices
    inner join own_weights
        on indices.extends_index = own_weights.harm_index
    left join own_weights as overriding_weights
        on
            indices.harm_index = overriding_weights.harm_index
            and own_weights.offence_code = overriding_weights.offence_code
    where overriding_weights.harm_index is null

),

final as (

    select * from own_weights
    union all
    select * from inherited_weights

)

select * from final
