"""The loop, and what it does with a fact or a due step of many customers at once."""
