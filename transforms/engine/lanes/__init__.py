"""The engine's working memory, one lane a customer, and what can be asked of it."""
