"""Attacks on harmrank that take longer than a test may: each is a script, and its figures go into docs/reliability.md."""
