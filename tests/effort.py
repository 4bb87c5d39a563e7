"""How many random cases the tests take that write and load files: a tenth of what their profile says."""

from hypothesis import settings

few_cases = settings(max_examples=max(2, settings().max_examples // 10))
fewest_cases = settings(max_examples=max(2, settings().max_examples // 50))
"""Of tests whose every case takes seconds: a fiftieth."""
