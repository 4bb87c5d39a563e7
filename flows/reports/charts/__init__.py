"""Charts of answers, for notebooks."""
