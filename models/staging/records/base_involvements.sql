{{ newest_version(
    source('raw', 'involvements'),
    key=['force', 'crime_ref', 'person_ref', 'role'],
    digests={'crime_digest': ['force', 'crime_ref'], 'person_digest': ['force', 'person_ref']},
    attributes=[
        'status', 'relationship',
    ],
) }}
