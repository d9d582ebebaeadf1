"""The same landing, building and publishing on Apache Spark."""
