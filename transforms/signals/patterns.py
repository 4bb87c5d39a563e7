"""Patterns → the exact instants at which they turn true (semantics.md §8).

The truth of a pattern is a function of the amounts of its terms, so it is evaluated once for each change of them; a
rising edge is a fact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import numpy as np

from transforms.columns.arrays import ALWAYS, LAST_INSTANT, Bools, Ints
from transforms.definitions.patterns import (
    CountedTerm,
    CumulativePattern,
    DeclaredTerm,
    OrderedPattern,
    Pattern,
    SequencePattern,
    WeightedScorePattern,
)
from transforms.signals.windows import DECIMALS, Term, Timeline, before_each
from transforms.timing.durations import microseconds

_PLACES = Decimal("0.000001")
_UNBOUNDED = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Bounded:
    """`sequence` and `cumulative`: every amount (or any) lies within its bounds, both inclusive."""

    name: str
    terms: tuple[Term, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    any: bool = False

    @property
    def factors(self) -> Ints:
        """Each term is an amount of its own."""
        return np.eye(len(self.terms), dtype=np.int64)

    def truth(self, amounts: Ints) -> Bools:
        """Whether all amounts, or any, lie within their bounds; per row of `[row, term]`."""
        within = [
            (low <= amounts[:, number]) & (amounts[:, number] <= high)
            for number, (low, high) in enumerate(zip(self.low, self.high, strict=True))
        ]
        result: Bools = (np.logical_or if self.any else np.logical_and).reduce(within)
        return result

    def possible(self, highest: Sequence[Ints]) -> Bools:
        """For whom it may turn true, given amounts that can't be exceeded, per term `[lane]`."""
        reached = [low <= most for low, most in zip(self.low, highest, strict=True)]
        result: Bools = (np.logical_or if self.any else np.logical_and).reduce(reached)
        return result & (not self.contradicts_itself)

    @property
    def contradicts_itself(self) -> bool:
        """Whether one window asks for more events than a longer one around it allows: it never turns true."""
        if self.any:
            return False
        bounds = list(zip(self.terms, self.low, self.high, strict=True))
        return any(
            inner.name == outer.name and inner.offset == outer.offset and low > high
            for inner, low, _ in bounds
            for outer, _, high in bounds
            if inner.metric == outer.metric == "count"
            if outer.window is None or (inner.window is not None and inner.window <= outer.window)
        )


@dataclass(frozen=True)
class Scored:
    """`weighted_score`: the sum of weight × amount reaches the threshold; both times `scale`, as integers."""

    name: str
    terms: tuple[Term, ...]
    weights: tuple[int, ...]
    threshold: int
    scale: int

    @property
    def factors(self) -> Ints:
        """The score, times `scale`, is the one amount."""
        return np.array(self.weights, np.int64)[:, None]

    def truth(self, amounts: Ints) -> Bools:
        """Whether the score reaches the threshold; per row of `[row, 1]`."""
        result: Bools = amounts[:, 0] >= self.threshold
        return result

    def possible(self, highest: Sequence[Ints]) -> Bools:
        """For whom it may turn true, given amounts that can't be exceeded, per term `[lane]`."""
        if min(self.weights) < 0:
            return np.ones(highest[0].size, np.bool_)
        most = sum(
            weight * amount.astype(np.float64) for weight, amount in zip(self.weights, highest, strict=True)
        )
        result: Bools = np.asarray(most * (1 + 1e-9) + 1 >= self.threshold)
        return result


@dataclass(frozen=True)
class Ordered:
    """`ordered`: event `names[i]` follows event `names[i - 1]` within `within[i]` µs (None: ever)."""

    name: str
    names: tuple[str, ...]
    within: tuple[int | None, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """For the chains of the first 1, 2, … terms, where the store keeps when one last ended."""
        links = [f"{within}|{name}" for name, within in zip(self.names, self.within, strict=True)]
        return tuple("ordered|" + "|".join(links[: number + 1]) for number in range(len(links)))


AmountPattern = Bounded | Scored
"""A pattern whose truth is a function of amounts: of its terms, or of their weighted sum (`factors`)."""
AnyPattern = AmountPattern | Ordered


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


def rising_edges(pattern: AmountPattern, changes: Timeline, first: Bools, emit_from: int | None) -> Ints:
    """The changes at which a pattern turned true and says so.

    Args:
        pattern: the pattern.
        changes: its amounts.
        first: `[lane]`, its truth before.
        emit_from: turning true at an earlier instant emits nothing; None: always.
    """
    true = pattern.truth(changes.amounts)
    rising = true & ~before_each(changes, true, first) & ~changes.quiet
    if emit_from is not None:
        rising &= changes.at >= emit_from
    return np.flatnonzero(rising)


def chain_ends(pattern: Ordered, lane: Ints, at: Ints, name: Sequence[Bools], base: Ints) -> list[Bools]:
    """Which events end a chain of the first 1, 2, … terms.

    Args:
        pattern: the pattern.
        lane: of E events, by lane and in the order in which they act.
        at: when they act.
        name: for each term, whether the event is one of its name.
        base: `[lane, term]`, when such a chain last ended before (`ALWAYS`: never).
    """
    ends = [name[0]]
    starts = np.searchsorted(lane, lane)
    for number, within in enumerate(pattern.within[1:], 1):
        before = _last_before(at, ends[-1], starts, base[lane, number - 1])
        in_time = before != ALWAYS
        if within is not None:
            in_time &= at - np.maximum(before, -LAST_INSTANT) <= within
        ends.append(name[number] & in_time)
    return ends


def _last_before(at: Ints, ends: Bools, starts: Ints, first: Ints) -> Ints:
    """For each event, when the last of `ends` before it in its lane acted, else `first`."""
    places = np.maximum.accumulate(np.where(ends, np.arange(at.size), -1))
    place = np.append(-1, places[:-1])
    return np.where(place >= starts, at[place], first) if at.size else first


def _sequence(name: str, events: Sequence[CountedTerm]) -> Bounded:
    terms = tuple(map(_term, events))
    low = (
        -_UNBOUNDED if one.min_count is None else _at_least(term, one.min_count)
        for term, one in zip(terms, events, strict=True)
    )
    high = (
        _UNBOUNDED if one.max_count is None else _clamped(floor(_times(one.max_count, _unit(term))))
        for term, one in zip(terms, events, strict=True)
    )
    return Bounded(name, terms, tuple(low), tuple(high))


def _scored(name: str, terms: tuple[Term, ...], weights: Sequence[float], threshold: float) -> Scored:
    """In integers: a count weighs `weight × scale`, a sum of millionths `weight × scale / 10⁶`."""
    places = max(_decimals(one) for one in (*weights, threshold))
    sums = DECIMALS if any(term.metric == "total_value" for term in terms) else 1
    scale = 10**places * sums
    scaled = (int(_times(one, scale)) // _unit(term) for one, term in zip(weights, terms, strict=True))
    return Scored(name, terms, tuple(scaled), _clamped(ceil(_times(threshold, scale))), scale)


def _term(declared: DeclaredTerm) -> Term:
    window = None if declared.time_window is None else microseconds(declared.time_window)
    offset = 0 if declared.offset is None else microseconds(declared.offset)
    return Term(declared.type, declared.metric, window, offset)


def _at_least(term: Term, bound: float) -> int:
    return _clamped(ceil(_times(bound, _unit(term))))


def _clamped(bound: int) -> int:
    return max(-_UNBOUNDED, min(bound, _UNBOUNDED))


def _unit(term: Term) -> int:
    return DECIMALS if term.metric == "total_value" else 1


def _times(number: float, factor: int) -> Fraction:
    return Fraction(_decimal(number)) * factor


def _decimals(number: float) -> int:
    exponent = _decimal(number).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _decimal(number: float) -> Decimal:
    return Decimal(repr(float(number))).quantize(_PLACES) if abs(number) < 1e15 else Decimal(int(number))
