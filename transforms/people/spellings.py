"""Sentences about values that nobody knows: how each is spelled, and how many customers have it."""

import json
from collections.abc import Mapping

MOST = 10
"""So many spellings of a field are told one by one."""


def told(field: str, counts: Mapping[str, int], what: str) -> list[str]:
    """One sentence per spelling, the most frequent first, and one about those beyond the first few.

    Args:
        field: the attribute.
        counts: each value, as JSON text, and how many customers have it.
        what: what is so of such a value, and what to do.
    """
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    said = [f"{field}: {_customers(n)} {_shown(value)}, which {what}" for value, n in ordered[:MOST]]
    rest = dict(ordered[MOST:])
    more = (
        f"{field}: {_customers(sum(rest.values()))} one of {len(rest):,} further values, each of which {what}"
    )
    return [*said, more] if rest else said


def _customers(number: int) -> str:
    return "1 customer has" if number == 1 else f"{number:,} customers have"


def _shown(value: str) -> str:
    text = json.dumps(json.loads(value), ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}…"
