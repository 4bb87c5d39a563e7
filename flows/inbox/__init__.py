"""Files of any shape to archived batches of canonical rows."""
