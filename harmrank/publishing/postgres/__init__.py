"""Copies the published mart to a schema of PostgreSQL."""
