"""The same engine over history, without a store."""
