"""A project to begin with: its files, and where they are put."""
