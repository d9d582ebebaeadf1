"""Reads the published build, for every command that shows something."""
