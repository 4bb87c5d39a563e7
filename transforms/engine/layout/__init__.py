"""Frames to lanes: everything that needs no feedback, before the waves."""
