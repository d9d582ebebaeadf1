"""Writes the paper for the monthly meeting as one page."""
