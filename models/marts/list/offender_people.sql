with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

offenders as (

    select distinct offender_key
    from ranked
    where is_current or (is_monthly and is_listed)

),

-- The record whose reference is the offender's key, sent or not, and the records merged into it.
records as (

    select
        offender_key,
        {{ force_of('offender_key') }} as force,
        {{ person_ref_of('offender_key') }} as person_ref,
        true as is_surviving_record
    from offenders

    union all

    select
        offenders.offender_key,
        identities.force,
        identities.person_ref,
        false as is_surviving_record
    from offenders
    inner join identities
        on offenders.offender_key = identities.person_key

),

people as (

    select * from {{ ref('int_people') }}
    {{ where_key_in('person_digest', 'records', digest(['force', 'person_ref'])) }}

),

final as (

    select
        cast(records.offender_key as string) as offender_key,
        cast(records.force as string) as force,
        cast(records.person_ref as string) as person_ref,
        cast(people.forename as string) as forename,
        cast(people.middle_names as string) as middle_names,
        cast(people.surname as string) as surname,
        cast(people.date_of_birth as date) as date_of_birth,
        cast(people.birth_year as integer) as birth_year,
        cast(people.sex as string) as sex,
        cast(records.is_surviving_record as boolean) as is_surviving_record
    from records
    left join people
        on
            records.force = people.force
            and records.person_ref = people.person_ref

)

select * from final
