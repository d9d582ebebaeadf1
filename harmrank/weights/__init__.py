"""Reads a harm index from its workbook."""
