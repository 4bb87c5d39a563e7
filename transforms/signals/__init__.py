"""Events to patterns turned true, and to amounts as functions of time."""
