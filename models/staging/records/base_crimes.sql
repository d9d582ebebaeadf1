{{ newest_version(
    source('raw', 'crimes'),
    key=['force', 'crime_ref'],
    digests={'crime_digest': ['force', 'crime_ref']},
    attributes=[
        'offence_code', 'reported_on', 'committed_from', 'committed_to', 'reported_by',
        'outcome_type', 'outcome_on', 'cancelled_on', 'area_code', 'domestic_abuse',
    ],
    cleaned={'offence_code': normalise_offence_code('offence_code')},
) }}
