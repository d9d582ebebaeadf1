with published_weights as (

    select * from {{ ref('int_index_weights') }}

),

recorded_crime_links as (

    select * from {{ ref('recorded_crime_links') }}

),

home_office_weights as (

    select
        harm_index,
        offence_code,
        harm_days,
        harm_days_highest,
        basis,
        source
    from published_weights
    where offence_code is not null

),

recorded_crime_weights as (

    select
        harm_index,
        recorded_crime_code as offence_code,
        harm_days,
        harm_days_highest,
        basis,
        source
    from published_weights
    where recorded_crime_code is not null

),

-- An index given by recorded-crime code weighs a Home Office code through the recorded-crime codes it falls under.
linked_weights as (

    select
        published_weights.harm_index,
        recorded_crime_links.offence_code,
        published_weights.harm_days,
        published_weights.harm_days_highest,
        published_weights.basis,
        published_weights.source
    from published_weights
    inner join recorded_crime_links
        on published_weights.recorded_crime_code = recorded_crime_links.recorded_crime_code
    where published_weights.offence_code is null

),

all_weights as (

    select * from home_office_weights
    union all
    select * from recorded_crime_weights
    union all
    select * from linked_weights

),

lowest_first as (

    select
        *,
        row_number() over (
            partition by harm_index, offence_code
            order by harm_days, harm_days_highest, basis, source
        ) as place
    from all_weights

),

highest as (

    select
        harm_index,
        offence_code,
        max(harm_days_highest) as harm_days_highest
    from all_weights
    group by harm_index, offence_code

),

final as (

    select
        lowest_first.harm_index,
        lowest_first.offence_code,
        lowest_first.harm_days,
        highest.harm_days_highest,
        lowest_first.harm_days <> highest.harm_days_highest as is_ambiguous,
        lowest_first.basis,
        lowest_first.source
    from lowest_first
    inner join highest
        on
            lowest_first.harm_index = highest.harm_index
            and lowest_first.offence_code = highest.offence_code
    where lowest_first.place = 1

)

select * from final
