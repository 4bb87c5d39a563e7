"""What people write: text to validated models, or every fault with its place."""
