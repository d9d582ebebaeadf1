-- One row per suspect or victim record of a crime in scope that a victim, witness or third party reported.
select
    involvements.force,
    involvements.crime_ref,
    involvements.role,
    coalesce(involvements.status, 'named') as status,
    involvements.force || '|' || coalesce(merged.surviving_ref, involvements.person_ref) as person_key
from newest.involvements as involvements
inner join method.crimes as crimes
    on
        involvements.force = crimes.force
        and involvements.crime_ref = crimes.crime_ref
left join method.merged as merged
    on
        involvements.force = merged.force
        and involvements.person_ref = merged.person_ref
where
    not involvements.is_deleted
    and involvements.role in ('suspect', 'victim')
    and crimes.is_in_scope
    and crimes.reported_by in ('victim', 'witness', 'third_party')
