"""State, facts and a tick to what was decided."""
