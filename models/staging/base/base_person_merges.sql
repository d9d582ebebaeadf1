{{ config(unique_key=['force', 'person_ref']) }}

{{ newest_version(
    source('raw', 'person_merges'),
    key=['force', 'person_ref'],
    attributes=[
        'merged_into_ref',
    ],
) }}
