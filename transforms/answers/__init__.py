"""What came of it, in numbers: who was exposed to what, how groups differ, what can be concluded."""
