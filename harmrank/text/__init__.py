"""Turns values into text for people, pages, spreadsheets and SQL."""
