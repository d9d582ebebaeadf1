{{ newest_version(
    source('raw', 'custody'),
    key=['force', 'person_ref', 'custody_from'],
    digests={'person_digest': ['force', 'person_ref']},
    attributes=[
        'custody_to',
    ],
) }}
