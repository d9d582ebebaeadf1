"""Reads and runs the suites of Great Expectations, for extracts and builds."""
