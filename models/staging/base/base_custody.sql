{{ config(unique_key=['force', 'person_ref', 'custody_from']) }}

{{ newest_version(
    source('raw', 'custody'),
    key=['force', 'person_ref', 'custody_from'],
    attributes=[
        'custody_to',
    ],
) }}
