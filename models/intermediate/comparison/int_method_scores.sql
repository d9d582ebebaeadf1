with methods as (

    select * from {{ ref('int_compared_methods') }}

),

allegations as (

    select * from {{ ref('int_windowed_allegations') }}

),

weights as (

    select * from {{ ref('int_harm_weights') }}

),

-- Conditions on the kind of an allegation are checked once a kind, not once an allegation: there are about a hundred.
kinds as (

    select distinct
        vawg_scope,
        status,
        reported_by,
        offender_sex,
        victim_sexes
    from allegations

),

counted_kinds as (

    select
        methods.ranking_key,
        kinds.vawg_scope,
        kinds.status,
        kinds.reported_by,
        kinds.offender_sex,
        kinds.victim_sexes
    from kinds
    inner join methods
        on
            {{ is_scope_of_method('kinds.vawg_scope', 'methods') }}
            and {{ is_status_of_method('kinds.status', 'methods') }}
            and {{ is_reporter_of_method('kinds.reported_by', 'methods') }}
            and {{ is_sex_of_method('kinds.offender_sex', 'methods') }}
            and {{ has_victim_of_method('kinds.victim_sexes', 'methods') | indent(8) }}

),

codes as (

    select distinct offence_code
    from allegations

),

weighed_codes as (

    select
        methods.ranking_key,
        codes.offence_code,
        {{ weight_of_method('weights', 'methods') | indent(4) }} as harm_days
    from codes
    cross join methods
    left join weights
        on
            codes.offence_code = weights.offence_code
            and methods.harm_index = weights.harm_index

),

counted as (

    select
        methods.ranking_key,
        allegations.offender_key,
        allegations.force,
        allegations.crime_ref,
        allegations.crime_digest,
        allegations.reported_on,
        weighed_codes.harm_days
    from allegations
    inner join counted_kinds
        on
            allegations.vawg_scope = counted_kinds.vawg_scope
            and allegations.status = counted_kinds.status
            and allegations.reported_by = counted_kinds.reported_by
            and allegations.offender_sex = counted_kinds.offender_sex
            and allegations.victim_sexes = counted_kinds.victim_sexes
    inner join methods
        on counted_kinds.ranking_key = methods.ranking_key
    inner join weighed_codes
        on
            methods.ranking_key = weighed_codes.ranking_key
            and allegations.offence_code = weighed_codes.offence_code
    where
        allegations.reported_on > {{ window_starts_after('methods.list_date', 'methods.window_days') }}
        and {{ counts_when_historic(is_historic_report('allegations.days_to_report', 'methods'), 'methods') }}
        and {{ is_age_of_method('allegations.highest_possible_age', 'methods') }}
        and {{ counts_when_dead('allegations.deceased_on', 'methods.list_date', 'methods') | indent(4) }}
        and {{ counts_in_custody('allegations.is_in_custody', 'methods') }}

),

victims as (

    select * from {{ ref('int_crime_victims') }}
    {{ where_key_in('crime_digest', 'allegations') }}

),

female_victims as (

    {{ female_victims_by(['ranking_key', 'offender_key'], 'counted', 'victims') }}

),

scores as (

    select
        ranking_key,
        offender_key,
        {{ sums_of_score() | indent(4) }},
        coalesce(max(harm_days), 0) as gravest_harm_days
    from counted
    group by ranking_key, offender_key

),

final as (

    select
        scores.*,
        coalesce(female_victims.female_victims, 0) as female_victims
    from scores
    left join female_victims
        on
            scores.ranking_key = female_victims.ranking_key
            and scores.offender_key = female_victims.offender_key

)

select * from final
