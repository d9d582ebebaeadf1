"""The machine: disk, memory, clock, DuckDB's settings, signals, and system errors as clear sentences."""
