"""SQL files: schema (tables), staging (source shapes to canonical), reports (one view per file)."""
