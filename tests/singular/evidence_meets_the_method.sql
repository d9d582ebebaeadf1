with evidence as (

    select * from {{ ref('offender_evidence') }}

),

crimes as (

    select * from {{ ref('int_weighted_crimes') }}

),

persons as (

    select * from {{ ref('int_persons') }}

),

rules as (

    select * from {{ ref('int_rules') }}

),

victims as (

    select distinct
        victims.force,
        victims.crime_ref
    from {{ ref('int_crime_victims') }} as victims
    cross join rules
    where {{ is_listed('victims.sex', 'rules.victim_sexes') }}

),

final as (

    select
        evidence.offender_key,
        evidence.force,
        evidence.crime_ref
    from evidence
    cross join rules
    left join crimes
        on
            evidence.force = crimes.force
            and evidence.crime_ref = crimes.crime_ref
    left join victims
        on
            evidence.force = victims.force
            and evidence.crime_ref = victims.crime_ref
    left join persons
        on evidence.offender_key = persons.person_key
    where
        crimes.crime_ref is null
        or victims.crime_ref is null
        or not crimes.is_in_scope
        or crimes.cancelled_on <= evidence.list_date
        or evidence.reported_on <> crimes.reported_on
        or evidence.offence_code <> crimes.offence_code
        or evidence.harm_days is distinct from crimes.harm_days
        or not {{ is_listed('evidence.status', 'rules.statuses') }}
        or not {{ is_listed('evidence.reported_by', 'rules.reported_by') }}
        or not coalesce({{ is_listed('persons.sex', 'rules.offender_sexes') }}, false)
        or (rules.historic_reports = 'exclude' and evidence.is_historic)
        or (rules.deceased = 'exclude' and persons.deceased_on <= evidence.list_date)
        or {{ age_on('persons.date_of_birth', 'evidence.list_date') }} < rules.minimum_age

)

select * from final
