"""Workflows to one flat program, with the needs of all of them united."""
