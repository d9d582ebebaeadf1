"""Reads the files of one extract: finds them, checks that they are complete, and reads their rows."""
