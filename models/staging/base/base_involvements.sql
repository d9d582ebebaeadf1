{{ config(unique_key=['force', 'crime_ref', 'person_ref', 'role']) }}

{{ newest_version(
    source('raw', 'involvements'),
    key=['force', 'crime_ref', 'person_ref', 'role'],
    attributes=[
        'status', 'relationship',
    ],
) }}
