"""What lies in the inbox to archived batches, and to the state."""
