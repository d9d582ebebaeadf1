"""Lands extracts: from the extract folder to the raw tables of the warehouse."""
