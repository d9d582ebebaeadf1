"""Reads what is published, for every command that shows something."""
