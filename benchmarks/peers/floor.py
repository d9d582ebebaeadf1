"""The floor: one DuckDB query, floor.sql, from the CSV files to the hundred. It stores nothing."""

from __future__ import annotations

from parts import HERE, HUNDRED, fill, job_of


def main() -> None:
    """Runs the query and writes its rows."""
    import duckdb

    job = job_of(__doc__)
    query = fill((HERE / "floor.sql").read_text(encoding="utf-8"), job)
    duckdb.connect().execute(f"copy ({query}) to '{job.out / HUNDRED}' (header)")


if __name__ == "__main__":
    main()
