-- One row per spelling of an offence code in the feed: its standard form, title, scope and weight.
-- There are only some hundreds, so codes are normalised and weighed here and not for each crime.
with spellings as (

    select distinct offence_code as spelling from newest.crimes
    where not is_deleted

),

codes as (

    select
        spelling,
        case
            when regexp_full_match(spelling, '[0-9]{1,3}/[0-9]{1,2}')
                then lpad(split_part(spelling, '/', 1), 3, '0') || '/' || lpad(split_part(spelling, '/', 2), 2, '0')
            when regexp_full_match(spelling, '[0-9]{4,5}')
                then substr(lpad(spelling, 5, '0'), 1, 3) || '/' || substr(lpad(spelling, 5, '0'), 4, 2)
            else upper(spelling)
        end as offence_code
    from spellings

),

read as (

    select
        harm_index,
        offence_code,
        recorded_crime_code,
        try_cast(harm_days as double) as harm_days,
        try_cast(harm_days_highest as double) as harm_days_highest
    from read_csv('$seeds/harm_weights.csv', header = true, all_varchar = true)
    where harm_index in ('cchi_2020', 'cchi_2020_supplemented')

),

-- The supplement takes over the weights that it does not set itself.
published as (

    select * from read
    where
        harm_index = 'cchi_2020_supplemented'
        or offence_code is null
        or offence_code not in (
            select added.offence_code from read as added
            where added.harm_index = 'cchi_2020_supplemented' and added.offence_code is not null
        )

),

named as (

    select
        offence_code,
        harm_days,
        harm_days_highest
    from published
    where offence_code is not null
    union all
    select
        recorded_crime_code as offence_code,
        harm_days,
        harm_days_highest
    from published
    where recorded_crime_code is not null

),

weights as (

    select
        offence_code,
        min(harm_days) as harm_days,
        max(harm_days_highest) as harm_days_highest
    from named
    group by offence_code

),

offences as (

    select
        offence_code,
        offence,
        vawg_scope
    from read_csv('$seeds/offences.csv', header = true, all_varchar = true)

)

select
    codes.spelling,
    codes.offence_code,
    offences.offence,
    coalesce(offences.vawg_scope = 'in', false) as is_in_scope,
    weights.harm_days,
    coalesce(weights.harm_days <> weights.harm_days_highest, false) as weight_is_ambiguous
from codes
left join offences
    on codes.offence_code = offences.offence_code
left join weights
    on codes.offence_code = weights.offence_code
