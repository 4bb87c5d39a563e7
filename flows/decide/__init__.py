"""The engine over the store: what it reads, and what it writes."""
