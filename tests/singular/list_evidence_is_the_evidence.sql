{#- Both tables have the same columns in the same order. -#}
with shown as (

    select * from {{ ref('top_100_evidence') }}

),

evidence as (

    select evidence.*
    from {{ ref('offender_evidence') }} as evidence
    inner join {{ ref('top_100') }} as places
        on evidence.offender_key = places.offender_key

),

only_in_shown as (

    select * from shown
    except
    select * from evidence

),

only_in_evidence as (

    select * from evidence
    except
    select * from shown

),

final as (

    select
        offender_key,
        force,
        crime_ref
    from only_in_shown

    union all

    select
        offender_key,
        force,
        crime_ref
    from only_in_evidence

)

select * from final
