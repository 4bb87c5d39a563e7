"""Behavioral events → patterns as facts, and step functions of time for conditions (semantics.md §8).

It reads the events that entered or left a window in a tick, and the stored amounts of their customers; never the
history.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl

from transforms.columns.arrays import Array, Ints, instants, positions
from transforms.columns.factorize import factorize
from transforms.definitions.signals import Amount, LastEvent, PatternScore, PatternTruth, Signal
from transforms.signals.amounts import after_tick, before_tick
from transforms.signals.patterns import PatternInTime, evaluate_pattern, rising_edges
from transforms.signals.plan import SignalPlan, last_key, term_of
from transforms.signals.results import FACTS, NOTHING, Signals, StepFunction
from transforms.signals.windows import (
    DECIMALS,
    Before,
    Behaviors,
    Span,
    only_amount,
    points_of,
    running_amounts,
)
from transforms.tables.frames import INSTANT
from transforms.timing.durations import epoch_us

LARGEST = 1e12
"""Values beyond are taken as that, so that sums of millionths fit into 64 bits."""


def evaluate_signals(
    plan: SignalPlan,
    behaviors: pl.DataFrame,
    amounts: pl.DataFrame,
    *,
    since: datetime | None,
    until: datetime,
    emit_from: datetime | None,
) -> Signals:
    """Find where patterns turn true and signals change.

    Args:
        plan: what to look for.
        behaviors: `frames.BEHAVIORS`: the events that act in the tick (`fresh`), and those of earlier ticks that
            enter or leave a window in it.
        amounts: `frames.AMOUNTS` before the tick, at least of the customers of `behaviors`.
        since: the tick's start (exclusive); None in the first.
        until: the tick's end (inclusive).
        emit_from: a pattern that turns true before is no fact; None: always.
    """
    customers, events = _in_columns(plan, behaviors, amounts["customer_id"])
    before = before_tick(plan, customers, amounts)
    span = Span(_micros(since), epoch_us(until), _micros(emit_from))
    patterns = {
        one.name: evaluate_pattern(one, events, before, span, scored=PatternScore(one.name) in plan.signals)
        for one in plan.patterns
    }
    return Signals(
        customers,
        _facts(customers, patterns, span),
        tuple(_evaluate(one, patterns, events, before, span) for one in plan.signals),
        partial(after_tick, plan, customers, events, before, span),
    )


def _evaluate(
    signal: Signal, patterns: Mapping[str, PatternInTime], events: Behaviors, before: Before, span: Span
) -> StepFunction:
    match signal:
        case Amount():
            return _amount(signal, events, before, span)
        case LastEvent():
            return _last_event(signal, events, before)
        case PatternTruth(name=name) if name in patterns:
            return patterns[name].truth
        case PatternScore(name=name) if name in patterns:
            return patterns[name].score or NOTHING
    return NOTHING  # of a pattern that is gone, which only older versions still name


def _amount(signal: Amount, events: Behaviors, before: Before, span: Span) -> StepFunction:
    term = term_of(signal)
    points = points_of(term, events, span)
    return only_amount(running_amounts([points], before.amount[term.key][:, None]), term.unit)


def _last_event(signal: LastEvent, events: Behaviors, before: Before) -> StepFunction:
    rows = events.fresh_of(signal.name)
    lane, first = events.lane[rows], before.amount[last_key(signal)]
    happened = pl.DataFrame({"lane": lane, "ts": events.ts[rows]})
    latest = happened.select(pl.col("ts").cum_max().over("lane")).to_series().to_numpy()
    return StepFunction(lane, events.at[rows], ~events.acts[rows], np.maximum(latest, first[lane]), first)


def _in_columns(plan: SignalPlan, behaviors: pl.DataFrame, owners: pl.Series) -> tuple[pl.Series, Behaviors]:
    """The customers behind events and amounts, and the events as columns of numbers."""
    if plan.chains:
        behaviors = behaviors.sort("at", "ts", "event_id")
    name = positions(behaviors["name"], plan.names, -1).astype(np.int16)
    customers, lanes = factorize(pl.concat([behaviors["customer_id"], owners.rename("customer_id")]))
    return customers, Behaviors(
        lanes=len(customers),
        names=plan.names,
        lane=lanes[: len(behaviors)],
        ts=instants(behaviors["ts"], 0),
        at=instants(behaviors["at"], 0),
        acts=behaviors["acts"].to_numpy(),
        fresh=behaviors["fresh"].to_numpy(),
        name=name,
        value=_millionths(plan, behaviors, name),
    )


def _millionths(plan: SignalPlan, behaviors: pl.DataFrame, name: Array) -> Ints:
    """The values of the events that are summed; 0 of others."""
    values = np.zeros(len(behaviors), np.int64)
    for summed in {term.name for term in plan.terms if term.metric == "total_value"}:
        rows = np.flatnonzero(name == plan.names.index(summed))
        rounded = (pl.col("value").fill_nan(0).clip(-LARGEST, LARGEST) * DECIMALS).round().cast(pl.Int64)
        given = behaviors["value"][rows].to_frame("value")
        values[rows] = given.select(rounded.fill_null(0)).to_series()
    return values


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else epoch_us(instant)


def _facts(customers: pl.Series, patterns: Mapping[str, PatternInTime], span: Span) -> pl.DataFrame:
    found = [_facts_of(customers, name, one.truth, span.emit_from) for name, one in patterns.items()]
    return pl.concat(found) if found else pl.DataFrame(schema=FACTS)


def _facts_of(customers: pl.Series, name: str, truth: StepFunction, emit_from: int | None) -> pl.DataFrame:
    turned = rising_edges(truth, emit_from)
    return pl.DataFrame(
        {
            "customer_id": customers[truth.lane[turned]],
            "at": pl.Series(truth.at[turned]).cast(INSTANT),
            "name": pl.Series([name], dtype=pl.String).new_from_index(0, turned.size),
        }
    )
