"""The harmrank command."""
