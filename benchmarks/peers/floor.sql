-- From the CSV files to the hundred in one query: the least work for the list. It lands, stores, tests and publishes
-- nothing, and leaves out columns that do not decide and records that cannot count. One number says how recent a row
-- is: the second of its change, then the day of its extract. That is cheap to compare.
with recursive crimes_read as (

    select
        force,
        crime_ref,
        offence_code,
        try_cast(left(reported_on, 10) as date) as reported_on,
        lower(reported_by) as reported_by,
        try_cast(left(cancelled_on, 10) as date) as cancelled_on,
        coalesce(deleted in ('Y', 'y'), false) as is_deleted,
        epoch(try_cast(updated_at as timestamp))::bigint * 100000
        + (left(split_part(filename, '/', -2), 10)::date - date '1970-01-01') as recency
    from
        read_csv(
            '$extracts/*/crimes*.csv*',
            header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
            filename = true, ignore_errors = true, nullstr = ['', 'NULL', 'null'],
            columns = {
                'force': 'VARCHAR', 'crime_ref': 'VARCHAR', 'offence_code': 'VARCHAR', 'reported_on': 'VARCHAR',
                'committed_from': 'VARCHAR', 'committed_to': 'VARCHAR', 'reported_by': 'VARCHAR',
                'outcome_type': 'VARCHAR', 'outcome_on': 'VARCHAR', 'cancelled_on': 'VARCHAR',
                'area_code': 'VARCHAR', 'domestic_abuse': 'VARCHAR', 'updated_at': 'VARCHAR', 'deleted': 'VARCHAR'
            }
        )
    where
        force is not null
        and crime_ref is not null
        and try_cast(updated_at as timestamp) is not null
        and (
            deleted in ('Y', 'y') or (offence_code is not null and try_cast(left(reported_on, 10) as date) is not null)
        )

),

newest_crimes as (

    select
        force,
        crime_ref,
        arg_max_null(offence_code, recency) as offence_code,
        arg_max_null(reported_on, recency) as reported_on,
        arg_max_null(reported_by, recency) as reported_by,
        arg_max_null(cancelled_on, recency) as cancelled_on,
        arg_max_null(is_deleted, recency) as is_deleted
    from crimes_read
    group by force, crime_ref

),

weights_read as (

    select
        harm_index,
        offence_code,
        recorded_crime_code,
        try_cast(harm_days as double) as harm_days
    from read_csv('$seeds/harm_weights.csv', header = true, all_varchar = true)
    where harm_index in ('cchi_2020', 'cchi_2020_supplemented')

),

weights as (

    select
        offence_code,
        min(harm_days) as harm_days
    from (
        select
            unnest([offence_code, recorded_crime_code]) as offence_code,
            harm_days
        from weights_read
        where
            harm_index = 'cchi_2020_supplemented'
            or offence_code is null
            or offence_code not in (
                select added.offence_code from weights_read as added
                where added.harm_index = 'cchi_2020_supplemented' and added.offence_code is not null
            )
    ) as named
    where offence_code is not null
    group by offence_code

),

offences as (

    select
        offences.offence_code,
        weights.harm_days
    from read_csv('$seeds/offences.csv', header = true, all_varchar = true) as offences
    left join weights
        on offences.offence_code = weights.offence_code
    where offences.vawg_scope = 'in'

),

crimes as (

    select
        newest_crimes.force,
        newest_crimes.crime_ref,
        newest_crimes.reported_on,
        offences.harm_days
    from newest_crimes
    inner join offences
        on
            offences.offence_code = case
                when regexp_full_match(newest_crimes.offence_code, '[0-9]{1,3}/[0-9]{1,2}')
                    then
                        lpad(split_part(newest_crimes.offence_code, '/', 1), 3, '0')
                        || '/' || lpad(split_part(newest_crimes.offence_code, '/', 2), 2, '0')
                when regexp_full_match(newest_crimes.offence_code, '[0-9]{4,5}')
                    then
                        substr(lpad(newest_crimes.offence_code, 5, '0'), 1, 3)
                        || '/' || substr(lpad(newest_crimes.offence_code, 5, '0'), 4, 2)
                else upper(newest_crimes.offence_code)
            end
    where
        not newest_crimes.is_deleted
        and newest_crimes.reported_on <= date '$list_date'
        and newest_crimes.reported_on > date '$list_date' - 365
        and (newest_crimes.cancelled_on is null or newest_crimes.cancelled_on > date '$list_date')
        and coalesce(newest_crimes.reported_by not in ('police', 'company'), true)

),

-- The key has the crime and the role, so other rows are dropped before the newest version is searched.
involvements_read as (

    select
        involvements.force,
        involvements.crime_ref,
        involvements.person_ref,
        lower(involvements.role) as role,
        lower(involvements.status) as status,
        coalesce(involvements.deleted in ('Y', 'y'), false) as is_deleted,
        epoch(try_cast(involvements.updated_at as timestamp))::bigint * 100000
        + (left(split_part(involvements.filename, '/', -2), 10)::date - date '1970-01-01') as recency
    from
        read_csv(
            '$extracts/*/involvements*.csv*',
            header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
            filename = true, ignore_errors = true, nullstr = ['', 'NULL', 'null'],
            columns = {
                'force': 'VARCHAR', 'crime_ref': 'VARCHAR', 'person_ref': 'VARCHAR', 'role': 'VARCHAR',
                'status': 'VARCHAR', 'relationship': 'VARCHAR', 'updated_at': 'VARCHAR', 'deleted': 'VARCHAR'
            }
        ) as involvements
    where
        lower(involvements.role) in ('suspect', 'victim')
        and involvements.person_ref is not null
        and try_cast(involvements.updated_at as timestamp) is not null
        and (involvements.force, involvements.crime_ref) in (select (crimes.force, crimes.crime_ref) from crimes)

),

newest_involvements as (

    select
        force,
        crime_ref,
        person_ref,
        role,
        arg_max_null(status, recency) as status,
        arg_max_null(is_deleted, recency) as is_deleted
    from involvements_read
    group by force, crime_ref, person_ref, role

),

person_merges_read as (

    select
        force,
        person_ref,
        merged_into_ref,
        coalesce(deleted in ('Y', 'y'), false) as is_deleted,
        epoch(try_cast(updated_at as timestamp))::bigint * 100000
        + (left(split_part(filename, '/', -2), 10)::date - date '1970-01-01') as recency
    from
        read_csv(
            '$extracts/*/person_merges*.csv*',
            header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
            filename = true, ignore_errors = true, nullstr = ['', 'NULL', 'null'],
            columns = {
                'force': 'VARCHAR', 'person_ref': 'VARCHAR', 'merged_into_ref': 'VARCHAR',
                'updated_at': 'VARCHAR', 'deleted': 'VARCHAR'
            }
        )
    where
        force is not null
        and person_ref is not null
        and try_cast(updated_at as timestamp) is not null
        and (deleted in ('Y', 'y') or merged_into_ref is not null)

),

person_merges as (

    select
        force,
        person_ref,
        arg_max_null(merged_into_ref, recency) as merged_into_ref,
        arg_max_null(is_deleted, recency) as is_deleted
    from person_merges_read
    group by force, person_ref

),

steps as (

    select
        force,
        person_ref,
        merged_into_ref as reached_ref,
        1 as step
    from person_merges
    where not is_deleted
    union all
    select
        steps.force,
        steps.person_ref,
        person_merges.merged_into_ref as reached_ref,
        steps.step + 1 as step
    from steps
    inner join person_merges
        on
            steps.force = person_merges.force
            and steps.reached_ref = person_merges.person_ref
    where not person_merges.is_deleted and steps.step < 10000

),

merged as (

    select
        force,
        person_ref,
        arg_max(reached_ref, step) as surviving_ref
    from steps
    group by force, person_ref

),

involved as (

    select
        newest_involvements.force,
        newest_involvements.crime_ref,
        coalesce(merged.surviving_ref, newest_involvements.person_ref) as person_ref,
        newest_involvements.role,
        newest_involvements.status
    from newest_involvements
    left join merged
        on
            newest_involvements.force = merged.force
            and newest_involvements.person_ref = merged.person_ref
    where not newest_involvements.is_deleted

),

people_read as (

    select
        force,
        person_ref,
        upper(sex) as sex,
        try_cast(left(date_of_birth, 10) as date) as date_of_birth,
        try_cast(birth_year as integer) as birth_year,
        try_cast(left(deceased_on, 10) as date) as deceased_on,
        coalesce(deleted in ('Y', 'y'), false) as is_deleted,
        epoch(try_cast(updated_at as timestamp))::bigint * 100000
        + (left(split_part(filename, '/', -2), 10)::date - date '1970-01-01') as recency
    from
        read_csv(
            '$extracts/*/people*.csv*',
            header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
            filename = true, ignore_errors = true, nullstr = ['', 'NULL', 'null'],
            columns = {
                'force': 'VARCHAR', 'person_ref': 'VARCHAR', 'forename': 'VARCHAR', 'middle_names': 'VARCHAR',
                'surname': 'VARCHAR', 'date_of_birth': 'VARCHAR', 'birth_year': 'VARCHAR', 'sex': 'VARCHAR',
                'ethnicity': 'VARCHAR', 'pnc_id': 'VARCHAR', 'postcode': 'VARCHAR', 'deceased_on': 'VARCHAR',
                'updated_at': 'VARCHAR', 'deleted': 'VARCHAR'
            }
        )
    where
        try_cast(updated_at as timestamp) is not null
        and (force, person_ref) in (select (involved.force, involved.person_ref) from involved)

),

people as (

    select
        force,
        person_ref,
        arg_max_null(sex, recency) as sex,
        arg_max_null(date_of_birth, recency) as date_of_birth,
        arg_max_null(birth_year, recency) as birth_year,
        arg_max_null(deceased_on, recency) as deceased_on,
        arg_max_null(is_deleted, recency) as is_deleted
    from people_read
    group by force, person_ref

),

female_victims as (

    select distinct
        involved.force,
        involved.crime_ref,
        involved.person_ref
    from involved
    inner join people
        on
            involved.force = people.force
            and involved.person_ref = people.person_ref
    where involved.role = 'victim' and people.sex = 'F' and not people.is_deleted

),

-- A suspect who is cleared on one record and named on another has the further status of the two.
allegations as (

    select distinct
        involved.force,
        involved.crime_ref,
        involved.person_ref
    from involved
    inner join people
        on
            involved.force = people.force
            and involved.person_ref = people.person_ref
    where
        involved.role = 'suspect'
        and coalesce(involved.status not in ('eliminated', 'acquitted'), true)
        and people.sex = 'M'
        and not people.is_deleted
        and (people.deceased_on is null or people.deceased_on > date '$list_date')
        and coalesce(
            case
                when people.date_of_birth is not null
                    then
                        extract(year from date '$list_date') - extract(year from people.date_of_birth)
                        - (
                            extract(month from date '$list_date') * 100 + extract(day from date '$list_date')
                            < extract(month from people.date_of_birth) * 100 + extract(day from people.date_of_birth)
                        )::integer
                else extract(year from date '$list_date') - people.birth_year
            end, 18
        ) >= 18
        and (involved.force, involved.crime_ref) in (
            select (female_victims.force, female_victims.crime_ref) from female_victims
        )

),

women as (

    select
        allegations.force,
        allegations.person_ref,
        count(distinct female_victims.person_ref) as female_victims
    from allegations
    inner join female_victims
        on
            allegations.force = female_victims.force
            and allegations.crime_ref = female_victims.crime_ref
    group by allegations.force, allegations.person_ref

),

scores as (

    select
        allegations.force,
        allegations.person_ref,
        coalesce(sum(crimes.harm_days), 0) as harm_days,
        count(*) as allegations,
        max(crimes.reported_on) as latest_reported_on
    from allegations
    inner join crimes
        on
            allegations.force = crimes.force
            and allegations.crime_ref = crimes.crime_ref
    group by allegations.force, allegations.person_ref

)

select
    date '$list_date' as list_date,
    row_number() over (
        order by
            scores.harm_days desc, women.female_victims desc, scores.allegations desc, scores.latest_reported_on desc,
            scores.force || '|' || scores.person_ref asc
    ) as harm_rank,
    scores.force || '|' || scores.person_ref as offender_key,
    scores.harm_days,
    scores.allegations,
    women.female_victims
from scores
inner join women
    on
        scores.force = women.force
        and scores.person_ref = women.person_ref
order by harm_rank
limit 100
