"""The limits of an extract, each with its reason: they stop a hostile or broken extract early.

All are far beyond what a police force sends. A folder or file beyond a limit is refused with a line that names the
limit. A longer value or text is cut or left out, as its comment says.
"""

LAST_YEAR = 2999
"""The last year in which an extract may be taken: a later one is a typing error, and the calendar ends at 9999."""

MAX_ID = 100
"""Characters in the id of an extract. The id is in every line about the extract and names its report."""

MAX_ENTRIES = 1_000
"""Files in one extract folder. Parts are large, so a thousand files are an error or an attack."""

MAX_MANIFEST_BYTES = 1 << 20
"""Bytes of extract.json, which is read into memory: a thousand files take a tenth of this."""

MAX_FILE_BYTES = 64 << 30
"""Bytes of one table file, unpacked: ten times the largest table of a national feed. A larger table comes in parts."""

MAX_UNPACK_RATIO = 200
"""Bytes that a gzip file may unpack to, per packed byte, beyond FREE_UNPACK_BYTES. Records with keys and times pack to about
a tenth, the most repetitive to a fiftieth; a bomb packs to a thousandth, the limit of the format."""

FREE_UNPACK_BYTES = 256 << 20
"""Bytes that any gzip file may unpack to: too few to fill a disk."""

MAX_COLUMNS = 200
"""Columns of a file, in the contract or not. The widest table of the contract has fourteen."""

MAX_RECORD = 1 << 20
"""Bytes in one CSV record: a record without an end would be read into memory."""

MAX_VALUE = 1_000
"""Characters in one stored value. Longer text is not what a column is for, so it is unusable: an optional value becomes
missing, and a row with an unusable required value goes to quarantine."""

MAX_RAW_TEXT = 2_000
"""Characters kept of a record in quarantine: enough to find and correct it, and a million records fit in memory."""

MAX_BAD_RECORDS = 1_000_000
"""Records of one file that may go to quarantine, whatever their share: they pass through memory."""

MAX_PARQUET_ROWS = 2_000_000_000
"""Rows in one Parquet file."""

FREE_PARQUET_ROWS = 10_000_000
"""Rows that any Parquet file may claim, whatever its size."""

MAX_PARQUET_ROWS_PER_BYTE = 10
"""Rows that a Parquet file may claim, per byte, beyond FREE_PARQUET_ROWS. A bomb repeats one row a billion times in a few
bytes; in a table of the contract, every row has its own key."""
