"""Behavioral events → patterns as facts, and step functions of time for conditions (semantics.md §8).

It reads the events that entered or left a window in a tick, and the stored amounts of their customers; never the
history.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, Array, Bools, Ints, order_by
from transforms.columns.factorize import factorize, index_in
from transforms.definitions.signals import Amount, LastEvent, PatternScore, PatternTruth, Signal
from transforms.signals.patterns import AmountPattern, AnyPattern, Ordered, Scored, chain_ends, rising_edges
from transforms.signals.plan import SignalPlan, last_key, term_of
from transforms.signals.results import FACTS, NOTHING, Signals, StepFunction
from transforms.signals.windows import (
    DECIMALS,
    Behaviors,
    Points,
    Term,
    amounts_after,
    highest,
    points_of,
    timeline,
)
from transforms.tables.frames import AMOUNTS, INSTANT
from transforms.timing.durations import epoch_us

LARGEST = 1e12
"""Values beyond are taken as that, so that sums of millionths fit into 64 bits."""


def evaluate_signals(
    declared: SignalPlan,
    behaviors: pl.DataFrame,
    amounts: pl.DataFrame,
    *,
    since: datetime | None,
    until: datetime,
    emit_from: datetime | None,
) -> Signals:
    """Find where patterns turn true and signals change.

    Args:
        declared: what to look for.
        behaviors: `state.BEHAVIORS`: the events that act in the tick (`fresh`), and those of earlier ticks that
            enter or leave a window in it.
        amounts: `state.AMOUNTS` before the tick, at least of the customers of `behaviors`.
        since: the tick's start (exclusive); None in the first.
        until: the tick's end (inclusive).
        emit_from: a pattern that turns true before is no fact; None: always.
    """
    customers, rows = _rows(declared, behaviors, amounts["customer_id"])
    before, there = _stored(declared, customers, amounts)
    first, emits = (None if one is None else epoch_us(one) for one in (since, emit_from))
    span = _Span(first, emits, epoch_us(until))
    scene = _Scene(declared, rows, before, there, span)
    lines = {one.name: scene.line(one) for one in declared.patterns}
    signals = tuple(scene.steps(one, lines) for one in declared.signals)
    return Signals(customers, _facts(customers, lines), signals, partial(_kept, declared, customers, scene))


@dataclass(frozen=True)
class _Span:
    """A tick in µs: its start, from when on patterns are facts, its end."""

    since: int | None
    emit_from: int | None
    until: int


@dataclass(frozen=True)
class _Line:
    """A pattern in time: its truth after each change, where it says so, its truth before, its score."""

    lane: Ints
    at: Ints
    truth: Bools
    edges: Ints
    first: Bools
    score: Any = None
    first_score: Any = None


@dataclass(frozen=True)
class _Scene:
    plan: SignalPlan
    rows: Behaviors
    before: dict[str, Ints]
    there: dict[str, Bools]
    span: _Span

    def line(self, pattern: AnyPattern) -> _Line:
        return self._chain(pattern) if isinstance(pattern, Ordered) else self._amounts(pattern)

    def points(self, term: Term, concerned: Bools | None = None) -> Points:
        return points_of(term, self.rows, since=self.span.since, until=self.span.until, concerned=concerned)

    def _amounts(self, pattern: AmountPattern) -> _Line:
        before = [self.before[term.key] for term in pattern.terms]
        base = np.stack(before, axis=1) @ pattern.factors
        begun = np.logical_or.reduce([self.there[term.key] for term in pattern.terms])
        scored = PatternScore(pattern.name) in self.plan.signals
        concerned = None if scored else self._concerned(pattern, before)
        points = [self.points(term, concerned) for term in pattern.terms]
        changes = timeline(points, base, pattern.factors)
        first = pattern.truth(base) & begun
        edges = rising_edges(pattern, changes, first, self.span.emit_from)
        line = _Line(changes.lane, changes.at, pattern.truth(changes.amounts), edges, first)
        if not isinstance(pattern, Scored):
            return line
        return replace(
            line, score=changes.amounts[:, 0] / pattern.scale, first_score=base[:, 0] / pattern.scale
        )

    def _concerned(self, pattern: AmountPattern, before: Sequence[Ints]) -> Bools:
        """Customers for whom the pattern may turn true: for others it is false all the time."""
        most = [highest(term, self.rows, some) for term, some in zip(pattern.terms, before, strict=True)]
        return pattern.possible(most)

    def _chain(self, pattern: Ordered) -> _Line:
        rows, ends = self.chained(pattern)
        lane, at = self.rows.lane[rows], self.rows.at[rows]
        first = self.before[pattern.keys[-1]] != ALWAYS
        done = np.flatnonzero(ends[-1] & ~first[lane])
        edges = done[np.unique(lane[done], return_index=True)[1]]
        emits = self.rows.acts[rows[edges]]
        if self.span.emit_from is not None:
            emits &= at[edges] >= self.span.emit_from
        turned = np.full(edges.size, fill_value=True)
        return _Line(lane[edges], at[edges], turned, np.flatnonzero(emits), first)

    def chained(self, pattern: Ordered) -> tuple[Ints, list[Bools]]:
        """The fresh events of the chain's names in order, and which of them end a chain of how many terms."""
        codes = np.array([self.rows.names.index(name) for name in pattern.names])
        some = np.flatnonzero(np.isin(self.rows.name, codes) & self.rows.fresh)
        rows = some[order_by(self.rows.lane[some], self.rows.at[some], self.rows.ts[some], stable=True)]
        base = np.stack([self.before[key] for key in pattern.keys], axis=1)
        named = [self.rows.name[rows] == code for code in codes]
        return rows, chain_ends(pattern, self.rows.lane[rows], self.rows.at[rows], named, base)

    def steps(self, signal: Signal, lines: dict[str, _Line]) -> StepFunction:
        match signal:
            case Amount():
                return self._amount_steps(term_of(signal))
            case LastEvent():
                return self._last_steps(signal)
            case PatternTruth(name=name) if line := lines.get(name):
                return _with_first(line.lane, line.at, line.truth.astype(float), line.first.astype(float))
            case PatternScore(name=name) if (line := lines.get(name)) and line.score is not None:
                return _with_first(line.lane, line.at, line.score, line.first_score)
        return NOTHING  # of a pattern that is gone, which only older versions still name

    def _amount_steps(self, term: Term) -> StepFunction:
        unit = DECIMALS if term.metric == "total_value" else 1
        changes = timeline([self.points(term)], self.before[term.key][:, None])
        amounts, before = changes.amounts[:, 0] / unit, self.before[term.key] / unit
        return _with_first(changes.lane, changes.at, amounts, before)

    def _last_steps(self, signal: LastEvent) -> StepFunction:
        rows = self.lasting(signal)
        frame = pl.DataFrame({"lane": self.rows.lane[rows], "ts": self.rows.ts[rows]})
        latest = frame.select(pl.col("ts").cum_max().over("lane")).to_series().to_numpy()
        before = self.before[last_key(signal)]
        latest = np.maximum(latest, before[self.rows.lane[rows]])
        return _with_first(self.rows.lane[rows], self.rows.at[rows], latest, before, nothing=ALWAYS)

    def lasting(self, signal: LastEvent) -> Ints:
        """The fresh events of the signal's name, in the order in which they act."""
        some = self.rows.of(signal.name)
        some = some[self.rows.fresh[some]]
        return some[order_by(self.rows.lane[some], self.rows.at[some])]


def _with_first(lane: Ints, at: Ints, value: Any, first: Any, nothing: float = 0) -> StepFunction:
    """The changes, and before them what was so before the tick."""
    lanes = np.flatnonzero(first != nothing)
    every = np.concatenate([lanes, lane])
    instants = np.concatenate([np.full(lanes.size, ALWAYS), at])
    order = np.argsort(every, kind="stable")
    return StepFunction(every[order], instants[order], np.concatenate([first[lanes], value])[order])


def _rows(declared: SignalPlan, behaviors: pl.DataFrame, owners: pl.Series) -> tuple[pl.Series, Behaviors]:
    """The events as columns of numbers, and the customers behind them."""
    if declared.chains:
        behaviors = behaviors.sort("at", "ts", "event_id")
    known = behaviors["name"].cast(pl.Enum(declared.names), strict=False).to_physical()
    name = known.cast(pl.Int16).fill_null(-1).to_numpy()
    customers, lanes = factorize(pl.concat([behaviors["customer_id"], owners.rename("customer_id")]))
    return customers, Behaviors(
        lanes=len(customers),
        names=declared.names,
        lane=lanes[: len(behaviors)],
        ts=behaviors["ts"].dt.epoch("us").to_numpy(),
        at=behaviors["at"].dt.epoch("us").to_numpy(),
        acts=behaviors["acts"].to_numpy(),
        fresh=behaviors["fresh"].to_numpy(),
        name=name,
        value=_millionths(declared, behaviors, name),
    )


def _millionths(declared: SignalPlan, behaviors: pl.DataFrame, name: Array) -> Ints:
    """The values of the events that are summed; 0 of others."""
    values = np.zeros(len(behaviors), np.int64)
    for summed in {term.name for term in declared.terms if term.metric == "total_value"}:
        rows = np.flatnonzero(name == declared.names.index(summed))
        rounded = (pl.col("value").fill_nan(0).clip(-LARGEST, LARGEST) * DECIMALS).round().cast(pl.Int64)
        given = behaviors["value"].gather(rows).to_frame("value")
        values[rows] = given.select(rounded.fill_null(0)).to_series()
    return values


def _stored(
    declared: SignalPlan, customers: pl.Series, amounts: pl.DataFrame
) -> tuple[dict[str, Ints], dict[str, Bools]]:
    """Per key the amount of every customer before the tick, and whether there was one."""
    sums = {term.key for term in declared.terms}
    before = {key: np.full(len(customers), 0 if key in sums else ALWAYS) for key in declared.keys}
    there = {key: np.zeros(len(customers), np.bool_) for key in declared.keys}
    if amounts.is_empty():
        return before, there
    lane = index_in(amounts["customer_id"], customers)
    keyed = amounts.select("key", "amount", lane=pl.Series(lane)).partition_by("key", as_dict=True)
    for key in declared.keys:
        if (found := keyed.get((key,))) is not None:
            before[key][found["lane"]] = found["amount"].to_numpy()
            there[key][found["lane"]] = True
    return before, there


def _facts(customers: pl.Series, lines: dict[str, _Line]) -> pl.DataFrame:
    found = [
        pl.DataFrame(
            {
                "customer_id": customers.gather(line.lane[line.edges]),
                "at": pl.Series(line.at[line.edges]).cast(INSTANT),
                "name": pl.Series([name], dtype=pl.String).new_from_index(0, line.edges.size),
            }
        )
        for name, line in lines.items()
    ]
    return pl.concat(found) if found else pl.DataFrame(schema=FACTS)


def _kept(declared: SignalPlan, customers: pl.Series, scene: _Scene) -> pl.DataFrame:
    """The amounts after the tick, of those who have any."""
    after: dict[str, tuple[Ints, Bools]] = {}
    for term in declared.terms:
        points, there = scene.points(term), scene.there[term.key].copy()
        there[points.lane] = True
        after[term.key] = amounts_after(points, scene.before[term.key]), there
    for last in declared.lasts:
        rows = scene.lasting(last)
        after[last_key(last)] = _latest(scene, last_key(last), rows, scene.rows.ts[rows])
    for chain in declared.chains:
        rows, ends = scene.chained(chain)
        for key, ended in zip(chain.keys, ends, strict=True):
            after[key] = _latest(scene, key, rows[ended], scene.rows.at[rows[ended]])
    kept = [_amounts_of(customers, key, *found) for key, found in after.items()]
    return pl.concat(kept) if kept else pl.DataFrame(schema=AMOUNTS)


def _latest(scene: _Scene, key: str, rows: Ints, instants: Ints) -> tuple[Ints, Bools]:
    latest = scene.before[key].copy()
    np.maximum.at(latest, scene.rows.lane[rows], instants)
    return latest, latest != ALWAYS


def _amounts_of(customers: pl.Series, key: str, amounts: Ints, there: Bools) -> pl.DataFrame:
    rows = np.flatnonzero(there)
    return pl.DataFrame(
        {
            "customer_id": customers.gather(rows),
            "key": pl.Series([key], dtype=pl.String).new_from_index(0, rows.size),
            "amount": amounts[rows],
        },
        schema=AMOUNTS,
    )
