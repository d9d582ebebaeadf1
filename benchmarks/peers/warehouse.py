"""The expert's script: runs the SELECTs of warehouse/ in turn into tables of a DuckDB file, then writes the mart as a file of
its own and as Parquet."""

from __future__ import annotations

from parts import filled, hundred_from, job_of, models, publish


def main() -> None:
    """Builds every table from the start, then publishes."""
    import duckdb

    job = job_of(__doc__)
    connection = duckdb.connect(str(job.out / "warehouse.duckdb"))
    for schema in sorted({model.name.partition(".")[0] for model in models()}):
        connection.execute(f"create schema {schema}")
    for model in models():
        connection.execute(f"create table {model.name} as {filled(model, job)}")
    publish(connection, job)
    hundred_from(connection, job)
    connection.close()


if __name__ == "__main__":
    main()
