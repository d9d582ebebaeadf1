"""Imports a harm index from its official workbook."""
