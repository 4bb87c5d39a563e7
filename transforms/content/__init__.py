"""What a message says: templates compiled and rendered, and how much of the language they may use."""
