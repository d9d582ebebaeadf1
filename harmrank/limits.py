"""How much of anything the door takes, so that a hostile or broken extract is stopped early. Each limit with its reason.

All are far beyond what a police force sends; none is meant to be met. A folder or file beyond one is refused with a
line that names it; a value or a text beyond one is cut or left out as its comment says.
"""

LAST_YEAR = 2999
"""The last year an extract may be taken in: a later one is a slip, and the calendar ends at 9999."""

MAX_ID = 100
"""Characters in the id of an extract, which is part of every line about it and the name of its page."""

MAX_ENTRIES = 1_000
"""Files in one extract folder. Parts are large, so a thousand of them is no extract but a slip, or a flood."""

MAX_MANIFEST_BYTES = 1 << 20
"""Size of extract.json, which is read whole into memory: a thousand files take a tenth of this."""

MAX_FILE_BYTES = 64 << 30
"""Size of one table file in bytes, unpacked: ten times the largest table of a national feed. A larger table comes in parts."""

MAX_UNPACK_RATIO = 200
"""Bytes a gzip file may unpack to, per packed byte, beyond FREE_UNPACK_BYTES. Records with keys and times in them pack to
about a tenth, the dullest to a fiftieth; a bomb packs to a thousandth, the most the format can."""

FREE_UNPACK_BYTES = 256 << 20
"""Bytes a gzip file may unpack to whatever its size: no disk is filled by that."""

MAX_COLUMNS = 200
"""Columns of a file, known or not. The widest table of the contract has fourteen."""

MAX_RECORD = 1 << 20
"""Bytes in one CSV record: one that never ends would be read into memory whole."""

MAX_VALUE = 1_000
"""Characters in one value that is kept. Longer text is not what its column is for: it counts as unusable, so an optional
value becomes missing, and a row that cannot do without it goes to quarantine."""

MAX_RAW_TEXT = 2_000
"""Characters kept of a record in quarantine: enough to find and mend it, and a million of them still fit in memory."""

MAX_BAD_RECORDS = 1_000_000
"""Records of one file that may go to quarantine, whatever share they are: they pass through memory."""

MAX_PARQUET_ROWS = 2_000_000_000
"""Rows in one Parquet file."""

FREE_PARQUET_ROWS = 10_000_000
"""Rows a Parquet file may claim whatever its size."""

MAX_PARQUET_ROWS_PER_BYTE = 10
"""Rows a Parquet file may claim, per byte, beyond FREE_PARQUET_ROWS: a bomb repeats one row a billion times in a
few bytes, but every row of the contract has a key of its own."""
