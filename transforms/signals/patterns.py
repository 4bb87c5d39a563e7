"""Patterns in time: the exact instants at which they turn true (semantics.md §8).

The truth of a pattern is a function of the amounts of its terms, so it is evaluated once for each change of them; a
rising edge is a fact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from transforms.columns.arrays import ALWAYS, LAST_INSTANT, Bools, Ints, order_by
from transforms.signals.results import StepFunction
from transforms.signals.windows import (
    Before,
    Behaviors,
    Span,
    Term,
    highest,
    only_amount,
    points_of,
    running_amounts,
)


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


@dataclass(frozen=True)
class PatternInTime:
    """Of K customers whether a pattern is true; and its score, of a `weighted_score` pattern if asked for."""

    truth: StepFunction
    score: StepFunction | None = None


def evaluate_pattern(
    pattern: AnyPattern, behaviors: Behaviors, before: Before, span: Span, *, scored: bool
) -> PatternInTime:
    """A pattern in the time of a tick; it starts false.

    Args:
        pattern: the pattern.
        behaviors: the events of the tick.
        before: the amounts before it.
        span: its bounds.
        scored: whether the score is asked for.
    """
    match pattern:
        case Ordered():
            return PatternInTime(_ordered(pattern, behaviors, before))
        case Scored() if scored:
            amounts = _amounts(pattern, behaviors, before, span, concerned=None)
            return PatternInTime(_truth(pattern, amounts, before), only_amount(amounts, pattern.scale))
        case _:
            concerned = _concerned(pattern, behaviors, before)
            return PatternInTime(
                _truth(pattern, _amounts(pattern, behaviors, before, span, concerned), before)
            )


def rising_edges(truth: StepFunction, emit_from: int | None) -> Ints:
    """The changes at which a pattern turned true and says so.

    Args:
        truth: the pattern's, in time.
        emit_from: turning true at an earlier instant (µs) emits nothing; None: always.
    """
    rising = truth.value & ~truth.before() & ~truth.quiet
    if emit_from is not None:
        rising &= truth.at >= emit_from
    return np.flatnonzero(rising)


def chain_ends(pattern: Ordered, behaviors: Behaviors, before: Before) -> tuple[Ints, list[Bools]]:
    """Where the chains of an `ordered` pattern end.

    Returns:
        The rows of its E fresh events, by customer and in the order in which they act; and for the chains of the
        first 1, 2, … terms `[E]`, whether one ends there.
    """
    codes = np.array([behaviors.names.index(name) for name in pattern.names])
    some = np.flatnonzero(np.isin(behaviors.name, codes) & behaviors.fresh)
    rows = some[order_by(behaviors.lane[some], behaviors.at[some], behaviors.ts[some], stable=True)]
    lane, at = behaviors.lane[rows], behaviors.at[rows]
    starts = np.searchsorted(lane, lane)
    ends = [behaviors.name[rows] == codes[0]]
    for code, within, key in zip(codes[1:], pattern.within[1:], pattern.keys[:-1], strict=True):
        last = _last_before(at, ends[-1], starts, before.amount[key][lane])
        in_time = last != ALWAYS
        if within is not None:
            in_time &= at - np.maximum(last, -LAST_INSTANT) <= within
        ends.append((behaviors.name[rows] == code) & in_time)
    return rows, ends


def _amounts(
    pattern: AmountPattern, behaviors: Behaviors, before: Before, span: Span, concerned: Bools | None
) -> StepFunction:
    """The amounts a pattern is a function of, `[N, C]`."""
    stored = np.stack([before.amount[term.key] for term in pattern.terms], axis=1)
    points = [points_of(term, behaviors, span, concerned) for term in pattern.terms]
    return running_amounts(points, stored @ pattern.factors, pattern.factors)


def _concerned(pattern: AmountPattern, behaviors: Behaviors, before: Before) -> Bools:
    """Customers for whom the pattern may turn true: for others it is false all the time."""
    return pattern.possible([highest(term, behaviors, before.amount[term.key]) for term in pattern.terms])


def _truth(pattern: AmountPattern, amounts: StepFunction, before: Before) -> StepFunction:
    begun = np.logical_or.reduce([before.there[term.key] for term in pattern.terms])
    return replace(amounts, value=pattern.truth(amounts.value), first=pattern.truth(amounts.first) & begun)


def _ordered(pattern: Ordered, behaviors: Behaviors, before: Before) -> StepFunction:
    """Whether a whole chain has ever ended: it turns true once."""
    rows, ends = chain_ends(pattern, behaviors, before)
    first = before.amount[pattern.keys[-1]] != ALWAYS
    done = rows[ends[-1] & ~first[behaviors.lane[rows]]]
    lane, firsts = np.unique(behaviors.lane[done], return_index=True)
    turns = done[firsts]
    turned = np.full(turns.size, fill_value=True)
    return StepFunction(lane, behaviors.at[turns], ~behaviors.acts[turns], turned, first)


def _last_before(at: Ints, ends: Bools, starts: Ints, first: Ints) -> Ints:
    """For each event, when the last of `ends` before it in its lane acted, else `first`."""
    latest = np.maximum.accumulate(np.where(ends, np.arange(at.size), -1))
    row = np.append(-1, latest[:-1])
    return np.where(row >= starts, at[row], first) if at.size else first
