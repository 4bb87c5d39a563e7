"""Tests of workflows: some customers and events in a few lines, and what the engine makes of them."""
