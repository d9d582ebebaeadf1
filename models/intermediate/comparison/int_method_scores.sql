with methods as (

    select distinct
        counting_bit,
        harm_index,
        weight_choice,
        flat_harm_days
    from {{ ref('int_compared_methods') }}

),

weights as (

    select * from {{ ref('int_harm_weights') }}

),

counted as (

    select * from {{ ref('int_compared_allegations') }}

),

victims as (

    select * from {{ ref('int_crime_victims') }}
    {{ where_key_in('crime_digest', 'counted') }}

),

-- A woman counts once by each way by which one of the crimes against her counts.
women as (

    select
        counted.offender_key,
        victims.person_key,
        bit_or(counted.counting_bits) as counting_bits
    from counted
    inner join victims
        on
            counted.force = victims.force
            and counted.crime_ref = victims.crime_ref
    where victims.is_female
    group by counted.offender_key, victims.person_key

),

parts as (

    select
        offender_key,
        counting_bits,
        offence_code,
        reported_on,
        1 as allegations,
        0 as female_victims
    from counted

    union all

    select
        offender_key,
        counting_bits,
        -- No code: a woman weighs nothing.
        '' as offence_code,
        cast(null as date) as reported_on,
        0 as allegations,
        count(*) as female_victims
    from women
    group by offender_key, counting_bits

),

-- What a part weighs in each way by which it counts: the same for all with these bits and this code.
kinds as (

    select distinct
        counting_bits,
        offence_code
    from parts

),

weighed_kinds as (

    -- Distinct as it is: saying so makes this small table before the parts are joined to it.
    select distinct
        kinds.counting_bits,
        kinds.offence_code,
        methods.counting_bit,
        {{ weight_of_method('weights', 'methods') | indent(4) }} as harm_days
    from kinds
    inner join methods
        on (kinds.counting_bits & methods.counting_bit) <> 0
    left join weights
        on
            kinds.offence_code = weights.offence_code
            and methods.harm_index = weights.harm_index

),

final as (

    select
        weighed_kinds.counting_bit,
        parts.offender_key,
        coalesce(sum(parts.allegations * weighed_kinds.harm_days), 0) as harm_days,
        coalesce(max(parts.allegations * weighed_kinds.harm_days), 0) as gravest_harm_days,
        cast(sum(parts.allegations) as bigint) as allegations,
        cast(sum(case when weighed_kinds.harm_days is null then parts.allegations else 0 end) as bigint)
            as unweighted_allegations,
        max(parts.reported_on) as latest_reported_on,
        cast(sum(parts.female_victims) as bigint) as female_victims
    from parts
    inner join weighed_kinds
        on
            parts.counting_bits = weighed_kinds.counting_bits
            and parts.offence_code = weighed_kinds.offence_code
    group by weighed_kinds.counting_bit, parts.offender_key

)

select * from final
