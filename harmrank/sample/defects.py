"""The rates of the defects of real feeds: each is a share of the rows that can have the defect."""

LATE_CHANGE = 0.10  # a crime is sent again in a later extract, changed
LATE_CHANGE_WITH_SUSPECT = 0.40
STALE_CHANGE = 0.01  # of those: the later row carries an older updated_at and must lose
CANCELLED_LATER = 0.05  # of late changes: the crime is cancelled
CANCELLED_AT_ONCE = 0.003
TOMBSTONE = 0.004  # of late changes: deleted = Y
ARRIVES_LATE = 0.012  # reported in an earlier month than the extract it arrives in
UNKNOWN_CODE = 0.0004
TEXT_NULL = 0.002  # missing values of the row written as NULL or null
COMMITTED_AFTER_REPORTED = 0.0008
DUPLICATE_ROW = 0.0007
CRIME_HELD_BACK = 0.0015  # its involvements arrive a month before the crime
PERSON_HELD_BACK = 0.0015
ORPHAN_FOR_EVER = 0.0003  # an involvement whose crime is never sent
GHOST_PERSON = 0.0004  # an involvement whose person is never sent
SEX_UNKNOWN = 0.012
SEX_BLANK = 0.004
SEX_JUNK = 0.0006
JUNK_OUTCOME = 0.0005
JUNK_COMMITTED_TO = 0.0005
JUNK_DOMESTIC_ABUSE = 0.0005
SUSPECT_WITHOUT_SUSPECT_OUTCOME = 0.006  # outcome 14 or 18 although a suspect is named
PERSON_SENT_AGAIN = 0.01  # of the month's people: sent again later with a new postcode
PERSON_TOMBSTONE = 0.00005
INVOLVEMENT_TOMBSTONE = 0.0005
DUPLICATE_PERSON = 0.08  # careers whose man has a second record
CHAIN_OF_MERGES = 0.30  # of those: a third record, merged into the second
NEVER_MERGED = 0.25  # of those: the source system never notices

# Lines that cannot be used, each at the end of a file of the given month (counted from 0): they go to quarantine. Small files
# get none, so that no extract is refused for its share of bad rows.
QUARANTINE_FROM_ROWS = 200
QUARANTINED = (
    (1, "crimes", "{force},{crime},105/01,2025-02-31,,,victim,0,,,E09000007,N,{updated},"),
    (2, "involvements", "{force},{crime},00000000001,bystander,,,{updated},"),
    (3, "people", "{force},,Sam,,Field,,,M,,,,,{updated},"),
    (4, "crimes", "{force},{crime},105/01,2025-03-01,,,victim,0,,,E09000007,N,{updated},,left over"),
)
