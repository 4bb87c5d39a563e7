"""Patterns as short sentences for people (semantics.md §8)."""

from collections.abc import Iterator

from transforms.definitions.patterns import (
    CountedTerm,
    CumulativePattern,
    DeclaredTerm,
    OrderedPattern,
    OrderedTerm,
    Pattern,
    SequencePattern,
    WeightedScorePattern,
)
from transforms.definitions.told import value_told
from transforms.timing.durations import spoken


def pattern_told(pattern: Pattern) -> tuple[str, list[str]]:
    """When a pattern is true: `true while all of these hold`, and a sentence for each of its terms."""
    match pattern:
        case SequencePattern(events=terms):
            return "true while all of these hold", [_counted(one) for one in terms]
        case WeightedScorePattern(events=terms, threshold=threshold):
            told = [f"{one.weight:g} times {_amount(one)}" for one in terms]
            return f"true while the sum of these is at least {threshold:g}", told
        case CumulativePattern(events=terms, match=match):
            which = "all of these hold" if match == "all" else "one of these holds"
            return f"true while {which}", [f"{_amount(one)} at least {one.threshold:g}" for one in terms]
        case OrderedPattern(events=terms):
            return "true once these have come in this order", list(_ordered(terms))


def _amount(term: DeclaredTerm) -> str:
    what = "the sum of the values of" if term.metric == "total_value" else "the number of"
    window = f" in {spoken(term.time_window)}" if term.time_window else ""
    ago = f", until {spoken(term.offset)} ago" if term.offset else ""
    return f"{what} {value_told(term.type)} events{window}{ago}"


def _counted(term: CountedTerm) -> str:
    bounds = {"at least": term.min_count, "at most": term.max_count}
    told = " and ".join(f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None)
    return f"{_amount(term)} {told or 'anything'}"


def _ordered(terms: tuple[OrderedTerm, ...]) -> Iterator[str]:
    for place, one in enumerate(terms):
        within = f", within {spoken(one.within)} of the one before" if one.within and place else ""
        yield f"the event {value_told(one.type)}{within}"
