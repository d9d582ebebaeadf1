-- One row per female victim of a crime.
select distinct
    victims.force,
    victims.crime_ref,
    victims.person_key
from method.suspects_and_victims as victims
inner join method.people as people
    on victims.person_key = people.person_key
where victims.role = 'victim' and people.sex = 'F'
