"""Patterns as people declare them → integer arithmetic over the amounts of their terms (semantics.md §8)."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import numpy as np

from transforms.definitions.patterns import (
    CountedTerm,
    CumulativePattern,
    DeclaredTerm,
    OrderedPattern,
    Pattern,
    SequencePattern,
    WeightedScorePattern,
)
from transforms.signals.patterns import AnyPattern, Bounded, Ordered, Scored
from transforms.signals.windows import Term
from transforms.timing.durations import microseconds

_PLACES = Decimal("0.000001")
_UNBOUNDED = np.iinfo(np.int64).max


def compile_pattern(name: str, pattern: Pattern) -> AnyPattern:
    """The pattern as integer arithmetic over the amounts of its terms."""
    match pattern:
        case OrderedPattern(events=events):
            within = tuple(None if one.within is None else microseconds(one.within) for one in events)
            return Ordered(name, tuple(one.type for one in events), within)
        case WeightedScorePattern(events=events, threshold=threshold):
            return _scored(name, tuple(map(_term, events)), [one.weight for one in events], threshold)
        case CumulativePattern(events=events, match=match):
            terms = tuple(map(_term, events))
            low = tuple(_at_least(term, one.threshold) for term, one in zip(terms, events, strict=True))
            return Bounded(name, terms, low, (_UNBOUNDED,) * len(terms), any=match == "any")
        case SequencePattern(events=events):
            return _sequence(name, events)


def _sequence(name: str, events: Sequence[CountedTerm]) -> Bounded:
    terms = tuple(map(_term, events))
    low = (
        -_UNBOUNDED if one.min_count is None else _at_least(term, one.min_count)
        for term, one in zip(terms, events, strict=True)
    )
    high = (
        _UNBOUNDED if one.max_count is None else _clamped(floor(_times(one.max_count, term.unit)))
        for term, one in zip(terms, events, strict=True)
    )
    return Bounded(name, terms, tuple(low), tuple(high))


def _scored(name: str, terms: tuple[Term, ...], weights: Sequence[float], threshold: float) -> Scored:
    """In integers: a count weighs `weight × scale`, a sum of millionths `weight × scale / 10⁶`."""
    digits = max(_decimals(one) for one in (*weights, threshold))
    scale = 10**digits * max(term.unit for term in terms)
    scaled = (int(_times(one, scale)) // term.unit for one, term in zip(weights, terms, strict=True))
    return Scored(name, terms, tuple(scaled), _clamped(ceil(_times(threshold, scale))), scale)


def _term(declared: DeclaredTerm) -> Term:
    window = None if declared.time_window is None else microseconds(declared.time_window)
    offset = 0 if declared.offset is None else microseconds(declared.offset)
    return Term(declared.type, declared.metric, window, offset)


def _at_least(term: Term, bound: float) -> int:
    return _clamped(ceil(_times(bound, term.unit)))


def _clamped(bound: int) -> int:
    return max(-_UNBOUNDED, min(bound, _UNBOUNDED))


def _times(number: float, factor: int) -> Fraction:
    return Fraction(_decimal(number)) * factor


def _decimals(number: float) -> int:
    exponent = _decimal(number).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _decimal(number: float) -> Decimal:
    return Decimal(repr(float(number))).quantize(_PLACES) if abs(number) < 1e15 else Decimal(int(number))
