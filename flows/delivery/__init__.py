"""From pending to sent, never twice."""
