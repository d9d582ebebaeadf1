"""The machine below: disk, memory, DuckDB's settings, signals, and its errors as clear sentences."""
