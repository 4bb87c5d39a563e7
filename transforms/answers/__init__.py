"""Answers for people: statistics, and why something was decided."""
