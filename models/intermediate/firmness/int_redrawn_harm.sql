-- Nothing is random: the draws are the digits of an MD5 of the key, the same on every engine and in every build.
{%- set digits_of_a_draw = 4 %}
{%- set draws_of_a_digest = 32 // digits_of_a_draw %}
with offenders as (

    select * from {{ ref('int_redrawn_offenders') }}

),

counted as (

    select * from {{ ref('int_counted_allegations') }}

),

poisson as (

    select * from {{ ref('poisson_draws') }}

),

redraws as (

    {{ whole_numbers(1, var('redraws')) }}

),

blocks as (

    {{ whole_numbers(0, (var('redraws') - 1) // draws_of_a_digest) }}

),

positions as (

    {{ whole_numbers(0, draws_of_a_digest - 1) }}

),

-- An allegation without weight changes no score.
allegations as (

    select
        counted.offender_key,
        counted.force,
        counted.crime_ref,
        counted.harm_days
    from counted
    inner join offenders
        on
            counted.list_date = offenders.list_date
            and counted.offender_key = offenders.offender_key
    where counted.harm_days > 0

),

digests as (

    select
        allegations.offender_key,
        allegations.harm_days,
        blocks.number as block,
        md5(
            allegations.force || '|' || allegations.crime_ref || '|' || allegations.offender_key
            || '|' || cast(blocks.number as string)
        ) as digest
    from allegations
    cross join blocks

),

draws as (

    select
        digests.offender_key,
        digests.harm_days,
        digests.block * {{ draws_of_a_digest }} + positions.number + 1 as redraw,
        substr(digests.digest, {{ digits_of_a_draw }} * positions.number + 1, {{ digits_of_a_draw }}) as digits
    from digests
    cross join positions

),

-- An allegation drawn twice meets two rows, one drawn not at all meets none.
drawn as (

    select
        draws.offender_key,
        draws.redraw,
        sum(draws.harm_days) as harm_days
    from draws
    inner join poisson
        on draws.digits >= poisson.from_digits
    group by draws.offender_key, draws.redraw

),

final as (

    select
        offenders.list_date,
        offenders.offender_key,
        offenders.harm_rank,
        redraws.number as redraw,
        coalesce(drawn.harm_days, 0) as harm_days
    from offenders
    cross join redraws
    left join drawn
        on
            offenders.offender_key = drawn.offender_key
            and redraws.number = drawn.redraw

)

select * from final
