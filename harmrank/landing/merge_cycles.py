"""Finds cycles in the merges of person records."""

import duckdb

_CURRENT = """
    CREATE OR REPLACE TEMP TABLE landing_merges AS
    WITH newest AS (
        SELECT
            force,
            person_ref,
            arg_max(
                {'target': merged_into_ref, 'is_deleted': is_deleted, 'extract_id': extract_id,
                 'row_number': row_number},
                {'updated_at': updated_at, 'extract_id': extract_id, 'row_number': row_number}
            ) AS merge
        FROM raw.person_merges
        GROUP BY force, person_ref
    )
    SELECT
        force,
        person_ref,
        merge.target AS target,
        merge.extract_id AS extract_id,
        merge.row_number AS row_number
    FROM newest
    WHERE NOT merge.is_deleted
"""

# Only a merge between two other merges can be part of a cycle. Nearly all records are merged into one that is not merged
# itself, and drop out here.
_CHAINED = """
    SELECT merges.force, merges.person_ref, merges.target,
        CASE WHEN merges.extract_id = ? THEN merges.row_number END AS own_row
    FROM landing_merges AS merges
    SEMI JOIN landing_merges AS onward ON merges.force = onward.force AND merges.target = onward.person_ref
    SEMI JOIN landing_merges AS before ON merges.force = before.force AND merges.person_ref = before.target
    ORDER BY merges.force, merges.person_ref
"""


def row_in_cycle(connection: duckdb.DuckDBPyConnection, extract_id: str) -> int | None:
    """Returns the row number of a merge of this extract in a cycle of current merges, or None if there is none.

    Of the first cycle found, it is the lowest row number. A record merged into itself is a cycle.
    """
    connection.execute(_CURRENT)
    edges = connection.execute(_CHAINED, [extract_id]).fetchall()
    connection.execute("DROP TABLE landing_merges")
    target = {(force, ref): (force, into) for force, ref, into, _ in edges}
    own_row: dict[tuple[str, str], int | None] = {(force, ref): row for force, ref, _, row in edges}
    seen: set[tuple[str, str]] = set()
    for start in target:
        path: dict[tuple[str, str], int] = {}
        node = start
        while node in target and node not in seen:
            seen.add(node)
            path[node] = len(path)
            node = target[node]
        if node in path:
            rows = [own_row[member] for member, place in path.items() if place >= path[node]]
            own = [row for row in rows if row is not None]
            if own:
                return min(own)
    return None
