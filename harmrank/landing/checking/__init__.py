"""Checks an extract before any of its rows land: by itself, and beside what has landed."""
