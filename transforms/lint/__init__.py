"""What the data belies: likely mistakes of workflows that are valid."""
