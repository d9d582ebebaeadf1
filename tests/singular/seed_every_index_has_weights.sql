-- A row here is an index with neither a weight of its own nor one weight for every crime, or with both:
-- a list made with it would be empty or ambiguous. Fix seeds/harm_indices.csv or seeds/harm_weights.csv.
with indices as (

    select * from {{ ref('harm_indices') }}

),

weights as (

    select
        harm_index,
        count(*) as weights
    from {{ ref('harm_weights') }}
    group by harm_index

),

final as (

    select
        indices.harm_index,
        indices.flat_harm_days,
        coalesce(weights.weights, 0) as weights
    from indices
    left join weights
        on indices.harm_index = weights.harm_index
    where
        (indices.flat_harm_days is null and weights.weights is null)
        or (indices.flat_harm_days is not null and weights.weights is not null)

)

select * from final
