"""Reads the files of one extract: which there are, whether they are whole, and their rows."""
