"""The same models on DuckDB and on Apache Spark, and whether they say the same."""
