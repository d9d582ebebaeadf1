{{ newest_version(
    source('raw', 'people'),
    key=['force', 'person_ref'],
    digests={'person_digest': ['force', 'person_ref']},
    attributes=[
        'forename', 'middle_names', 'surname', 'date_of_birth', 'birth_year', 'sex', 'ethnicity',
        'pnc_id', 'postcode', 'deceased_on',
    ],
) }}
