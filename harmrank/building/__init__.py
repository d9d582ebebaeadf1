"""Runs dbt on the warehouse of a home. Computes nothing itself: every rule is in the models."""
