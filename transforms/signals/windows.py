"""Amounts of events in windows, as step functions of time (semantics.md §8, docs/decision-language.md).

An event enters the window of a term at one instant and leaves it at another: two points, +amount and −amount. Sorted
by customer and time, their cumulative sums are the amounts after every change; nothing is looped over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints, order_by, sorted_by
from transforms.signals.results import StepFunction

DECIMALS = 10**6
"""Sums of `value` are integers of millionths."""


@dataclass(frozen=True)
class Term:
    """Which events count, and over which window: `t − offset − window < ts ≤ t − offset`, in µs; None: all history."""

    name: str
    metric: Literal["count", "total_value"] = "count"
    window: int | None = None
    offset: int = 0

    @property
    def key(self) -> str:
        """The term's name in the store of amounts."""
        return f"{self.metric}|{self.offset}|{'' if self.window is None else self.window}|{self.name}"

    @property
    def unit(self) -> int:
        """How many make one of what people count: sums are in millionths."""
        return DECIMALS if self.metric == "total_value" else 1


@dataclass(frozen=True)
class Span:
    """A tick, in µs.

    Attributes:
        since: its start (exclusive); None in the first.
        until: its end (inclusive).
        emit_from: a pattern that turns true before is no fact; None: always.
    """

    since: int | None
    until: int
    emit_from: int | None


@dataclass(frozen=True)
class Behaviors:
    """N behavioral events of K customers, in any order.

    Attributes:
        lanes: K.
        names: the names of events that matter.
        lane: `[N]` the customer's number.
        ts: `[N]` µs since 1970.
        at: `[N]` the instant it acts at; not before `ts`.
        acts: `[N]` false for history and too-late events, which change amounts and cause nothing.
        fresh: `[N]` false for events of earlier ticks, read again because they now enter or leave a window.
        name: `[N]` the number of its name in `names`, −1 for others.
        value: `[N]` in millionths.
    """

    lanes: int
    names: tuple[str, ...]
    lane: Ints
    ts: Ints
    at: Ints
    acts: Bools
    fresh: Bools
    name: Array
    value: Ints

    def of(self, name: str) -> Ints:
        """The rows of the events of one name."""
        return self._by_name[self.names.index(name) + 1]

    def fresh_of(self, name: str) -> Ints:
        """The rows of the fresh events of one name, by customer and in the order in which they act."""
        rows = self.of(name)
        rows = rows[self.fresh[rows]]
        return rows[order_by(self.lane[rows], self.at[rows])]

    @cached_property
    def _by_name(self) -> list[Ints]:
        """The rows of each name, before them those of others."""
        order = np.argsort(self.name, kind="stable")
        return np.split(order, np.searchsorted(self.name[order], range(len(self.names))))

    def only(self, some: Ints) -> Self:
        """The events of these rows."""
        columns = ("lane", "ts", "at", "acts", "fresh", "name", "value")
        return replace(self, **{name: getattr(self, name)[some] for name in columns})


@dataclass(frozen=True)
class Before:
    """The stored amounts of K customers before a tick, by key (of a term, a chain, a last event).

    Attributes:
        amount: per key `[K]`; of those who have none 0, or `ALWAYS` where amounts are instants.
        there: per key `[K]` whether there is one.
    """

    amount: Mapping[str, Ints]
    there: Mapping[str, Bools]


@dataclass(frozen=True)
class Points:
    """N changes of the amount of one term, in any order: by how much, for whom, when, and whether quietly."""

    lane: Ints
    at: Ints
    quiet: Bools
    delta: Ints


def points_of(term: Term, behaviors: Behaviors, span: Span, concerned: Bools | None = None) -> Points:
    """Where events enter and leave the window of `term` in the tick.

    Args:
        term: the term.
        behaviors: the events; those that aren't fresh only enter or leave after the tick's start.
        span: the tick.
        concerned: `[K]`, whose events to look at; None: everybody's.
    """
    some = behaviors.of(term.name)
    if concerned is not None:
        some = some[concerned[behaviors.lane[some]]]
    rows = behaviors.only(some)
    delta = rows.value if term.metric == "total_value" else np.ones(some.size, np.int64)
    entering = _shifted(rows, term.offset, delta, span)
    if term.window is None:
        return entering
    leaving = _shifted(rows, term.offset + term.window, -delta, span)
    return _joined([entering, leaving])


def running_amounts(points: Sequence[Points], first: Ints, factors: Ints | None = None) -> StepFunction:
    """C amounts after each change of T terms.

    Args:
        points: those of each term.
        first: `[K, C]`, the amounts before.
        factors: `[T, C]`, how much a term's points change each amount; None: each term is an amount.
    """
    scale = np.eye(len(points), dtype=np.int64) if factors is None else factors
    whole = _joined(points)
    rows = sorted_by(whole.lane, whole.at, ~whole.quiet)
    lane, at, loud = rows.keys
    amounts = np.empty((lane.size, scale.shape[1]), np.int64, order="F")
    for column in range(scale.shape[1]):
        changes = np.concatenate(
            [_times(by, one.delta) for by, one in zip(scale[:, column], points, strict=True)]
        )
        amounts[:, column] = first[:, column].take(lane) + _running(lane, changes.take(rows.order), rows.last)
    return StepFunction(lane, at, loud == 0, amounts, first)


def only_amount(amounts: StepFunction, unit: int) -> StepFunction:
    """One amount, of which `unit` make one of what people count, as a number."""
    return replace(amounts, value=amounts.value[:, 0] / unit, first=amounts.first[:, 0] / unit)


def highest(term: Term, behaviors: Behaviors, before: Ints) -> Ints:
    """An amount, `[K]`, that the term's can't exceed at any time."""
    rows = behaviors.of(term.name)
    lane = behaviors.lane[rows]
    if term.metric == "count":
        counts: Ints = np.maximum(before, 0) + np.bincount(lane, minlength=behaviors.lanes)
        return counts
    values = np.abs(behaviors.value[rows]).astype(np.float64)
    sums = np.bincount(lane, weights=values, minlength=behaviors.lanes) * (1 + 1e-9) + 1
    most: Ints = np.maximum(before, 0) + np.minimum(sums, 2.0**62).astype(np.int64)
    return most


def _joined(points: Sequence[Points]) -> Points:
    names = [field.name for field in fields(Points)]
    return Points(*(np.concatenate([getattr(one, name) for one in points]) for name in names))


def _shifted(rows: Behaviors, after: int, delta: Ints, span: Span) -> Points:
    """The points `after` µs after each event, not before it acts (§4, late events)."""
    due = rows.ts + after
    at = np.maximum(due, rows.at)
    kept = at <= span.until
    if span.since is not None:
        kept &= rows.fresh | (due > span.since)
    quiet = ~rows.acts & (at == rows.at)
    if kept.all():
        return Points(rows.lane, at, quiet, delta)
    return Points(rows.lane[kept], at[kept], quiet[kept], delta[kept])


def _times(by: int, delta: Ints) -> Ints:
    if by == 1:
        return delta
    product: Ints = by * delta if by else np.zeros(delta.size, np.int64)
    return product


def _running(lane: Ints, delta: Ints, last: Ints) -> Ints:
    """Sums of `delta` since the start of each lane, at the rows `last`, whose lanes are given."""
    if not last.size:
        return np.zeros(0, np.int64)
    total = delta.cumsum().take(last)
    starts = np.flatnonzero(np.append(True, lane[1:] != lane[:-1]))
    before = np.append(0, total).take(starts)
    sums: Ints = total - np.repeat(before, np.diff(starts, append=lane.size))
    return sums
