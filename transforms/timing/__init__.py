"""Durations, instants and time zones: text to numbers and back, wall clocks to instants."""
