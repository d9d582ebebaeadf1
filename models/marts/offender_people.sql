with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

people as (

    select * from {{ ref('int_people_records') }}

),

offenders as (

    select distinct offender_key
    from ranked
    where is_current or (is_monthly and is_listed)

),

final as (

    select
        cast(identities.person_key as string) as offender_key,
        cast(identities.force as string) as force,
        cast(identities.person_ref as string) as person_ref,
        cast(people.forename as string) as forename,
        cast(people.middle_names as string) as middle_names,
        cast(people.surname as string) as surname,
        cast(people.date_of_birth as date) as date_of_birth,
        cast(people.birth_year as integer) as birth_year,
        cast(people.sex as string) as sex,
        cast(identities.is_surviving_record as boolean) as is_surviving_record
    from identities
    inner join offenders
        on identities.person_key = offenders.offender_key
    left join people
        on
            identities.force = people.force
            and identities.person_ref = people.person_ref

)

select * from final
