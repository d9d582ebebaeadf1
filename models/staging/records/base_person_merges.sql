{{ newest_version(
    source('raw', 'person_merges'),
    key=['force', 'person_ref'],
    digests={'person_digest': ['force', 'person_ref']},
    attributes=[
        'merged_into_ref',
    ],
) }}
