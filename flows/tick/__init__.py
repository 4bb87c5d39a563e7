"""One tick, and a tick again."""
