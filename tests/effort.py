"""How many random cases the tests take that write and load files: a tenth of what their profile says."""

from hypothesis import settings

few_cases = settings(max_examples=max(2, settings().max_examples // 10))
