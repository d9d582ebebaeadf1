-- Rows are new when their crime is touched: all rows of such crimes are replaced, so that a second run changes nothing.
with involvements as (

    select * from {{ ref('stg_involvements') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

crimes as (

    select * from {{ ref('stg_crimes') }}
    {{ where_touched('int_touched_crimes', ['crime_digest']) }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

-- The surviving record of each person.
linked as (

    select
        involvements.*,
        {{ surviving_record('involvements', 'identities') | indent(4) }}
    from involvements
    left join identities
        on
            involvements.force = identities.force
            and involvements.person_ref = identities.person_ref

),

people as (

    select * from {{ ref('int_people') }}
    {{ where_key_in('person_digest', 'linked', digest(['surviving_force', 'surviving_ref'])) }}

),

outcomes as (

    select * from {{ ref('outcomes') }}

),

-- What each involvement points at: its crime, and the surviving record of its person.
joined as (

    select
        linked.extract_id,
        linked.force,
        linked.crime_ref,
        linked.crime_digest,
        linked.person_ref,
        linked.role,
        people.sex,
        crimes.crime_ref is not null as has_crime,
        people.person_ref is not null as has_person,
        coalesce(not outcomes.implies_named_suspect, false) as outcome_says_no_suspect
    from linked
    left join people
        on
            linked.surviving_force = people.force
            and linked.surviving_ref = people.person_ref
    left join crimes
        on
            linked.force = crimes.force
            and linked.crime_ref = crimes.crime_ref
    left join outcomes
        on crimes.outcome_type = outcomes.outcome_type

),

found as (

    select
        *,
        'crime_ref' as column_name,
        'no such crime is there (never sent, or deleted): kept, joined when it arrives' as reason
    from joined
    where not has_crime

    union all

    select
        *,
        'person_ref' as column_name,
        'no such person is there (never sent, or deleted): kept, joined when it arrives' as reason
    from joined
    where not has_person

    union all

    select
        *,
        'role' as column_name,
        'a suspect on a crime whose outcome says that none was identified' as reason
    from joined
    where role = 'suspect' and outcome_says_no_suspect

    union all

    select
        *,
        'person_ref' as column_name,
        'a victim is not known as female or male: the crime counts only if another victim is female' as reason
    from joined
    where role = 'victim' and has_person and coalesce(sex, 'U') not in ('F', 'M')

),

final as (

    select
        extract_id,
        force,
        crime_ref,
        crime_digest,
        person_ref,
        'involvements' as table_name,
        column_name,
        reason
    from found

)

select * from final
