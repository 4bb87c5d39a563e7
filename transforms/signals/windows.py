"""Amounts of events in windows, as step functions of time (semantics.md §8, docs/decision-language.md).

An event enters the window of a term at one instant and leaves it at another: two points, +amount and −amount. Sorted
by customer and time, their cumulative sums are the amounts after every change; nothing is looped over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints, sorted_by

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


@dataclass(frozen=True)
class Behaviors:
    """N behavioral events, in any order.

    Attributes:
        lanes: how many customers there are.
        names: the names of events that matter.
        lane: the customer's number.
        ts: µs since 1970.
        at: the instant it acts at; not before `ts`.
        acts: false for history and too-late events, which change amounts and cause nothing.
        fresh: false for events of earlier ticks, read again because they now enter or leave a window.
        name: the number of its name in `names`, −1 for others.
        value: in millionths.
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
class Points:
    """Changes of the amount of one term, in any order: by how much, for whom, when, and whether silently."""

    lane: Ints
    at: Ints
    quiet: Bools
    delta: Ints


@dataclass(frozen=True)
class Timeline:
    """C amounts after each change, by lane and time; quiet changes of an instant come first.

    Attributes:
        lane: the customer of the change.
        at: its instant.
        quiet: whether it is one that emits nothing.
        amounts: `[change, C]`.
    """

    lane: Ints
    at: Ints
    quiet: Bools
    amounts: Ints


def points_of(
    term: Term, rows: Behaviors, *, since: int | None, until: int, concerned: Bools | None = None
) -> Points:
    """Where events enter and leave the window of `term` until `until`, inclusive.

    Args:
        term: the term.
        rows: the events; those that aren't fresh only enter or leave after `since`.
        since: the tick's start; None in the first.
        until: the tick's end.
        concerned: `[lane]`, whose events to look at; None: everybody's.
    """
    some = rows.of(term.name)
    if concerned is not None:
        some = some[concerned[rows.lane[some]]]
    rows = rows.only(some)
    delta = rows.value if term.metric == "total_value" else np.ones(some.size, np.int64)
    entering = _shifted(rows, term.offset, delta, since, until)
    if term.window is None:
        return entering
    leaving = _shifted(rows, term.offset + term.window, -delta, since, until)
    return _joined([entering, leaving])


def timeline(points: Sequence[Points], base: Ints, factors: Ints | None = None) -> Timeline:
    """All changes of C amounts.

    Args:
        points: those of T terms.
        base: `[lane, C]`, the amounts before.
        factors: `[term, C]`, how much a term's points change each amount; None: each term is an amount.
    """
    scale = np.eye(len(points), dtype=np.int64) if factors is None else factors
    whole = _joined(points)
    rows = sorted_by(whole.lane, whole.at, ~whole.quiet)
    (lane, at, loud), last = rows.keys, rows.last
    amounts = base[lane[last]]
    for column in range(scale.shape[1]):
        changes = np.concatenate([by * one.delta for by, one in zip(scale[:, column], points, strict=True)])
        amounts[:, column] += _running(lane, changes[rows.order], last)
    return Timeline(lane[last], at[last], loud[last] == 0, amounts)


def amounts_after(points: Points, before: Ints) -> Ints:
    """The amounts of one term, `[lane]`, after all its points."""
    after = before.copy()
    np.add.at(after, points.lane, points.delta)
    return after


def highest(term: Term, rows: Behaviors, before: Ints) -> Ints:
    """An amount, `[lane]`, that the term's can't exceed at any time."""
    some = rows.of(term.name)
    if term.metric == "count":
        counts: Ints = np.maximum(before, 0) + np.bincount(rows.lane[some], minlength=rows.lanes)
        return counts
    values = np.abs(rows.value[some]).astype(np.float64)
    sums = np.bincount(rows.lane[some], weights=values, minlength=rows.lanes) * (1 + 1e-9) + 1
    most: Ints = np.maximum(before, 0) + np.minimum(sums, 2.0**62).astype(np.int64)
    return most


def before_each(changes: Timeline, values: Bools, first: Bools) -> Bools:
    """For each change the value before it: of the change before, or of `first[lane]` where there is none."""
    if not values.size:
        return values
    before = np.empty_like(values)
    before[1:] = values[:-1]
    start = np.flatnonzero(np.append(True, changes.lane[1:] != changes.lane[:-1]))
    before[start] = first[changes.lane[start]]
    return before


def _joined(points: Sequence[Points]) -> Points:
    names = [field.name for field in fields(Points)]
    return Points(*(np.concatenate([getattr(one, name) for one in points]) for name in names))


def _shifted(rows: Behaviors, after: int, delta: Ints, since: int | None, until: int) -> Points:
    """The points `after` µs after each event, not before it acts (§4, late events)."""
    due = rows.ts + after
    at = np.maximum(due, rows.at)
    kept = at <= until
    if since is not None:
        kept &= rows.fresh | (due > since)
    quiet = ~rows.acts & (at == rows.at)
    if kept.all():
        return Points(rows.lane, at, quiet, delta)
    return Points(rows.lane[kept], at[kept], quiet[kept], delta[kept])


def _running(lane: Ints, delta: Ints, last: Ints) -> Ints:
    """Sums of `delta` since the start of each lane, at the rows `last`."""
    if not last.size:
        return np.zeros(0, np.int64)
    total = np.cumsum(delta)
    starts = np.flatnonzero(np.append(True, lane[1:] != lane[:-1]))
    before = np.where(starts > 0, total[starts - 1], 0)
    lengths = np.diff(np.append(np.searchsorted(last, starts), last.size))
    sums: Ints = total[last] - np.repeat(before, lengths)
    return sums
